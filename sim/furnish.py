"""What is in a cluster before anybody deploys to it: nodes, storage classes, operators' types."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from base.problems import Problem
from config.node_labels import GPU_POOL, MIG_CONFIG, PLUGIN_CONFIG
from config.settings.cluster import ClusterConfig, StorageClassConfig
from sim.api import Api, ConflictError, Object
from sim.errors import SimError
from sim.nodes import node_objects
from sim.operators.installed import Installed

_NODES = "/api/v1/nodes"
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_RUNTIMES = "/apis/node.k8s.io/v1/runtimeclasses"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
_TYPES = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_NVIDIA = "nvidia.com/"
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def furnish(api: Api, expects: ClusterConfig, types: Sequence[Installed], timeout: float) -> None:
    """Make the cluster hold what *expects* names, with the *types* of the operators among it.

    A second time, changes only what differs. Types stay when their operator is no longer expected:
    with them their objects would go. Raises SimError if the API server does not serve the types
    within *timeout* seconds.
    """
    for operator in types:
        if _served(api, operator) < len(operator.files):
            for file in operator.files:
                with suppress(ConflictError):  # there from an earlier start
                    api.create(_TYPES, file.read_bytes())
    _replace_differing(api, _NODES, node_objects(expects), _is_same_node)
    classes = [storage_class_object(entry) for entry in expects.storage_classes]
    _replace_differing(api, _CLASSES, classes, _is_same_class)

    if "gpu-operator" in expects.operators:
        with suppress(ConflictError):
            api.create(_RUNTIMES, {"metadata": {"name": "nvidia"}, "handler": "nvidia"})

    def unserved() -> str:
        missing = [entry.group_version for entry in types if _served(api, entry) < len(entry.files)]
        return f"types not served: {', '.join(missing)}" if missing else ""

    _wait(unserved, expects, timeout)


def free_nodes(api: Api) -> None:
    """Delete the leases of a kwok that ended: the next one waits 40 s for them to run out."""
    for lease in api.items(_LEASES):
        api.delete(f"{_LEASES}/{lease['metadata']['name']}")


def wait_usable(api: Api, expects: ClusterConfig, timeout: float) -> None:
    """Return once pods can be placed: each node Ready and untainted, service accounts given.

    Raises SimError if that takes longer than *timeout* seconds.
    """

    def unready() -> str:
        waiting = [node["metadata"]["name"] for node in api.items(_NODES) if not _open(node)]
        if waiting:
            return f"nodes not Ready: {', '.join(waiting)}"
        account = api.get("/api/v1/namespaces/default/serviceaccounts/default")
        return "" if account else "no default service account"

    _wait(unready, expects, timeout)


def _wait(missing: Callable[[], str], expects: ClusterConfig, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while what := missing():
        if time.monotonic() > deadline:
            raise SimError(
                Problem(
                    path=f"simulated cluster {expects.context}",
                    got=f"{what}, after {timeout:.0f} s",
                    allowed="all of it to be there by then",
                    change="look at the logs that `pai sim status` names; "
                    "`pai sim reset` starts it anew",
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
    # Controllers and people add labels and taints of their own: those do not count, except ours.
    # What NVIDIA's programs say of the GPUs, they change (sim.operators.nvidia): the type of the
    # machine already tells which ones it has.
    labels = present["metadata"]["labels"]
    asked = {key: value for key, value in _labels(wanted) if _is_given(key)}
    return (
        labels.items() >= asked.items()
        and labels.get(GPU_POOL) == asked.get(GPU_POOL)
        and _capacity(present) == _capacity(wanted)
    )


def _is_given(label: str) -> bool:
    """Whether a person gave a node this label, or the machine has it; else a program found it."""
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


def _served(api: Api, operator: Installed) -> int:
    """How many types of the operator the API server serves by now."""
    found = api.get(f"/apis/{operator.group_version}") or {"resources": []}
    return len([entry for entry in found["resources"] if "/" not in entry["name"]])


def _open(node: Object) -> bool:
    conditions = {entry["type"]: entry["status"] for entry in node["status"].get("conditions", [])}
    taints = {taint["key"] for taint in node["spec"].get("taints", [])}
    return conditions.get("Ready") == "True" and "node.kubernetes.io/not-ready" not in taints
