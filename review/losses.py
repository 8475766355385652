"""What keeps data and is replaced or deleted, and what becomes of the data."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from review.changes import Change
from review.reading import mapping
from review.report import Loss

_ABOUT: Mapping[str, str] = {
    "PersistentVolumeClaim": "its volume goes with it unless the storage class retains volumes",
    "PersistentVolume": "the disk behind it is no longer known to the cluster",
    "Cluster.postgresql.cnpg.io": "the operator deletes the databases and their volumes with it",
    "Tenant.minio.min.io": "its servers go; volumes stay only where they are retained",
    "Namespace": "Kubernetes deletes everything in it, volumes included",
    "CustomResourceDefinition.apiextensions.k8s.io": "every object of that kind goes with it",
}


def losses(changes: Iterable[Change]) -> list[Loss]:
    """What *changes* do to data, the lost before the kept."""
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
            data, reason = "kept", "the object stays on the cluster, out of the stack's sight"
        why = f"{_cause(change)}; {reason}"
        op: Literal["replace", "delete"] = "delete" if change.op == "delete" else "replace"
        yield Loss(resource=change.label, component=change.component, op=op, data=data, reason=why)


_Found = tuple[Literal["lost", "kept"], str]
_Read = Callable[[Change], _Found | None]


def _by_kind(change: Change) -> _Found | None:
    about = _ABOUT.get(change.kind)
    return ("lost", about) if about else None


def _stateful_set(change: Change) -> _Found | None:
    spec = mapping(change.before, "spec")
    if not spec.get("volumeClaimTemplates"):
        return None
    policy = mapping(spec, "persistentVolumeClaimRetentionPolicy")
    if policy.get("whenDeleted") == "Delete":
        return "lost", "its claims are set to be deleted with it (whenDeleted: Delete)"
    if change.op == "replace":
        return "kept", "its claims stay as they are, and the new one takes them up again"
    return "kept", "its claims stay on the cluster, used by nobody"


def _cause(change: Change) -> str:
    if change.op == "delete":
        return "it is no longer in the program"
    paths = ", ".join(sorted(change.replacing))
    return f"{paths} cannot change in place" if paths else "it cannot change in place"
