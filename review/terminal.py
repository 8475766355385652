"""The report for a terminal: most important first, then the changed objects."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from base.problems import Problem
from review import rights, wording
from review.figures import IN_HEAD, Figure, figures
from review.report import PropertyChange, Report, Verdict

_STYLES = {
    Verdict.CLEAN: "bold green",
    Verdict.CHANGES: "bold cyan",
    Verdict.REFUSED: "bold red",
    Verdict.DOES_NOT_FIT: "bold red",
    Verdict.FAILED: "bold red",
}
_SIGNS = {"-": "red", "+": "green"}
_LINES, _WIDTH = 12, 160
"""Maximum lines and characters per difference; the other formats have more."""
_ROWS = 8
"""Maximum rows of new paths between pods."""
_OPS = {"create": "green", "update": "yellow", "replace": "magenta", "delete": "red"}


def show(console: Console, report: Report) -> None:
    """Print it."""
    for part in _parts(report):
        console.print(part, soft_wrap=isinstance(part, Text))


def rendered(report: Report, width: int = 120) -> str:
    """The report as text without colors, for a file."""
    console = Console(width=width, color_system=None, force_terminal=False, record=False)
    with console.capture() as captured:
        show(console, report)
    return captured.get()


def _parts(report: Report) -> Iterator[RenderableType]:
    verdict = wording.VERDICTS[report.verdict]
    yield _line(report.stack, f": {verdict}", style=_STYLES[report.verdict])
    yield Text(f"{wording.counts(report)}.")
    yield from (Text(notice, style="dim") for notice in wording.notices(report))
    if notice := wording.no_policy_notice(report):
        yield Text(notice, style="bold red")
    yield from _errors(report)
    if shown := figures(report, str):
        yield _figures(shown)
    yield from _impact(report)
    if report.headroom:
        yield _headroom(report)
    yield from _access(report)
    yield from _openings(report)
    if report.amounts:
        yield _amounts(report)
    for version in report.versions:
        moved = " → ".join(v for v in (version.before, version.after) if v)
        word = wording.version(version)
        yield _line(
            f"{version.what} {version.name}",
            f": {moved}{f' ({word})' if word else ''}; {', '.join(version.used_by)}",
            style="cyan",
        )
    if report.components:
        yield _tree(report)
    yield from _accepted(report)
    if report.digest:
        yield _line(f"digest {report.digest}", style="dim")


def _accepted(report: Report) -> Iterator[RenderableType]:
    """What did not stop the change, by rule."""
    if any(finding.level == "advisory" for finding in report.findings):
        yield _line(wording.advice(report, str), style="dim")
    if report.waivers:
        rules = wording.by_rule((w.rule, w.findings) for w in report.waivers)
        yield _line(f"{wording.waived(report)}: {rules}", style="dim")


def _errors(report: Report) -> Iterator[RenderableType]:
    for problem in report.problems:
        yield _line(problem.path, style="bold red")
        yield from _parts_of(problem)
    if report.failure:
        yield _line(report.failure.message, style="red")
        yield _line(f"Fix: {report.failure.fix}.")
    for finding in report.findings:
        if finding.level == "mandatory":
            text = finding.problem.path if finding.problem else finding.message
            yield _line(f"[{finding.rule}] {finding.resource}", f": {text}", style="bold red")
            if finding.problem:
                yield from _parts_of(finding.problem)


def _parts_of(problem: Problem) -> Iterator[RenderableType]:
    for name, text in wording.parts(problem):
        yield _line(f"    {name + ':':<10}{text}")


def _upgrades(report: Report, effect: str) -> Iterator[RenderableType]:
    refused = effect == "refused"
    for upgrade in report.upgrades:
        if upgrade.effect == effect:
            said = "refused" if refused else "needs steps"
            style = "bold red" if refused else "yellow"
            yield _line(f"{said}: {upgrade.problem.path}", style=style)
            yield from _parts_of(upgrade.problem)
            for number, step in enumerate(upgrade.steps, 1):
                yield _line(f"    {number}. {step}")


def _impact(report: Report) -> Iterator[RenderableType]:
    yield from _upgrades(report, "refused")
    for outage in report.outages:
        also = f"; also affected: {', '.join(outage.also)}" if outage.also else ""
        style = "yellow" if outage.effect == "fewer" else "bold red"
        effect = f"{outage.resource} {wording.effect(outage)}"
        yield _line(effect, f": {outage.reason}{also}", style=style)
    for loss in report.losses:
        what = "deleted" if loss.op == "delete" else "replaced"
        head = f"{loss.resource} is {what}, its data is {loss.data}"
        yield _line(head, f": {loss.reason}", style="bold red")
    yield from _upgrades(report, "steps")
    for taken in report.takeovers:
        yield _line(taken, style="bold red")


def _figures(shown: list[Figure]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for figure in shown:
        value = _line(figure.value, style="bold red" if figure.grave else "bold")
        table.add_row(figure.name, value, _line(figure.note, style="dim"))
    return table


def _access(report: Report) -> Iterator[RenderableType]:
    changed = rights.changed(report)
    for access in changed:
        details = "; ".join(rights.details(access, str))
        yield _line(rights.subject(access, str), f": {details}", style="bold magenta")
    if changed and (notice := rights.not_recorded(report)):
        yield Text(notice, style="dim")


def _openings(report: Report) -> Iterator[RenderableType]:
    for opening in wording.reaching(report, "opened", inside=False):
        style = "bold magenta" if opening.reach == "internet" else "magenta"
        reach = f"opens {wording.REACH[opening.reach]}"
        yield _line(reach, f": {wording.opening(opening)}", style=style)
    inside = wording.reaching(report, "opened", inside=True)
    for opening in inside[:_ROWS]:
        yield _line("opens between pods", f": {wording.opening(opening)}", style="cyan")
    if len(inside) > _ROWS:
        yield Text(f"and {len(inside) - _ROWS} more between pods", style="dim")
    if any(o.op == "closed" for o in report.openings):
        yield Text(wording.closed(report), style="dim")


def _amounts(report: Report) -> RenderableType:
    table = Table("", box=None, header_style="bold")
    for heading in ("before", "after", "change"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for a in report.amounts:
        if a.unit in IN_HEAD:
            continue
        table.add_row(
            _line(a.name),
            f"{wording.number(a.before)} {a.unit}",
            f"{wording.number(a.after)} {a.unit}",
            Text(wording.difference(a), style="bold"),
            _line(a.note, style="dim"),
        )
    return table


def _headroom(report: Report) -> RenderableType:
    table = Table("model", "weights", box=None, header_style="bold")
    for heading in ("GPUs", "free before", "free after"):
        table.add_column(heading, justify="right", no_wrap=True)
    for h in report.headroom:
        after = Text(wording.share(h.free_after) + (", tight" if h.tight else ""))
        after.stylize("bold red" if h.tight else "")
        table.add_row(
            _line(h.name),
            _line(h.model_after or "removed"),
            wording.number(h.gpus_after),
            wording.share(h.free_before),
            after,
        )
    return table


def _tree(report: Report) -> RenderableType:
    tree = Tree("changes")
    for component in report.components:
        branch = tree.add(_line(component.name, f" {component.kind}", style="bold"))
        for resource in component.resources:
            shown = [p for p in resource.properties if not p.noise]
            only = " (only hashes and generated names)" if resource.noise else ""
            leaf = branch.add(
                _line(resource.op, f" {resource.resource}{only}", style=_OPS[resource.op])
            )
            for change in shown:
                leaf.add(_property(change))
    return tree


def _property(change: PropertyChange) -> RenderableType:
    shown = Text(_plain(change.path))
    for line in wording.signed(change)[:_LINES]:
        cut = line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…"
        shown.append(f"\n{_plain(cut)}", style=_SIGNS.get(line[:1], "dim"))
    return shown


def _line(head: str, rest: str = "", style: str = "") -> Text:
    """One line of text from the diff, without markup or control characters."""
    line = Text(_plain(head), style=style)
    line.append(_plain(rest), style="not bold default")
    return line


def _plain(text: str) -> str:
    return " ".join(wording.visible(text).splitlines())
