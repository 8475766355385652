"""The parts of a comment, each from its part of the report."""

import html
import re
from collections.abc import Iterable, Sequence

from review import wording
from review.escape import SENTENCE, code, fence, indented, inert, prose
from review.report import (
    ComponentChange,
    Finding,
    Headroom,
    Loss,
    Outage,
    PropertyChange,
    Report,
    ResourceChange,
)

ITEMS = 20
"""Lines of a list outside of the folds; the rest is in the whole report."""
_MESSAGE = 2_000
"""Characters quoted of an error."""
_DIFF_LINES = 30
"""Lines of one property's difference."""


def marker(stack: str) -> str:
    """The first line of the comment: by it the comment of *stack* is found again."""
    name = re.sub(r"[^\w.-]", "_", stack)
    return f"<!-- pai review: {name} -->"


def head(report: Report) -> str:
    """Verdict, counts, and what to know before reading on."""
    symbol, verdict = wording.SYMBOLS[report.verdict], wording.VERDICTS[report.verdict]
    verdict = f"{symbol} {code(report.stack)}: {verdict}"
    lines = [marker(report.stack), f"## {verdict}", "", f"**{wording.counts(report)}.**"]
    if report.simulated:
        lines[-1] += " Against the state of a simulated cluster."
    if report.failure and report.components:
        lines[-1] += " The preview broke off: what follows is what it had found."
    if unlooked := wording.unlooked(report):
        lines[-1] += f" **{unlooked}**"
    if calm := wording.calm(report):
        lines += ["", calm]
    return "\n".join(lines)


def problems(report: Report) -> str:
    """What is wrong with the configuration, in four parts each."""

    def told(number: int, path: str, parts: Sequence[tuple[str, str]]) -> str:
        body = "\n".join(f"   - {name}: {code(text, SENTENCE)}" for name, text in parts)
        return f"{number}. **{code(path)}**\n{body}"

    items = [
        told(n, p.path, (("got", p.got), ("allowed", p.allowed), ("change", p.change)))
        for n, p in enumerate(report.problems, 1)
    ]
    return _section(f"{wording.plural(len(items), 'problem')} in the configuration", items)


def failure(report: Report) -> str:
    """The first error and its remedy."""
    failure = report.failure
    if failure is None:
        return ""
    about = f" of {code(failure.resource)}" if failure.resource else ""
    others = f" ({wording.plural(failure.others, 'more error')} after it)" if failure.others else ""
    return "\n".join(
        [
            f"### First error{about}{others}",
            "",
            fence(failure.message, longest=_MESSAGE),
            "",
            f"**To mend it:** {prose(failure.remedy)}.",
        ]
    )


def outages(report: Report) -> str:
    """What stops, in bold; what only has fewer replicas, folded where anything stops."""
    grave = [_outage(o) for o in report.outages if o.effect != "fewer"]
    fewer = [_outage(o) for o in report.outages if o.effect == "fewer"]
    parts = [_section("What stops serving", grave)]
    if fewer:
        title = f"{wording.plural(len(fewer), 'workload')} with fewer replicas for a while"
        parts.append(_fold(html.escape(title), _items(fewer)) if grave else _section(title, fewer))
    return "\n\n".join(part for part in parts if part)


def _outage(outage: Outage) -> str:
    said = f"{code(outage.resource)} {wording.effect(outage)}"
    strong = said if outage.effect == "fewer" else f"**{said}**"
    also = _names(outage.also)
    return f"- {strong}: {prose(outage.reason)}{f'. With it: {also}' if also else ''}"


def losses(report: Report) -> str:
    """What keeps data and goes."""

    def told(loss: Loss) -> str:
        what = "deleted" if loss.op == "delete" else "replaced"
        data = "**its data is lost**" if loss.data == "lost" else "its data is kept"
        return f"- **{code(loss.resource)} is {what}**, {data}: {code(loss.reason, SENTENCE)}"

    return _section("Data at stake", [told(loss) for loss in report.losses])


def amounts(report: Report) -> str:
    """Before and after, as a table."""
    if not report.amounts:
        return ""
    rows = [
        (
            code(a.name) if a.unit == "GPUs" else prose(a.name),
            f"{wording.number(a.before)} {a.unit}",
            f"{wording.number(a.after)} {a.unit}",
            f"**{by}**" if (by := wording.difference(a)) else "",
            prose(a.note),
        )
        for a in report.amounts[:ITEMS]
    ]
    return "### Resources\n\n" + _table(("", "before", "after", "change", ""), rows)


def headroom(report: Report) -> str:
    """Of the models that move or are tight."""
    moved = [h for h in report.headroom if h.tight or _moved(h)]
    if not moved:
        return ""
    rows = [
        (
            code(h.name),
            code(h.model_after or "removed"),
            wording.number(h.gpus_after),
            wording.share(h.free_before),
            f"**{wording.share(h.free_after)}, tight**" if h.tight else wording.share(h.free_after),
            f"{wording.number(h.gigabytes_after)} GB",
        )
        for h in moved[:ITEMS]
    ]
    head = ("model", "weights", "GPUs", "free before", "free after", "of each GPU")
    return "### GPU memory that models leave free\n\n" + _table(head, rows)


