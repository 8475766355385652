"""Data of objects that are replaced or deleted."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from review.changes import Change
from review.reading import mapping
from review.report import Loss

_CONSEQUENCE: Mapping[str, str] = {
    "PersistentVolumeClaim": "its volume is deleted too unless the storage class retains volumes",
    "PersistentVolume": "the cluster loses track of its disk",
    "Cluster.postgresql.cnpg.io": "the operator deletes its databases and volumes too",
    "Tenant.minio.min.io": "its servers are deleted; volumes remain only if they are retained",
    "Namespace": "Kubernetes deletes everything in it, including volumes",
    "CustomResourceDefinition.apiextensions.k8s.io": "all objects of that kind are deleted too",
}


def losses(changes: Iterable[Change]) -> list[Loss]:
    """Effects of *changes* on stored data, lost data first."""
    return sorted(_losses(changes), key=lambda loss: loss.data != "lost")


def _losses(changes: Iterable[Change]) -> Iterator[Loss]:
    for change in changes:
        if change.op not in ("replace", "delete"):
            continue
        read = _stateful_set if change.kind == "StatefulSet.apps" else _by_kind
        found = read(change)
        if found is None:
            continue
        data, reason = found
        if change.stays:
            data, reason = "kept", "the object stays on the cluster, no longer managed by the stack"
        why = f"{_cause(change)}; {reason}"
        op: Literal["replace", "delete"] = "delete" if change.op == "delete" else "replace"
        yield Loss(resource=change.label, component=change.component, op=op, data=data, reason=why)


_Fate = tuple[Literal["lost", "kept"], str]
"""What happens to the data, and why."""


def _by_kind(change: Change) -> _Fate | None:
    about = _CONSEQUENCE.get(change.kind)
    return ("lost", about) if about else None


def _stateful_set(change: Change) -> _Fate | None:
    spec = mapping(change.before, "spec")
    if not spec.get("volumeClaimTemplates"):
        return None
    policy = mapping(spec, "persistentVolumeClaimRetentionPolicy")
    if policy.get("whenDeleted") == "Delete":
        return "lost", "its claims are deleted too (whenDeleted: Delete)"
    if change.op == "replace":
        return "kept", "its claims remain, and the new StatefulSet reuses them"
    return "kept", "its claims remain on the cluster, unused"


def _cause(change: Change) -> str:
    if change.op == "delete":
        return "it was removed from the program"
    paths = ", ".join(sorted(change.replacing))
    return f"{paths} cannot change in place" if paths else "it cannot change in place"
