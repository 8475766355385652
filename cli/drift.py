"""`pai drift`: what differs in the cluster from what was deployed."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.comment import ApiOption, RepositoryOption, TokenFileOption
from cli.review import environment_for, no_events_error
from cli.toolchain import explained
from review import drift_text, run
from review.drift import Drift, drift
from review.events import EventsError
from review.forge.access import open_repository
from review.forge.upsert import close_issues, upsert_issue
from review.markdown import Forge
from toolchain.environment import PROJECT

DRIFTED = 3
"""Exit code where something differs."""


class _Format(StrEnum):
    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    JSON = "json"


def command(  # noqa: PLR0917 - typer passes options by name
    stack: Annotated[str, typer.Option(help="The stack to look at.")] = "local",
    form: Annotated[_Format, typer.Option("--format", help="For people, forges or scripts.")] = (
        _Format.TERMINAL
    ),
    out: Annotated[
        Path | None, typer.Option(help="Where to write it. Default: standard output.")
    ] = None,
    issue: Annotated[
        Forge | None,
        typer.Option("--issue", help="Open, update or close the stack's issue on this forge."),
    ] = None,
    repository: RepositoryOption = None,
    api: ApiOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Compare every object that the stack made with what it made; change nothing.

    Exits 0 where all is as deployed, 3 where something differs, 1 if the look failed, 2 for a
    wrong command line. Of an issue there is one for each stack: opened when something differs,
    updated while it does, closed when nothing does any more, left as it is by a look that failed.
    """
    found = look(stack)
    text = {
        _Format.TERMINAL: drift_text.terminal,
        _Format.MARKDOWN: drift_text.issue,
        _Format.JSON: lambda drift: drift.model_dump_json(indent=2) + "\n",
    }[form](found)
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        typer.echo(text, nl=False)
    if found.failure:
        raise typer.Exit(1)
    if issue:
        with explained() as console:
            there = open_repository(
                issue, os.environ, repository=repository, api=api, token_file=token_file
            )
            mark = drift_text.mark(stack)
            if found.drifted:
                body = drift_text.issue(found)
                console.print(f"issue: {upsert_issue(there, mark, drift_text.title(found), body)}")
            elif count := close_issues(there, mark, drift_text.closed(stack)):
                console.print(f"issues closed: {count}")
    raise typer.Exit(DRIFTED if found.drifted else 0)


def look(stack: str) -> Drift:
    """What differs now; ends the command where that cannot be found out."""
    if not (PROJECT / f"Pulumi.{stack}.yaml").exists():
        message = f"Pulumi.{stack}.yaml does not exist"
        raise typer.BadParameter(message, param_hint="--stack")
    with explained() as console:
        env, simulated = environment_for(stack, console)
        with console.status(f"looking at {stack} …"):
            lines, stderr_tail = run.refresh(PROJECT, stack, env)
        try:
            return drift(lines, stack=stack, simulated=simulated, stderr_tail=stderr_tail)
        except EventsError as error:
            raise no_events_error(error) from None