def _moved(h: Headroom) -> bool:
    return (h.model_before, h.gpus_before, h.free_before) != (
        h.model_after,
        h.gpus_after,
        h.free_after,
    )


def _finding(finding: Finding) -> str:
    where = f"{code(finding.resource)} of {code(finding.component)}"
    return f"- **{code(finding.rule)}** {where}: {code(finding.message, SENTENCE)}"


def refusals(report: Report) -> str:
    """Findings that refuse the change."""
    told = [_finding(f) for f in report.findings if f.level == "mandatory"]
    return _section(f"Refused by policy: {wording.plural(len(told), 'finding')}", told)


def advice(report: Report) -> str:
    """Findings that do not."""
    told = [_finding(f) for f in report.findings if f.level == "advisory"]
    return (
        _fold(f"Advice of policies: {wording.plural(len(told), 'finding')}", told) if told else ""
    )


def waivers(report: Report) -> str:
    """Rules that were silenced, with the reasons."""
    told = [
        f"- {code(w.rule)} for {code(w.resource)}: {code(w.reason, SENTENCE)}"
        f" ({code(w.owner)}, until {code(w.expires)})"
        for w in report.waivers
    ]
    return _fold(f"{wording.plural(len(told), 'waiver')} in force", told) if told else ""


def versions(report: Report) -> str:
    """What moves, as a table."""
    rows = [
        (v.what, code(v.name), code(v.before or "new"), code(v.after or "gone"), _names(v.used_by))
        for v in report.versions
    ]
    if not rows:
        return ""
    head = ("", "of", "before", "after", "used by")
    table = _table(head, rows[:ITEMS]) + _more(len(rows))
    return f"### Versions\n\n{table}"


def openings(report: Report) -> str:
    """Those to the outside; those inside the cluster folded."""
    outside = [o for o in report.openings if o.outside]
    inside = [o for o in report.openings if not o.outside]

    def told(text: str, resource: str, what: str) -> str:
        return f"- {what}: {code(text, SENTENCE)} ({code(resource)})"

    parts = [
        _section("Opens beyond the cluster", [told(o.text, o.resource, o.what) for o in outside])
    ]
    if inside:
        title = f"{wording.plural(len(inside), 'opening')} inside the cluster"
        parts.append(_fold(title, _items([told(o.text, o.resource, o.what) for o in inside])))
    return "\n\n".join(part for part in parts if part)


def component(component: ComponentChange) -> str:
    """A fold with every change of *component*."""
    lines = [line for resource in component.resources for line in _resource(resource)]
    return _fold(_title(component), lines)


def component_line(component: ComponentChange) -> str:
    """The same in one line."""
    return f"- {code(component.name)}: {_counts(component)}"


def _title(component: ComponentChange) -> str:
    kind = f" ({inert(component.kind)})" if component.kind else ""
    return f"{inert(component.name)}{kind}: {_counts(component)}"


def _counts(component: ComponentChange) -> str:
    ops = [r.op for r in component.resources]
    return ", ".join(f"{ops.count(op)} to {op}" for op in dict.fromkeys(ops))


def _resource(resource: ResourceChange) -> list[str]:
    shown = [p for p in resource.properties if not p.noise]
    hidden = len(resource.properties) - len(shown)
    only = " (only hashes and generated names)" if resource.noise else ""
    lines = [f"- {resource.op} {code(resource.resource)}{only}"]
    if shown:
        lines += ["", indented(fence("\n".join(_property(p) for p in shown), "diff")), ""]
    if hidden and shown:
        lines.append(f"  and {wording.plural(hidden, 'hash or generated name')}")
    return lines


def _property(change: PropertyChange) -> str:
    path = wording.visible(change.path)[:SENTENCE].replace("\n", "⏎")
    head = f"  {path}{'  (forces replacement)' if change.replaces else ''}"
    return "\n".join([head, *_property_lines(change)])


def _property_lines(change: PropertyChange) -> list[str]:
    lines = [wording.visible(line).replace("\n", "⏎")[:SENTENCE] for line in wording.signed(change)]
    return lines[:_DIFF_LINES] + (["  …"] if len(lines) > _DIFF_LINES else [])


def foot(report: Report) -> str:
    """By what an approval can name this plan."""
    return f"Digest of the plan: {code(report.digest)}"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"### {title}", "", *_items(lines)]) if lines else ""


def _items(lines: list[str]) -> list[str]:
    return lines[:ITEMS] + ([_more(len(lines)).strip()] if len(lines) > ITEMS else [])


def _more(count: int) -> str:
    return f"\n\nand {count - ITEMS} more in the whole report" if count > ITEMS else ""


def _fold(title: str, lines: Sequence[str]) -> str:
    """*title* is HTML; *lines* are Markdown."""
    return "\n".join(["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>"])


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(code(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")  # noqa: PLR2004


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    # The pipe separates cells even inside code, unless it is escaped, in code as elsewhere:
    # https://github.github.com/gfm/#example-200
    lines = [head, ["---"] * len(head), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in lines)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)
