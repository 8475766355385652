"""The sections of a comment, each from its part of the report."""

import html
import re
from collections.abc import Iterable, Sequence

from base.problems import Problem
from review import rights, wording
from review.escape import SENTENCE, code, fence, indented, inert, prose
from review.figures import IN_HEAD, figures
from review.report import (
    ComponentChange,
    Headroom,
    Loss,
    Opening,
    Outage,
    PolicyFinding,
    PropertyChange,
    Report,
    ResourceChange,
    Upgrade,
    Version,
)

ITEMS = 20
"""Maximum items per list; the rest is in the full report."""
_MESSAGE = 2_000
"""Maximum characters quoted of an error."""
_OBJECTS = 5
"""Maximum objects named per waiver."""
_TABLE = 8
"""Maximum rows of versions that are not folded."""
_DIFF_LINES = 30
"""Maximum diff lines per property."""


def marker(stack: str) -> str:
    """First line of the comment, which identifies the comment of *stack*."""
    name = re.sub(r"[^\w.-]", "_", stack)
    return f"<!-- pai review: {name} -->"


def head(report: Report) -> str:
    """Verdict, counts and notices."""
    symbol, verdict = wording.SYMBOLS[report.verdict], wording.VERDICTS[report.verdict]
    verdict = f"{symbol} {code(report.stack)}: {verdict}"
    lines = [marker(report.stack), f"## {verdict}", "", f"**{wording.counts(report)}.**"]
    lines[-1] += "".join(f" {notice}" for notice in wording.notices(report))
    if notice := wording.no_policy_notice(report):
        lines[-1] += f" **{notice}**"
    if shown := figures(report, code):
        rows = [[f"**{f.value}**" for f in shown], [f.note for f in shown]]
        lines += ["", _table([f.name for f in shown], rows)]
    return "\n".join(lines)


def problems(report: Report) -> str:
    """Errors in the configuration, in four parts each."""
    items = [
        f"{number}. **{code(problem.path)}**\n{_parts(problem, 3)}"
        for number, problem in enumerate(report.problems, 1)
    ]
    return _section(wording.plural(len(items), "configuration problem"), items)


def _parts(problem: Problem, indent: int) -> str:
    return "\n".join(
        f"{' ' * indent}- {name}: {code(text, SENTENCE)}" for name, text in wording.parts(problem)
    )


def failure(report: Report) -> str:
    """The first error and its fix."""
    failure = report.failure
    if failure is None:
        return ""
    about = f" in {code(failure.resource)}" if failure.resource else ""
    others = f" (and {wording.plural(failure.others, 'more error')})" if failure.others else ""
    return "\n".join(
        [
            f"### First error{about}{others}",
            "",
            fence(failure.message, longest=_MESSAGE),
            "",
            f"**Fix:** {prose(failure.fix)}.",
        ]
    )


def outages(report: Report) -> str:
    """Interruptions in bold; reduced replicas, folded if there are interruptions."""
    severe = [_outage(o) for o in report.outages if o.effect != "fewer"]
    fewer = [_outage(o) for o in report.outages if o.effect == "fewer"]
    parts = [_section("Service interruptions", severe)]
    if fewer:
        title = f"{wording.plural(len(fewer), 'workload')} with fewer replicas during the rollout"
        parts.append(_fold(html.escape(title), _items(fewer)) if severe else _section(title, fewer))
    return "\n\n".join(part for part in parts if part)


def _outage(outage: Outage) -> str:
    effect = f"{code(outage.resource)} {wording.effect(outage)}"
    strong = effect if outage.effect == "fewer" else f"**{effect}**"
    also = _names(outage.also)
    return f"- {strong}: {prose(outage.reason)}{f'. Also affected: {also}' if also else ''}"


def losses(report: Report) -> str:
    """Objects with data that are replaced or deleted."""

    def item(loss: Loss) -> str:
        what = "deleted" if loss.op == "delete" else "replaced"
        data = "**its data is lost**" if loss.data == "lost" else "its data is kept"
        return f"- **{code(loss.resource)} is {what}**, {data}: {code(loss.reason, SENTENCE)}"

    return _section("Data at risk", [item(loss) for loss in report.losses])


