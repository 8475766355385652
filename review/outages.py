"""What stops serving, for how long, and what needs it."""

from collections.abc import Iterable, Iterator, Mapping
from math import ceil

from review.changes import Change
from review.machines import machines
from review.report import Effect, Outage
from review.workloads import Workload, workload

_GRAVITY = {"stops": 0, "interrupted": 1, "fewer": 2}


def outages(changes: Iterable[Change], needed_by: Mapping[str, set[str]]) -> list[Outage]:
    """What *changes* do to whatever serves, the gravest and longest first.

    *needed_by* is, for each component, those that read an output of it.
    """
    found = list(_outages(list(changes), needed_by))
    return sorted(found, key=_weight)


def _weight(outage: Outage) -> tuple[int, bool, float, str]:
    """The gravest first; a Service after the pods behind it; the unknown before the longest."""
    longest = float("inf") if outage.seconds is None else outage.seconds
    name = outage.resource
    return _GRAVITY[outage.effect], name.startswith("Service "), -longest, name


def _outages(changes: list[Change], needed_by: Mapping[str, set[str]]) -> Iterator[Outage]:
    for change in changes:
        outage = _service(change) or _machines(change) or _workload(change)
        # What others talk to is called as the component is; they need not miss its other parts.
        leads = change.name == change.component
        if outage and outage.effect != "fewer" and leads:
            outage = outage.model_copy(update={"also": _followers(change.component, needed_by)})
        if outage:
            yield outage


def _workload(change: Change) -> Outage | None:
    old, new = workload(change.kind, change.before), workload(change.kind, change.after)
    if old is None or old.replicas == 0:
        return None
    if new is None:
        # Kept on the cluster it goes on running.
        return None if change.stays else _outage(change, "stops", None, "it is deleted")
    if new.replicas == 0:
        return _outage(change, "stops", None, f"its replicas go from {old.replicas} to 0")
    if change.delete_first:
        why = "it is deleted before there is a new one, since its name is fixed"
        return _outage(change, "interrupted", new.restart_seconds, why)
    moves = change.op == "update" and old.template != new.template
    return _rollout(change, new) if moves else None


def _rollout(change: Change, new: Workload) -> Outage | None:
    if new.unavailable == 0:
        return None
    if new.unavailable >= new.replicas and change.kind != "DaemonSet.apps":
        what = "its one replica goes" if new.replicas == 1 else f"all {new.replicas} replicas go"
        why = f"{what} before a new one starts"
        return _outage(change, "interrupted", new.restart_seconds, why)
    rounds = ceil(new.replicas / new.unavailable)
    seconds = None if new.restart_seconds is None else rounds * new.restart_seconds
    if change.kind == "DaemonSet.apps":
        return _outage(change, "fewer", seconds, "node after node is without its pod for a while")
    why = f"{new.unavailable} of {new.replicas} replicas at a time {_are(new.unavailable)} away"
    return _outage(change, "fewer", seconds, why)


def _machines(change: Change) -> Outage | None:
    found = machines(change)
    return _outage(change, found[0], None, found[1]) if found else None


def _service(change: Change) -> Outage | None:
    if change.kind != "Service":
        return None
    if change.op == "delete" and not change.stays:
        return _outage(change, "stops", None, "nobody reaches its pods by this name any more")
    if change.op == "replace" and change.delete_first:
        why = "its name is gone until the new one is made, and its address may change"
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
    """Everything that needs *component*, by way of others too; the nearest first."""
    found: list[str] = []
    layer = [component]
    while layer:
        layer = sorted({n for at in layer for n in needed_by.get(at, set())} - {component, *found})
        found += layer
    return found


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
