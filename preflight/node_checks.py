"""Checks of the machines: those of each pool, their labels, taints and GPUs."""

from collections.abc import Iterator, Sequence

from components.cluster_reader import ClusterReader, Object
from config.node_labels import GPU_POOL
from config.stack import StackConfig
from preflight.result import Result, ok, problem, unknown

_GPU = "nvidia.com/gpu"


def nodes(cluster: ClusterReader, stack: StackConfig) -> Iterator[Result]:
    """Whether as many machines are Ready as `cluster.nodes` says, with the labels of the pools."""
    ready = ready_nodes(cluster)
    expected = sum(group.count for group in stack.cluster.nodes)
    if len(ready) < expected:
        remedy = "add machines, see why the others are not Ready, or lower cluster.nodes"
        yield problem("nodes", f"{len(ready)} Ready of {expected}", remedy)
    else:
        yield ok("nodes", f"{len(ready)} Ready, {expected} expected")
    for name, settings in stack.pools.items():
        yield pool(name, settings.nodes, ready)


def ready_nodes(cluster: ClusterReader) -> list[Object]:
    """The machines that take pods."""
    return [node for node in cluster.items("/api/v1/nodes") if _is_ready(node)]


def pool(name: str, wanted: int, ready: Sequence[Object]) -> Result:
    """Whether *wanted* machines of *ready* are the pool *name*: label, taint, GPUs."""
    check = f"pool {name}"
    members = [n for n in ready if (n["metadata"].get("labels") or {}).get(GPU_POOL) == name]
    if len(members) < wanted:
        command = f"kubectl label node NODE {GPU_POOL}={name}"
        found = f"{len(members)} Ready nodes are labelled {GPU_POOL}={name}, of {wanted}"
        return problem(check, found, f"label the machines of the pool: `{command}`")
    bare = [n["metadata"]["name"] for n in members if not _has_gpu_taint(n)]
    if bare:
        command = f"kubectl taint node {bare[0]} {_GPU}=present:NoSchedule"
        found = f"{', '.join(bare)} lack the taint {_GPU}"
        return problem(check, found, f"keep other pods off the GPUs: `{command}`")
    counted = [int(n["status"].get("allocatable", {}).get(_GPU, 0)) for n in members]
    if not any(counted):
        found = f"{len(members)} nodes, which advertise no {_GPU} yet"
        remedy = "the stack's device plugin does that, given driver and container toolkit"
        return unknown(check, found, remedy)
    nodes = "1 node" if len(members) == 1 else f"{len(members)} nodes"
    return ok(check, f"{nodes} with {sum(counted)} GPUs")


def _is_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _has_gpu_taint(node: Object) -> bool:
    return any(taint["key"] == _GPU for taint in node["spec"].get("taints") or [])
