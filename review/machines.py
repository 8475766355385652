"""Machines that go, and the pods on them: pools that Cluster API or Karpenter makes."""

from collections.abc import Callable, Mapping

from review.changes import Change
from review.reading import Object, count, mapping
from review.report import Effect


def machines(change: Change) -> tuple[Effect, str] | None:
    """What *change* does to the machines of a pool, and how; None where they all stay."""
    read = _READERS.get(change.kind)
    if read is None or change.op not in ("update", "replace", "delete"):
        return None
    if change.op != "update":
        return None if change.stays else ("stops", "its machines go, and the pods on them")
    return read(mapping(change.before, "spec"), mapping(change.after, "spec"))


def _machine_deployment(old: Object, new: Object) -> tuple[Effect, str] | None:
    """https://cluster-api.sigs.k8s.io/developer/core/controllers/machine-deployment."""
    before, after = count(old, "replicas", 1), count(new, "replicas", 1)
    if after == 0 < before:
        return "stops", f"its machines go from {before} to 0, with the pods on them"
    if after < before:
        return "fewer", f"its machines go from {before} to {after}, with the pods on them"
    if before and old.get("template") != new.get("template"):
        return _replaced(before)
    return None


def _node_pool(old: Object, new: Object) -> tuple[Effect, str] | None:
    """A node that differs from its pool has drifted: https://karpenter.sh/docs/concepts/disruption."""
    if mapping(old, "template") == mapping(new, "template"):
        return None
    return "fewer", "machine after machine that differs now is drained and replaced"


def _replaced(before: int) -> tuple[Effect, str]:
    if before == 1:
        return "interrupted", "its one machine is replaced, and the pods on it wait for the new one"
    return "fewer", f"its {before} machines are replaced one by one, with the pods on them"


_READERS: Mapping[str, Callable[[Object, Object], tuple[Effect, str] | None]] = {
    "MachineDeployment.cluster.x-k8s.io": _machine_deployment,
    "NodePool.karpenter.sh": _node_pool,
}
