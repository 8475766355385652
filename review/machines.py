"""Machines that are removed or replaced in pools of Cluster API or Karpenter."""

from collections.abc import Callable, Mapping

from review.changes import Change
from review.reading import Object, count, mapping
from review.report import Effect


def machines(change: Change) -> tuple[Effect, str] | None:
    """Effect of *change* on the machines of a pool, and the reason; None if all stay."""
    read = _READERS.get(change.kind)
    if read is None or change.op not in ("update", "replace", "delete"):
        return None
    if change.op != "update":
        return (
            None if change.stays else ("stops", "its machines are deleted, with the pods on them")
        )
    return read(mapping(change.before, "spec"), mapping(change.after, "spec"))


def _machine_deployment(old: Object, new: Object) -> tuple[Effect, str] | None:
    """https://cluster-api.sigs.k8s.io/developer/core/controllers/machine-deployment."""
    before, after = count(old, "replicas", 1), count(new, "replicas", 1)
    if after == 0 < before:
        return "stops", f"scaled from {before} to 0 machines, with the pods on them"
    if after < before:
        return "fewer", f"scaled from {before} to {after} machines, with the pods on them"
    if before and old.get("template") != new.get("template"):
        return _replaced(before)
    return None


def _node_pool(old: Object, new: Object) -> tuple[Effect, str] | None:
    """Karpenter replaces nodes that differ from their pool: https://karpenter.sh/docs/concepts/disruption."""
    if mapping(old, "template") == mapping(new, "template"):
        return None
    return "fewer", "machines that differ from the pool are drained and replaced one by one"


def _replaced(before: int) -> tuple[Effect, str]:
    if before == 1:
        return "interrupted", "its only machine is replaced, and its pods wait for the new one"
    return "fewer", f"its {before} machines are replaced one by one, with the pods on them"


_READERS: Mapping[str, Callable[[Object, Object], tuple[Effect, str] | None]] = {
    "MachineDeployment.cluster.x-k8s.io": _machine_deployment,
    "NodePool.karpenter.sh": _node_pool,
}
