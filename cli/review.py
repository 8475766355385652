"""`pai review`: show the effects of a change before it is deployed."""

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from base.problems import ConfigError, Problem
from cli.backend import another_backend
from cli.errors import UsageError
from cli.report_file import read_report
from cli.stack_file import read_stack
from review import build, run, terminal
from review.events import EventsError
from review.html import page
from review.markdown import Forge, markdown
from review.report import Report, Verdict
from toolchain import build as toolchain_build
from toolchain.environment import PROJECT, applied
from toolchain.errors import ToolchainError

EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.CLEAN: 0,
    Verdict.FAILED: 1,
    # 2 is a usage error
    Verdict.CHANGES: 3,
    Verdict.REFUSED: 4,
    Verdict.DOES_NOT_FIT: 5,
}


class _Format(StrEnum):
    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"
    HTML = "html"
    TERMINAL = "terminal"
    JSON = "json"


def _comment(forge: Forge) -> Callable[[Report], str]:
    return lambda report: markdown(report, forge)


_RENDERERS: Mapping[_Format, Callable[[Report], str]] = {
    _Format.GITHUB: _comment(Forge.GITHUB),
    _Format.GITLAB: _comment(Forge.GITLAB),
    _Format.FORGEJO: _comment(Forge.FORGEJO),
    _Format.HTML: page,
    _Format.TERMINAL: terminal.rendered,
    _Format.JSON: lambda report: report.model_dump_json(indent=2) + "\n",
}


def review(
    stack: Annotated[
        str | None, typer.Option(help="Stack to review. Default: local, or that of --from.")
    ] = None,
    form: Annotated[
        _Format, typer.Option("--format", help="Output format; a forge's name: its comment.")
    ] = _Format.TERMINAL,
    out: Annotated[
        Path | None, typer.Option(help="File to write to. Default: standard output.")
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option("--from", help="Render this JSON report instead of previewing."),
    ] = None,
) -> None:
    """Preview a stack with its policies and summarize outages, losses, exposure and cost.

    Uses the state backend and cluster of the environment; without PULUMI_BACKEND_URL, the
    simulated cluster of the stack.

    Exit codes: 0 no changes, 1 the preview failed, 2 usage error, 3 changes, 4 refused by a policy
    or the rules of upgrades, 5 the configuration is invalid.
    """
    report = _kept(kept, stack) if kept else preview_report(stack or "local")
    if form is _Format.TERMINAL and out is None:
        terminal.show(Console(), report)
    elif out is None:
        typer.echo(_RENDERERS[form](report), nl=False)
    else:
        out.write_text(_RENDERERS[form](report), encoding="utf-8")
    raise typer.Exit(EXIT_CODES[report.verdict])


def _kept(file: Path, stack: str | None) -> Report:
    """The report in *file*. Raises UsageError if it is about another stack than the one named."""
    report = read_report(file, "--from")
    if stack not in (None, report.stack):
        raise UsageError(
            Problem(
                path="--from",
                got=f"{file.name}, a report of stack {report.stack}",
                allowed=f"a report of stack {stack}",
                change="pass the report of this stack, or leave --stack out",
            )
        )
    return report


def preview_report(stack: str) -> Report:
    """Preview *stack* and return the report. Raises ProblemError if there is none."""
    try:
        read_stack(stack)
    except ConfigError as error:
        return build.refused(stack, error.problems)
    console = Console(stderr=True)
    env, simulated = environment_for(stack, console)
    with console.status(f"Previewing {stack} …"):
        result = _preview(stack, env)
    return build.report(
        result.preview,
        stack=stack,
        project=PROJECT,
        simulated=simulated,
        before=result.before,
        after=result.after,
        stderr_tail=result.stderr_tail,
    )


def _preview(stack: str, env: Mapping[str, str]) -> run.PreviewRun:
    try:
        return run.preview(PROJECT, stack, env)
    except (EventsError, FileNotFoundError) as error:
        raise no_events_error(error) from None


def no_events_error(error: Exception) -> ToolchainError:
    """The error for an engine that wrote no events."""
    return ToolchainError(
        Problem(
            path="pulumi preview",
            got=str(error),
            allowed="engine events of Pulumi 3.256, one JSON object per line",
            change="run `pai toolchain doctor`; `pai env` puts the right pulumi first on PATH",
        )
    )


def environment_for(stack: str, console: Console) -> tuple[dict[str, str], bool]:
    """The environment variables to run Pulumi with, and whether the cluster is simulated."""
    if another_backend():
        return dict(os.environ), False
    # Imported here: a review of a real cluster needs nothing of the simulation.
    from cli.simulated import simulated  # noqa: PLC0415

    return applied(simulated(toolchain_build.ensure("pulumi", console), [stack], console)), True