def takeovers(report: Report) -> str:
    """Namespaces of others that become the stack's."""
    return _section("Namespaces of others", [f"- {prose(each)}" for each in report.takeovers])


def refused_upgrades(report: Report) -> str:
    """Changes that nobody will make like this, with the steps that work."""
    return _upgrades([u for u in report.upgrades if u.effect == "refused"])


def upgrade_steps(report: Report) -> str:
    """Changes that need steps besides."""
    return _upgrades([u for u in report.upgrades if u.effect == "steps"])


def _upgrades(found: list[Upgrade]) -> str:
    return _section(wording.upgrade_title(found), [_upgrade(u) for u in found]) if found else ""


def _upgrade(upgrade: Upgrade) -> str:
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(upgrade.steps, 1))
    path = code(upgrade.problem.path, SENTENCE)
    strong = f"**{path}**" if upgrade.effect == "refused" else path
    return f"- {strong}\n{_parts(upgrade.problem, 2)}\n\n{indented(fence(steps, longest=_MESSAGE))}"


def amounts(report: Report) -> str:
    """The resources whose amount changes, as a table; cost and energy are in the head."""
    found = [a for a in report.amounts if a.unit not in IN_HEAD and wording.difference(a)]
    if not found:
        return ""
    rows = [
        (
            code(a.name) if a.unit == "GPUs" else prose(a.name),
            f"{wording.number(a.before)} {a.unit}",
            f"{wording.number(a.after)} {a.unit}",
            f"**{wording.difference(a)}**",
            prose(a.note),
        )
        for a in found[:ITEMS]
    ]
    return "### Resources\n\n" + _table(("", "before", "after", "change", ""), rows)


def headroom(report: Report) -> str:
    """Free GPU memory of models that change or are tight."""
    changed = [h for h in report.headroom if h.tight or _changed(h)]
    if not changed:
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
        for h in changed[:ITEMS]
    ]
    head = ("model", "weights", "GPUs", "free before", "free after", "free per GPU")
    return "### Free GPU memory per model\n\n" + _table(head, rows)


def _changed(h: Headroom) -> bool:
    return (h.model_before, h.gpus_before, h.free_before) != (
        h.model_after,
        h.gpus_after,
        h.free_after,
    )


def _finding(finding: PolicyFinding) -> str:
    where = f"{code(finding.resource)} in {code(finding.component)}"
    problem = finding.problem
    text = code(problem.path if problem else finding.message, SENTENCE)
    parts = f"\n{_parts(problem, 2)}" if problem else ""
    return f"- **{code(finding.rule)}** {where}: {text}{parts}"


def refusals(report: Report) -> str:
    """Violations that block the change."""
    items = [_finding(f) for f in report.findings if f.level == "mandatory"]
    return _section(f"Refused by policy: {wording.plural(len(items), 'violation')}", items)


def advice(report: Report) -> str:
    """Violations that do not block the change."""
    items = [_finding(f) for f in report.findings if f.level == "advisory"]
    return _fold(wording.plural(len(items), "advisory policy violation"), items) if items else ""


def advice_counts(report: Report) -> str:
    """The advisory violations, counted by rule."""
    return wording.advice(report, code)


def waivers(report: Report) -> str:
    """Waivers that let violations through, with their reasons."""
    items = [
        f"- {code(w.rule)}: {code(w.reason, SENTENCE)} ({code(w.owner)}, until {code(w.expires)});"
        f" {wording.plural(w.findings, 'violation')} of {_some(w.objects)}"
        for w in report.waivers
    ]
    return _fold(wording.waived(report), items) if items else ""


def waiver_counts(report: Report) -> str:
    """The waivers in one line: what they let through, and the first that ends."""
    if not report.waivers:
        return ""
    first = min(report.waivers, key=lambda w: w.expires)
    return f"{wording.waived(report)}; {code(first.rule)} ends first, {code(first.expires)}."


def _some(objects: Sequence[str]) -> str:
    shown = ", ".join(code(name) for name in objects[:_OBJECTS])
    return shown if len(objects) <= _OBJECTS else f"{shown} and {len(objects) - _OBJECTS} more"


