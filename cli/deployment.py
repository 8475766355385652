"""Running `pulumi up`, for `pai up` and `pai apply`: interrupted once, told in a few lines."""

import sys
from collections.abc import Mapping, Sequence
from enum import Enum

import typer
from rich.console import Console

from base.problems import Problem
from cli.up_log import UpLog
from toolchain import child, state
from toolchain.environment import PROJECT
from toolchain.errors import ToolchainError


class Detail(Enum):
    """How much is printed while it runs."""

    QUIET = "problems alone"
    USUAL = "Pulumi's own display in a terminal, else a line for each part"
    RAW = "what Pulumi prints"


def deploy(
    stack: str,
    options: Sequence[str],
    env: Mapping[str, str],
    *,
    detail: Detail = Detail.USUAL,
    planned: Mapping[str, str] | None = None,
    again: str,
) -> None:
    """Deploy *stack* with the environment *env*.

    *planned*, the part of each URN that changes, is in the preview if there is one. *again* says
    how to go on after an interruption or error. Raises typer.Exit after the one, ToolchainError
    after the other.
    """
    console = Console(stderr=True)
    arguments = ["pulumi", "up", "--stack", stack, "--yes", "--suppress-outputs", *options]
    reader = None
    if detail is Detail.QUIET or (detail is Detail.USUAL and not sys.stdout.isatty()):
        arguments += ["--json", "--color", "never", "--non-interactive"]
        # Else its preview is one document at the end, and without what policies found.
        env = {**env, "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"}
        reader = UpLog(_say, planned, quiet=detail is Detail.QUIET)
    done = child.run(arguments, cwd=PROJECT, env=env, reader=reader)
    if done.interrupted_by is not None:
        state.release(stack, done.pid)
        console.print(f"Interrupted: {again}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(done.exit_code)
    if done.code:
        raise ToolchainError(
            Problem(
                path=f"pulumi up --stack {stack}",
                got="errors, listed above",
                allowed="every resource created and ready",
                change=f"fix the errors above; {again}",
            )
        )


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - to a pipe, line by line
