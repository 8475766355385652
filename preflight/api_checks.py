"""Checks of what the API server serves: its version, kinds, operators, classes, namespaces."""

from collections.abc import Iterable, Iterator, Mapping

from components.cluster_reader import ClusterReader, Object
from components.existing.find import find
from components.existing.named_objects import Named
from components.existing.namespaces import takeovers
from config.settings.cluster import Operator, StorageClassConfig
from config.stack import StackConfig
from preflight.needs import Needs
from preflight.result import Result, of_problem, ok, problem, unknown

_LEAST_KUBERNETES = (1, 30)
"""The `sleep` hook that drains model servers is on by default from here."""

_OPERATORS: Mapping[Operator, tuple[str, tuple[int, int], str]] = {
    "minio": ("minio/operator", (7, 0), "github.com/minio/operator"),
    "cloudnative-pg": ("cloudnative-pg/cloudnative-pg", (1, 27), "cloudnative-pg.io"),
    "keda": ("kedacore/keda", (2, 17), "keda.sh"),
    "leader-worker-set": ("lws/lws", (0, 8), "lws.sigs.k8s.io"),
    "gpu-operator": ("nvidia/gpu-operator", (25, 3), "docs.nvidia.com/datacenter/cloud-native"),
}
"""End of the image's repository, least version, where it is installed from."""

_GROUPS: Mapping[str, Operator] = {
    "minio.min.io": "minio",
    "postgresql.cnpg.io": "cloudnative-pg",
    "keda.sh": "keda",
    "leaderworkerset.x-k8s.io": "leader-worker-set",
}


def version(cluster: ClusterReader) -> Iterator[Result]:
    """Whether Kubernetes is new enough."""
    found = cluster.get("/version") or {}
    text = str(found.get("gitVersion", "nothing"))
    at = _version(text)
    least = ".".join(map(str, _LEAST_KUBERNETES))
    if at is None or at < _LEAST_KUBERNETES:
        yield problem("kubernetes version", text, f"upgrade the cluster to {least} or later")
    else:
        yield ok("kubernetes version", text)


def existing(
    cluster: ClusterReader, config: StackConfig, stack: str, named: Iterable[Named]
) -> Iterator[Result]:
    """What is there, has a name of *named* or of the stack's namespaces, and is not the stack's."""
    found = find(cluster, config, stack, named)
    yield from (of_problem(each.got.split(",")[0], each) for each in found)
    if not found:
        yield ok("names", "each is free, adopted, or the stack's own")
    for taken in takeovers(cluster, config.platform, stack):
        yield unknown("adopted namespace", taken, "ask its owners before you deploy")


def kinds(cluster: ClusterReader, wanted: Needs) -> Iterator[Result]:
    """Kinds that the API server does not serve, of the operators that are missing."""
    served: dict[str, set[str]] = {}
    for (api, kind), example in sorted(wanted.kinds.items()):
        if api not in served:
            path = f"/apis/{api}" if "/" in api else f"/api/{api}"
            listed = (cluster.get(path) or {}).get("resources") or []
            served[api] = {entry["kind"] for entry in listed}
        if kind in served[api]:
            continue
        operator = _GROUPS.get(api.partition("/")[0])
        remedy = "install what serves it, or leave out what needs it"
        if operator:
            _, least, source = _OPERATORS[operator]
            remedy = f"install {operator} {least[0]}.{least[1]} or later: {source}"
        yield problem(f"kind {kind} ({api})", f"not served; {example} is one", remedy)
    if all(kind in served[api] for api, kind in wanted.kinds):
        yield ok("kinds", f"all {len(wanted.kinds)} that the stack creates are served")


def operators(cluster: ClusterReader, expected: list[Operator]) -> Iterator[Result]:
    """Whether each operator runs, in a version that does what the stack asks of it."""
    images = [
        (str(container["image"]), deployment)
        for deployment in cluster.items("/apis/apps/v1/deployments")
        for container in deployment["spec"]["template"]["spec"]["containers"]
    ]
    for operator in (name for name in expected if name in _OPERATORS):
        repository, least, source = _OPERATORS[operator]
        check, wanted = f"operator {operator}", f"{least[0]}.{least[1]}"
        found = [
            (image, deployment)
            for image, deployment in images
            if image.partition("@")[0].rpartition(":")[0].endswith(repository)
        ]
        if not found:
            change = f"make sure that {wanted} or later runs: {source}"
            yield unknown(check, "no Deployment with its image is shown", change)
            continue
        image, deployment = found[0]
        at = _version(image.rpartition(":")[2])
        if at is not None and at < least:
            yield problem(check, image, f"upgrade it to {wanted} or later: {source}")
        elif not deployment.get("status", {}).get("readyReplicas"):
            yield problem(check, f"{image}, no replica is ready", "see its pods and their events")
        else:
            yield ok(check, image)


def storage_classes(cluster: ClusterReader, expected: list[StorageClassConfig]) -> Iterator[Result]:
    """Whether each class is there, and binds and grows as the settings say."""
    found = {
        item["metadata"]["name"]: item
        for item in cluster.items("/apis/storage.k8s.io/v1/storageclasses")
    }
    there = ", ".join(sorted(found)) or "none"
    for wanted in expected:
        check = f"storage class {wanted.name}"
        if wanted.name not in found:
            remedy = "create it, or name another in cluster.storage_classes and platform"
            yield problem(check, f"not there; the cluster has {there}", remedy)
            continue
        yield from _storage_class(check, wanted, found[wanted.name])


def _storage_class(check: str, wanted: StorageClassConfig, found: Object) -> Iterator[Result]:
    binding = found.get("volumeBindingMode", "Immediate")
    grows = bool(found.get("allowVolumeExpansion"))
    if binding != wanted.binding:
        remedy = (
            f"correct `binding` in cluster.storage_classes, or create a class with {wanted.binding}"
        )
        yield problem(check, f"volumeBindingMode is {binding}", remedy)
    elif grows != wanted.expandable:
        remedy = "correct `expandable` in cluster.storage_classes, or set it on the class"
        yield problem(check, f"allowVolumeExpansion is {str(grows).lower()}", remedy)
    else:
        yield ok(check, f"{found.get('provisioner')}, {binding}")


def runtime_classes(cluster: ClusterReader, wanted: Needs) -> Iterator[Result]:
    """Whether the runtime classes are there that the stack uses and does not create."""
    for name, user in wanted.runtime_classes.items():
        check = f"runtime class {name}"
        if cluster.get(f"/apis/node.k8s.io/v1/runtimeclasses/{name}"):
            yield ok(check, f"used by {user}")
        else:
            remedy = "install NVIDIA's container toolkit or GPU operator, which create it"
            yield problem(check, f"not there; {user} uses it", remedy)


def _version(text: str) -> tuple[int, int] | None:
    """Major and minor number of `v1.30.2-eks`; None of what is none."""
    parts = text.removeprefix("v").split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (ValueError, IndexError):
        return None
