"""The head of a report: verdict, downtime, data, cost and energy, in one figure each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from review import wording
from review.report import Amount, Outage, Report

IN_HEAD: Mapping[str, str] = {"€/month": "Cost", "kWh/month": "Energy"}
"""The units of the amounts that are figures."""
Mark = Callable[[str], str]
"""Marks a name from the diff: as code, or not at all."""


@dataclass(frozen=True)
class Figure:
    """One figure, with what it is about."""

    name: str
    value: str
    note: str
    """What it is about; empty if the value says it all."""
    grave: bool = False
    """Whether somebody loses something."""


def figures(report: Report, mark: Mark) -> list[Figure]:
    """Downtime, data, what others lose, cost and energy.

    None of an incomplete preview, which knows no totals.
    """
    if not report.complete:
        return []
    amounts = {amount.unit: amount for amount in report.amounts}
    return [
        _downtime(report, mark),
        _data(report, mark),
        *_others(report),
        *(_amount(name, amounts[unit]) for unit, name in IN_HEAD.items() if unit in amounts),
    ]


def _downtime(report: Report, mark: Mark) -> Figure:
    severe = [o for o in report.outages if o.effect != "fewer"]
    if not severe:
        fewer = len(report.outages)
        note = f"{wording.plural(fewer, 'workload')} with fewer replicas" if fewer else ""
        return Figure("Downtime", "none", note)
    worst = max(severe, key=_severity)
    return Figure("Downtime", _length(worst), _first(worst.resource, len(severe), mark), grave=True)


def _severity(outage: Outage) -> tuple[bool, float]:
    return outage.effect == "stops", outage.seconds if outage.seconds is not None else float("inf")


def _length(outage: Outage) -> str:
    if outage.effect == "stops":
        return "for good"
    return "until ready" if outage.seconds is None else f"up to {wording.duration(outage.seconds)}"


def _data(report: Report, mark: Mark) -> Figure:
    if not report.losses:
        return Figure("Data", "not at risk", "")
    lost = [loss for loss in report.losses if loss.data == "lost"]
    value = f"{len(lost)} lost" if lost else f"{len(report.losses)} kept"
    first = (lost or report.losses)[0].resource
    count = len(lost or report.losses)
    return Figure("Data", value, _first(first, count, mark), grave=bool(lost))


def _others(report: Report) -> list[Figure]:
    if not report.takeovers:
        return []
    taken = wording.plural(len(report.takeovers), "namespace")
    return [Figure("Others", f"{taken} taken over", "closed to their workloads", grave=True)]


def _first(name: str, count: int, mark: Mark) -> str:
    return f"{mark(name)}{f' and {count - 1} more' if count > 1 else ''}"


def _amount(name: str, amount: Amount) -> Figure:
    """The amount after the change."""
    difference = wording.difference(amount)
    notes = [difference or "unchanged"]
    if amount.unit == "kWh/month":
        notes.append("GPUs alone, at most")
    if "no price" in amount.note:
        notes.append("some GPUs have no list price")
    return Figure(name, f"{wording.number(amount.after)} {amount.unit}", "; ".join(notes))
