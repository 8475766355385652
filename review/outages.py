"""Service interruptions: what, for how long, and which components depend on it."""

from collections.abc import Iterable, Iterator, Mapping
from math import ceil

from review.changes import Change
from review.machines import machines
from review.report import Effect, Outage
from review.workloads import Workload, workload

_SEVERITY = {"stops": 0, "interrupted": 1, "fewer": 2}


def outages(changes: Iterable[Change], needed_by: Mapping[str, set[str]]) -> list[Outage]:
    """Interruptions by *changes*, the most severe and longest first.

    *needed_by* has, for each component, those that read its outputs.
    """
    found = list(_outages(list(changes), needed_by))
    return sorted(found, key=_weight)


def _weight(outage: Outage) -> tuple[int, bool, float, str]:
    """Severity first, then Services after their pods, unknown durations before known ones."""
    longest = float("inf") if outage.seconds is None else outage.seconds
    name = outage.resource
    return _SEVERITY[outage.effect], name.startswith("Service "), -longest, name


def _outages(changes: list[Change], needed_by: Mapping[str, set[str]]) -> Iterator[Outage]:
    for change in changes:
        outage = _service(change) or _machines(change) or _workload(change)
        # Other components call the object named like the component, not its other parts.
        is_entry = change.name == change.component
        if outage and outage.effect != "fewer" and is_entry:
            outage = outage.model_copy(update={"also": _followers(change.component, needed_by)})
        if outage:
            yield outage


def _workload(change: Change) -> Outage | None:
    old, new = workload(change.kind, change.before), workload(change.kind, change.after)
    if old is None or old.replicas == 0:
        return None
    if new is None:
        # With retainOnDelete it keeps running.
        return None if change.stays else _outage(change, "stops", None, "it is deleted")
    if new.replicas == 0:
        return _outage(change, "stops", None, f"scaled from {old.replicas} to 0 replicas")
    if change.delete_first:
        why = "it is deleted before its replacement is created, because its name is fixed"
        return _outage(change, "interrupted", new.restart_seconds, why)
    moves = change.op == "update" and old.template != new.template
    return _rollout(change, new) if moves else None


def _rollout(change: Change, new: Workload) -> Outage | None:
    if new.unavailable == 0:
        return None
    if new.unavailable >= new.replicas and change.kind != "DaemonSet.apps":
        what = (
            "its only replica stops" if new.replicas == 1 else f"all {new.replicas} replicas stop"
        )
        why = f"{what} before a new one starts"
        return _outage(change, "interrupted", new.restart_seconds, why)
    rounds = ceil(new.replicas / new.unavailable)
    seconds = None if new.restart_seconds is None else rounds * new.restart_seconds
    if change.kind == "DaemonSet.apps":
        return _outage(change, "fewer", seconds, "its pods are replaced node by node")
    why = f"{new.unavailable} of {new.replicas} replicas {_are(new.unavailable)} down at a time"
    return _outage(change, "fewer", seconds, why)


def _machines(change: Change) -> Outage | None:
    found = machines(change)
    return _outage(change, found[0], None, found[1]) if found else None


def _service(change: Change) -> Outage | None:
    if change.kind != "Service":
        return None
    if change.op == "delete" and not change.stays:
        return _outage(change, "stops", None, "its DNS name is removed")
    if change.op == "replace" and change.delete_first:
        why = "its DNS name is missing until the new Service exists, and its address may change"
        return _outage(change, "interrupted", None, why)
    return None


def _outage(change: Change, effect: Effect, seconds: int | None, reason: str) -> Outage:
    return Outage(
        resource=change.label,
        component=change.component,
        effect=effect,
        seconds=seconds,
        reason=reason,
        also=[],
    )


def _followers(component: str, needed_by: Mapping[str, set[str]]) -> list[str]:
    """Components that depend on *component*, directly or not; the nearest first."""
    found: list[str] = []
    layer = [component]
    while layer:
        layer = sorted({n for at in layer for n in needed_by.get(at, set())} - {component, *found})
        found += layer
    return found


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