def access(report: Report) -> str:
    """Teams, models, limits and keys that change, in words."""
    items = [f"- {rights.sentence(each, code)}" for each in rights.changed(report)]
    if not items:
        return ""
    notice = rights.not_recorded(report)
    return _section("Who may do what", items) + (f"\n\n{notice}" if notice else "")


def versions(report: Report) -> str:
    """Changed versions, in a table for each type."""
    by_type = ([v for v in report.versions if v.what == what] for what in wording.VERSION_TYPES)
    return "\n\n".join(_versions(found) for found in by_type if found)


def _versions(found: Sequence[Version]) -> str:
    what = found[0].what
    rows = [
        (
            code(v.name) + (f", from {code(v.moved_from)}" if v.moved_from else ""),
            code(v.before) if v.before else "",
            code(v.after) if v.after else "",
            wording.version(v),
            _names(v.used_by),
        )
        for v in found
    ]
    whole = _table((what, "before", "after", "", "used by"), rows[:ITEMS]) + _more(len(rows))
    if len(rows) > _TABLE:
        return _fold(wording.plural(len(rows), f"changed {what}"), [whole])
    return f"### {wording.VERSION_TYPES[what]}\n\n{whole}"


def openings(report: Report) -> str:
    """New access beyond the pods of the stack, the widest reach first."""
    return _section(
        "New access", [_opening(o) for o in wording.reaching(report, "opened", inside=False)]
    )


def paths(report: Report) -> str:
    """New paths between the pods of the stack, and what ends, each folded."""
    inside = wording.reaching(report, "opened", inside=True)
    closed = [o for o in report.openings if o.op == "closed"]
    title = f"{wording.plural(len(inside), 'new path')} between pods of the stack"
    parts = [
        _fold(heading, _items([_opening(o) for o in found]))
        for heading, found in ((title, inside), (wording.closed(report), closed))
        if found
    ]
    return "\n\n".join(parts)


def _opening(opening: Opening) -> str:
    reach = wording.REACH[opening.reach]
    strong = f"**{reach}**" if opening.reach == "internet" and opening.op == "opened" else reach
    objects = code(opening.resources[0]) if opening.resources else "the stack's outputs"
    more = f" and {len(opening.resources) - 1} more" if len(opening.resources) > 1 else ""
    return f"- {strong}: {code(wording.opening(opening), SENTENCE)} ({objects}{more})"


def component(component: ComponentChange) -> str:
    """All changes of *component*, folded."""
    lines = [line for resource in component.resources for line in _resource(resource)]
    return _fold(_title(component), lines)


def component_line(component: ComponentChange) -> str:
    """The changes of *component* in one line."""
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
        lines.append(f"  and {wording.plural(hidden, 'change')} of hashes or generated names")
    return lines


def _property(change: PropertyChange) -> str:
    path = wording.visible(change.path)[:SENTENCE].replace("\n", "⏎")
    head = f"  {path}{'  (forces replacement)' if change.replaces else ''}"
    return "\n".join([head, *_property_lines(change)])


def _property_lines(change: PropertyChange) -> list[str]:
    lines = [wording.visible(line).replace("\n", "⏎")[:SENTENCE] for line in wording.signed(change)]
    return lines[:_DIFF_LINES] + (["  …"] if len(lines) > _DIFF_LINES else [])


def foot(report: Report) -> str:
    """The digest, by which an approval refers to this plan; nothing if there is no plan."""
    return report.digest and f"Plan digest: {code(report.digest)}"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"### {title}", "", *_items(lines)]) if lines else ""


def _items(lines: list[str]) -> list[str]:
    return lines[:ITEMS] + ([_more(len(lines)).strip()] if len(lines) > ITEMS else [])


def _more(count: int) -> str:
    return f"\n\nand {count - ITEMS} more in the full report" if count > ITEMS else ""


def _fold(title: str, lines: Sequence[str]) -> str:
    """*title* is HTML; *lines* are Markdown."""
    return "\n".join(["<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>"])


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(code(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")  # noqa: PLR2004


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    # A pipe separates cells even inside code unless it is escaped:
    # https://github.github.com/gfm/#example-200
    lines = [head, ["---"] * len(head), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in lines)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)
