"""Texts shared by all formats of a report; none of them contains text from the diff."""

import unicodedata
from collections.abc import Mapping, Sequence

from base.problems import Problem
from review.report import Amount, Outage, PropertyChange, Report, Upgrade, Verdict

VERDICTS: Mapping[Verdict, str] = {
    Verdict.CLEAN: "nothing to do",
    Verdict.CHANGES: "changes to review",
    Verdict.REFUSED: "refused",
    Verdict.DOES_NOT_FIT: "does not fit",
    Verdict.FAILED: "the preview failed",
}
SYMBOLS: Mapping[Verdict, str] = {
    Verdict.CLEAN: "✅",
    Verdict.CHANGES: "🔎",
    Verdict.REFUSED: "⛔",
    Verdict.DOES_NOT_FIT: "⛔",
    Verdict.FAILED: "❌",
}
_OPS = ("create", "update", "replace", "delete")
_DASH, _MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
_MINUTE, _HOUR = 60, 3600
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Unicode categories that are invisible or reorder text: controls, bidi, surrogates."""


def counts(report: Report) -> str:
    """`2 to create, 1 to delete, 360 unchanged`."""
    planned = [f"{report.counts[op]} to {op}" for op in _OPS if report.counts.get(op)]
    same = report.counts.get("same", 0)
    return ", ".join([*planned, f"{same} unchanged"]) if planned or same else "nothing previewed"


def no_impact_notice(report: Report) -> str:
    """A sentence if no service is interrupted and no data is at risk; else empty."""
    if report.outages or report.losses or report.upgrades or not report.complete:
        return ""
    return "No service interruption, no data at risk."


def no_policy_notice(report: Report) -> str:
    """A sentence if no policy pack ran; else empty."""
    if report.packs or report.problems:
        return ""
    return "No policy pack was run."


def upgrade_title(upgrades: Sequence[Upgrade]) -> str:
    """Heading of upgrades of one effect."""
    if upgrades[0].effect == "refused":
        return f"Refused: {plural(len(upgrades), 'change')} that cannot be made like this"
    return f"{plural(len(upgrades), 'change')} with further steps"


def effect(outage: Outage) -> str:
    """The effect in words: `stops for good`, `is down for up to 2 min`."""
    if outage.effect == "stops":
        return "stops for good"
    bound = f" for up to {duration(outage.seconds)}" if outage.seconds else ""
    if outage.effect == "fewer":
        return f"has fewer replicas{bound}"
    return f"is down{bound or ' until it is ready'}"


def duration(seconds: int | None) -> str:
    """`45 s`, `10 min 30 s`, `1 h 5 min`."""
    if seconds is None:
        return "an unknown time"
    hours, rest = divmod(seconds, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    parts = ((hours, "h"), (minutes, "min"), (0 if hours else left, "s"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 s"


def number(value: float | None) -> str:
    """`1 234.5`, or a dash if not known."""
    if value is None:
        return _DASH
    digits = 0 if abs(value) >= 100 or value == int(value) else 1  # noqa: PLR2004
    return f"{value:,.{digits}f}".replace(",", "\N{NO-BREAK SPACE}")


def difference(amount: Amount) -> str:
    """The signed difference; empty if there is none."""
    if amount.before is None or amount.after is None:
        return ""
    by = round(amount.after - amount.before, 3)
    return f"{'+' if by > 0 else _MINUS}{number(abs(by))}" if by else ""


def share(value: float | None) -> str:
    """`12 %`, or a dash if not known."""
    return _DASH if value is None else f"{value:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def parts(problem: Problem) -> tuple[tuple[str, str], ...]:
    """The parts of *problem* after its path, with their names."""
    return (("got", problem.got), ("allowed", problem.allowed), ("change", problem.change))


def plural(count: int, what: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def waived(report: Report) -> str:
    """`2 waivers let 5 violations through`."""
    passed = sum(waiver.findings for waiver in report.waivers)
    let = "lets" if len(report.waivers) == 1 else "let"
    return f"{plural(len(report.waivers), 'waiver')} {let} {plural(passed, 'violation')} through"


def signed(change: PropertyChange) -> list[str]:
    """Removed and added values, one per line with their sign."""
    if change.difference:
        return change.difference
    if change.before == change.after:
        return [f"! {change.before} (changed)"]
    both = (("-", change.before), ("+", change.after))
    return [f"{sign} {value}" for sign, value in both if value is not None]


def visible(text: str) -> str:
    """*text* from a diff, with invisible and reordering characters written out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c in "\n\t" or unicodedata.category(c) not in _HIDDEN else f"\\u{{{ord(c):x}}}"
        for c in text
    )


def artifact(stack: str) -> str:
    """File name of the full report, which a workflow keeps as an artifact."""
    return f"review-{stack}.html"
