"""`pai drift`: compare the cluster with what was deployed."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.comment import ApiOption, RepositoryOption, TokenFileOption
from cli.exit_codes import ExitCode
from cli.options import stack_option
from review.forges import Forge

if TYPE_CHECKING:
    from review.drift import Drift


class _Format(StrEnum):
    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    JSON = "json"


def command(  # noqa: PLR0917 - typer passes options by name
    stack: Annotated[str, stack_option("Stack to compare.")] = "local",
    form: Annotated[_Format, typer.Option("--format", help="Output format.")] = _Format.TERMINAL,
    out: Annotated[
        Path | None, typer.Option(help="File to write to. Default: standard output.")
    ] = None,
    issue: Annotated[
        Forge | None,
        typer.Option("--issue", help="Open, update or close the stack's issue on this forge."),
    ] = None,
    repository: RepositoryOption = None,
    api: ApiOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Compare every deployed object with the cluster; change nothing.

    With --issue, each stack has one issue: opened when something differs, updated while it does,
    closed once nothing does. A failed comparison leaves the issue as it is.

    Exit codes: 0 no drift, 1 the comparison failed, 2 usage error, 3 drift.
    """
    from review import drift_text

    report = detect(stack)
    text = {
        _Format.TERMINAL: drift_text.terminal,
        _Format.MARKDOWN: drift_text.issue,
        _Format.JSON: lambda drift: drift.model_dump_json(indent=2) + "\n",
    }[form](report)
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        typer.echo(text, nl=False)
    if report.failure:
        raise typer.Exit(ExitCode.FAILED)
    if issue:
        from review.forge.access import open_repository
        from review.forge.upsert import close_issues, upsert_issue

        issues = open_repository(
            issue, os.environ, repository=repository, api=api, token_file=token_file
        )
        mark = drift_text.mark(stack)
        if report.drifted:
            body = drift_text.issue(report)
            kept = upsert_issue(issues, mark, drift_text.title(report), body)
            typer.echo(f"issue: {kept}", err=True)
        elif count := close_issues(issues, mark, drift_text.closed(stack)):
            typer.echo(f"issues closed: {count}", err=True)
    raise typer.Exit(ExitCode.DIFFERS if report.drifted else ExitCode.DONE)


def detect(stack: str) -> "Drift":
    """The differences between the state of *stack* and its cluster."""
    from rich.console import Console

    from cli.preview import environment_for, no_events_error
    from cli.stack_file import read_settings
    from review import run
    from review.drift import drift
    from review.events import EventsError
    from toolchain.environment import PROJECT

    read_settings(stack)
    console = Console(stderr=True)
    env, simulated = environment_for(stack, console)
    with console.status(f"Comparing {stack} with its cluster …"):
        lines, stderr = run.refresh(PROJECT, stack, env)
    try:
        return drift(lines, stack=stack, simulated=simulated, stderr_tail=stderr)
    except EventsError as error:
        raise no_events_error(error) from None
