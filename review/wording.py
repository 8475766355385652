"""Texts shared by all formats of a report; only `opening` and `advice` quote the diff."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from base.problems import Problem
from review.report import (
    OUTPUTS,
    Amount,
    Opening,
    Outage,
    PropertyChange,
    Reach,
    Report,
    Upgrade,
    Verdict,
    Version,
)

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
    outputs = any(r.resource == OUTPUTS for c in report.components for r in c.resources)
    if not planned and not same and not outputs:
        return "nothing previewed"
    known = ", ".join([*planned, f"{same} unchanged"])
    told = "; outputs change" if planned else "; only outputs change"
    return f"{known}{told if outputs else ''}"


def notices(report: Report) -> list[str]:
    """Sentences about what the preview was made with, and how far it came."""
    found: list[str] = []
    if report.simulated:
        found.append("Previewed against a simulated cluster.")
    if report.failure and report.components:
        found.append("The preview stopped at an error: the sections below are incomplete.")
    return found


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


def advice(report: Report, mark: Callable[[str], str]) -> str:
    """`3 advisory policy violations: image-digest 2, image-tag 1`."""
    rules = [(f.rule, 1) for f in report.findings if f.level == "advisory"]
    head = plural(len(rules), "advisory policy violation")
    return f"{head}: {by_rule(rules, mark)}" if rules else head


def by_rule(counts: Iterable[tuple[str, int]], mark: Callable[[str], str] = str) -> str:
    """`image-digest 23, backup-declared 2`: rules with how often each, the most frequent first."""
    sums: Counter[str] = Counter()
    for rule, count in counts:
        sums[rule] += count
    return ", ".join(f"{mark(rule)} {count}" for rule, count in sums.most_common())


def waived(report: Report) -> str:
    """`2 waivers let 5 violations through`."""
    passed = sum(waiver.findings for waiver in report.waivers)
    let = "lets" if len(report.waivers) == 1 else "let"
    return f"{plural(len(report.waivers), 'waiver')} {let} {plural(passed, 'violation')} through"


REACH: Mapping[Reach, str] = {
    "internet": "the internet",
    "node": "the node",
    "api": "the Kubernetes API",
    "network": "private networks",
    "namespaces": "other namespaces",
    "namespace": "the same namespace",
}
VERSION_TYPES: Mapping[str, str] = {"image": "Images", "model": "Models", "chart": "Charts"}
"""Heading of each type of version."""
_INSIDE: tuple[Reach, ...] = ("namespaces", "namespace")
_WHO = 4
"""Maximum names in a row of like openings."""


def reaching(report: Report, op: str, *, inside: bool) -> list[Opening]:
    """Openings (*op* `opened`) or closings, between pods of the stack (*inside*) or beyond."""
    return [o for o in report.openings if o.op == op and (o.reach in _INSIDE) == inside]


def opening(opening: Opening, most: int = _WHO) -> str:
    """`chat-weights of llm-models, code-weights of llm-models may reach … on port 443`."""
    who = opening.who
    names = ", ".join(who[:most]) + (f" and {len(who) - most} more" if len(who) > most else "")
    first, *others = opening.may
    verb = "may reach "
    rest = [may.removeprefix(verb) if first.startswith(verb) else may for may in others]
    return f"{names} {'; '.join([first, *rest])}"


def closed(report: Report) -> str:
    """`3 access rights end`."""
    count = sum(o.op == "closed" for o in report.openings)
    return f"{plural(count, 'access right')} {'ends' if count == 1 else 'end'}"


def version(version: Version) -> str:
    """What of a version changes: `new`, `removed`, `registry`, `digest only`, `tag`."""
    if version.after is None:
        return "removed"
    if version.moved_from:
        return "registry" if version.before == version.after else "registry and tag"
    if version.before is None:
        return "new"
    return "digest only" if version.digest_only else ""


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
