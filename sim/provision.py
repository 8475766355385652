"""Provision a cluster before anything is deployed: nodes, storage classes, operators' CRDs."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from base.problems import Problem
from config.node_labels import GPU_POOL, MIG_CONFIG, PLUGIN_CONFIG
from config.settings.cluster import ClusterConfig, StorageClassConfig
from sim.api import Api, ConflictError, Object
from sim.errors import SimError
from sim.nodes import node_objects
from sim.operators import minio
from sim.operators.crds import OperatorCrds

_NODES = "/api/v1/nodes"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_NVIDIA = "nvidia.com/"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def provision(
    api: Api, expects: ClusterConfig, crds: Sequence[OperatorCrds], timeout: float
) -> None:
    """Create the nodes, storage classes and *crds* that *expects* names.

    Later runs change only what differs. CRDs remain when their operator is no longer expected,
    because deleting them would delete their objects. Raises SimError if the API server does not
    serve the CRDs within *timeout* seconds.
    """
    for operator in crds:
        if _served(api, operator) < len(operator.files):
            for file in operator.files:
                with suppress(ConflictError):  # created by an earlier start
                    api.create(_CRDS, file.read_bytes())
    _replace_differing(api, _NODES, node_objects(expects), _is_same_node)
    classes = [storage_class_object(entry) for entry in expects.storage_classes]
    _replace_differing(api, _CLASSES, classes, _is_same_class)

    if "minio" in expects.operators:
        with suppress(ConflictError):
            api.create("/api/v1/namespaces", {"metadata": {"name": minio.NAMESPACE}})
    if "gpu-operator" in expects.operators:
        with suppress(ConflictError):
            api.create(_RUNTIMES, {"metadata": {"name": "nvidia"}, "handler": "nvidia"})

    def unserved() -> str:
        missing = [entry.group_version for entry in crds if _served(api, entry) < len(entry.files)]
        return f"CRDs not served: {', '.join(missing)}" if missing else ""

    _wait(unserved, expects, timeout)


def wait_usable(api: Api, expects: ClusterConfig, timeout: float) -> None:
    """Wait until pods can be scheduled: nodes Ready and untainted, default ServiceAccount there.

    Raises SimError if that takes longer than *timeout* seconds.
    """

    def unready() -> str:
        waiting = [node["metadata"]["name"] for node in api.items(_NODES) if not _is_usable(node)]
        if waiting:
            return f"nodes not Ready: {', '.join(waiting)}"
        account = api.get("/api/v1/namespaces/default/serviceaccounts/default")
        return "" if account else "no default service account"

    _wait(unready, expects, timeout)


def _wait(missing: Callable[[], str], expects: ClusterConfig, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while state := missing():
        if time.monotonic() > deadline:
            raise SimError(
                Problem(
                    path=f"simulated cluster {expects.context}",
                    got=state,
                    allowed=f"a usable cluster within {timeout:.0f} s",
                    change="see the logs that `pai sim status` names, or recreate the cluster with "
                    "`pai sim reset`",
                )
            )
        time.sleep(0.05)


def storage_class_object(entry: StorageClassConfig) -> Object:
    """The StorageClass that *entry* describes."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": entry.name,
            "annotations": {_DEFAULT_CLASS: "true" if entry.default else "false"},
        },
        "provisioner": entry.provisioner,
        "reclaimPolicy": entry.reclaim_policy,
        "volumeBindingMode": entry.binding,
        "allowVolumeExpansion": entry.expandable,
    }


def _replace_differing(
    api: Api, path: str, wanted: list[Object], is_same: Callable[[Object, Object], bool]
) -> None:
    present = {item["metadata"]["name"]: item for item in api.items(path)}
    names = {item["metadata"]["name"] for item in wanted}
    for name in present.keys() - names:
        api.delete(f"{path}/{name}")
    for item in wanted:
        name = item["metadata"]["name"]
        if name in present:
            if is_same(present[name], item):
                continue
            api.delete(f"{path}/{name}")
        api.create(path, item)


def _is_same_node(present: Object, wanted: Object) -> bool:
    # Labels and taints that controllers and users add do not count. Those of NVIDIA's programs
    # change at run time (sim.operators.nvidia); the machine type already determines the GPUs.
    labels = present["metadata"]["labels"]
    expected = {key: value for key, value in _labels(wanted) if _is_configured(key)}
    return (
        labels.items() >= expected.items()
        and labels.get(GPU_POOL) == expected.get(GPU_POOL)
        and _capacity(present) == _capacity(wanted)
    )


def _is_configured(label: str) -> bool:
    """Whether a label comes from the configuration or machine, not from NVIDIA's discovery."""
    return not label.startswith(_NVIDIA) or label in (PLUGIN_CONFIG, MIG_CONFIG)


def _labels(node: Object) -> Iterable[tuple[str, str]]:
    return node["metadata"]["labels"].items()


def _capacity(node: Object) -> dict[str, str]:
    capacity = node["status"]["capacity"]
    return {name: amount for name, amount in capacity.items() if not name.startswith(_NVIDIA)}


def _is_same_class(present: Object, wanted: Object) -> bool:
    fields = ("provisioner", "reclaimPolicy", "volumeBindingMode", "allowVolumeExpansion")
    default = present["metadata"].get("annotations", {}).get(_DEFAULT_CLASS)
    return default == wanted["metadata"]["annotations"][_DEFAULT_CLASS] and all(
        present.get(field) == wanted[field] for field in fields
    )


def _served(api: Api, operator: OperatorCrds) -> int:
    """The number of the operator's resource types that the API server serves."""
    group = api.get(f"/apis/{operator.group_version}") or {"resources": []}
    return len([entry for entry in group["resources"] if "/" not in entry["name"]])


def _is_usable(node: Object) -> bool:
    conditions = {entry["type"]: entry["status"] for entry in node["status"].get("conditions", [])}
    taints = {taint["key"] for taint in node["spec"].get("taints", [])}
    return conditions.get("Ready") == "True" and "node.kubernetes.io/not-ready" not in taints
