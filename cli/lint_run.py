"""The work of `pai lint`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import typer
from rich.console import Console

from base.problems import Problem
from cli import lint_formats, manifests
from cli.errors import UsageError
from cli.exit_codes import ExitCode
from cli.lint_finding import LintFinding
from cli.manifests import Manifest, Unreadable
from policies import Finding, Level, Resource, check, facts
from policies.checking import check_waivers, is_read
from policies.explain import ALL, UnknownRuleError, explain
from policies.manifest_rules import KNOWN, READABLE
from policies.rules.model import Severity
from policies.waivers import Waivers, load, with_stack

_GRAVEST = {severity: -rank for rank, severity in enumerate(Severity)}
_LONGEST = 300
"""Characters of a value that a finding quotes."""


def run(
    files: Iterable[Path], waivers: Path | None, stack: str, form: str, *, strict: bool
) -> None:
    """Check *files* and print the findings in the format *form*; exit as `pai lint` says."""
    judged = Judged(files, _waivers(waivers, stack), stack)
    if form in lint_formats.RENDERERS:
        typer.echo(lint_formats.RENDERERS[form](judged.findings, judged.objects, strict=strict))
    else:
        _show(judged)
    if any(f.rule == READABLE.id for f in judged.findings):
        raise typer.Exit(ExitCode.USAGE)
    if any(strict or f.level is Level.MANDATORY for f in judged.findings):
        raise typer.Exit(ExitCode.FAILED)


def explained(rule: str) -> str:
    """The rule in words. Raises UsageError, with the nearest ids, if there is none."""
    try:
        return explain(rule)
    except UnknownRuleError as error:
        raise UsageError(*error.problems) from None


class Judged:
    """The objects in *files*, and the findings about them, the gravest first."""

    def __init__(self, files: Iterable[Path], waivers: Waivers, stack: str) -> None:
        read = list(manifests.read(files))
        known = facts.of_file(Path(f"Pulumi.{stack}.yaml")) if stack else facts.of_settings()
        self.waivers = waivers
        self._held = [each for each in read if isinstance(each, Manifest)]
        self._resources = [_resource(each, stack, known) for each in self._held]
        self._at = {id(r): m for r, m in zip(self._resources, self._held, strict=True)}
        self.objects = [
            (each.source, each.line(""), resource.id)
            for each, resource in zip(self._held, self._resources, strict=True)
        ]
        """File, line and `KIND/NAMESPACE/NAME` of each object."""
        found = [
            *(_unreadable(each) for each in read if isinstance(each, Unreadable)),
            *map(self._finding, check(self._resources, waivers=waivers)),
            *map(self._finding, check_waivers(self._resources, waivers)),
            *self._unread(),
        ]
        self.findings: Sequence[LintFinding] = sorted(found, key=_gravity)

    def _finding(self, finding: Finding) -> LintFinding:
        about = finding.resource
        manifest = self._at.get(id(about))
        rule = ALL[finding.rule]
        return LintFinding(
            rule=finding.rule,
            level=finding.level,
            severity=rule.severity,
            file=manifest.source if manifest else "",
            line=manifest.line(finding.path) if manifest else 0,
            resource=about.id if about else "",
            path=finding.path,
            got=_short(finding.got),
            allowed=_short(finding.allowed),
            change=_short(finding.change),
        )

    def _unread(self) -> Iterator[LintFinding]:
        """A finding for each kind that no rule reads, at its first object."""
        kinds = Counter(r.kind for r in self._resources if not is_read(r))
        for kind, count in kinds.items():
            first = next(r for r in self._resources if r.kind == kind)
            objects = "1 object" if count == 1 else f"{count} objects"
            yield self._finding(
                Finding(
                    path="kind",
                    got=f"{kind}, of {objects}",
                    allowed="a kind that a rule reads, or one that holds pod templates",
                    change=KNOWN.remedy,
                    resource=first,
                    rule=KNOWN.id,
                    level=KNOWN.level,
                )
            )


def _gravity(finding: LintFinding) -> tuple[int, bool, str, int, str, str]:
    mandatory = finding.level is Level.MANDATORY
    place = finding.file, finding.line
    return _GRAVEST[finding.severity], not mandatory, *place, finding.rule, finding.path


def _waivers(file: Path | None, stack: str) -> Waivers:
    try:
        return with_stack(load(file) if file else Waivers.none(), Path(), stack)
    except (OSError, ValueError) as error:
        raise UsageError(
            Problem(
                path="--waivers",
                got=str(error),
                allowed="a file in the format of policies/waivers.yaml",
                change="fix the file, or pass another",
            )
        ) from None


def _resource(manifest: Manifest, stack: str, known: facts.Facts) -> Resource:
    metadata = manifest.value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    urn = f"urn:pulumi:{stack}::::{manifest.value['kind']}::{name or ''}" if stack else ""
    return Resource.of(manifest.value, urn, known)


def _unreadable(file: Unreadable) -> LintFinding:
    return LintFinding(
        rule=READABLE.id,
        level=READABLE.level,
        severity=READABLE.severity,
        file=file.source,
        line=file.line,
        resource="",
        path=file.problem.path,
        got=_short(file.problem.got),
        allowed=file.problem.allowed,
        change=file.problem.change,
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _show(judged: Judged) -> None:
    console = Console()
    for finding, line in lint_formats.lines(judged.findings):
        style = lint_formats.STYLES[finding.severity]
        console.print(line, style=style, markup=False, emoji=False, highlight=False, soft_wrap=True)
    passed = [
        (waiver.rule, judged.waivers.used[waiver.location])
        for waiver in judged.waivers.waivers
        if judged.waivers.used[waiver.location] and not waiver.gap
    ]
    for line in lint_formats.summary(judged.findings, len(judged.objects), passed):
        console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
