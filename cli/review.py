"""`pai review`: what a change would do, before it does it."""

import os
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from base.problems import ConfigError, Problem
from cli.report_file import read_report
from cli.stack_file import read_stack
from cli.toolchain import explained
from review import build, run, terminal
from review.events import EventsError
from review.html import page
from review.markdown import Forge, markdown
from review.report import Report, Verdict
from toolchain import build as engine
from toolchain import state
from toolchain.environment import PROJECT, applied
from toolchain.errors import ToolchainError

EXIT_CODES: Mapping[Verdict, int] = {
    Verdict.CLEAN: 0,
    Verdict.FAILED: 1,
    # 2 is a wrong command line
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
    stack: Annotated[str, typer.Option(help="The stack to review.")] = "local",
    form: Annotated[
        _Format, typer.Option("--format", help="A forge's comment, a page, or data.")
    ] = _Format.TERMINAL,
    out: Annotated[
        Path | None, typer.Option(help="Where to write it. Default: standard output.")
    ] = None,
    kept: Annotated[
        Path | None,
        typer.Option("--from", help="Render this JSON report instead of running a preview."),
    ] = None,
) -> None:
    """Preview a stack with its policies and say what matters: what stops, what it costs.

    Exits 0 where there is nothing to do, 3 with changes, 4 if a policy refuses them, 5 if the
    configuration does not fit, 1 if the preview failed, 2 for a wrong command line.

    Uses the state and cluster of the env; without PULUMI_BACKEND_URL in it, the simulated
    cluster of the stack.
    """
    report = read_report(kept, "--from") if kept else reviewed(stack)
    if form is _Format.TERMINAL and out is None:
        terminal.show(Console(), report)
    elif out is None:
        typer.echo(_RENDERERS[form](report), nl=False)
    else:
        out.write_text(_RENDERERS[form](report), encoding="utf-8")
    raise typer.Exit(EXIT_CODES[report.verdict])


def reviewed(stack: str) -> Report:
    """The report of a preview of *stack* made now; ends the command where there can be none."""
    try:
        read_stack(stack)
    except ConfigError as error:
        return build.refused(stack, error.problems)
    with explained() as console:
        env, simulated = environment_for(stack, console)
        with console.status(f"previewing {stack} …"):
            ran = _preview(stack, env)
    return build.report(
        ran.preview,
        stack=stack,
        simulated=simulated,
        before=ran.before,
        after=ran.after,
        stderr_tail=ran.stderr_tail,
    )


def _preview(stack: str, env: Mapping[str, str]) -> run.PreviewRun:
    try:
        return run.preview(PROJECT, stack, env)
    except (EventsError, FileNotFoundError) as error:
        raise no_events_error(error) from None


def no_events_error(error: Exception) -> ToolchainError:
    """What to say where the engine wrote no events."""
    return ToolchainError(
        Problem(
            path="pulumi preview",
            got=str(error),
            allowed="engine events of Pulumi 3.256, a JSON object a line",
            change="`pai toolchain doctor` tells which pulumi there is, `pai env` puts it first",
        )
    )


def environment_for(stack: str, console: Console) -> tuple[dict[str, str], bool]:
    """The variables to preview with, and whether they are of the simulated cluster."""
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    ours = f"file://{state.folder()}"
    if "PULUMI_ACCESS_TOKEN" in os.environ or backend not in ("", ours):
        return dict(os.environ), False
    # Imported here: a review of a real cluster needs nothing of the simulation.
    from cli.simulated import simulated  # noqa: PLC0415

    return applied(simulated(engine.ensure("all", console), [stack], console)), True
