"""`pai render`: run the program without credentials and compare its resources."""

from pathlib import Path
from typing import Annotated

import pulumi
import typer
from pydantic import ValidationError
from rich.console import Console

from base.problems import ConfigError, Problem
from cli.errors import UsageError
from cli.review import EXIT_CODES
from cli.stack_file import read_stack
from review import build, terminal
from review.compare import compare
from review.render import Render, render
from review.report import Report, Verdict
from toolchain.environment import PROJECT
from toolchain.errors import ToolchainError


def command(
    stack: Annotated[str, typer.Option(help="Stack to render.")],
    out: Annotated[
        Path | None, typer.Option(help="File for the rendered resources (JSON).")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="`pai render --out` of the main branch, to compare with."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="File for the report of the change (JSON). Default: shown here. Without --against:"
            " that of a first deployment."
        ),
    ] = None,
) -> None:
    """Run the program on mocks: no cluster, no credentials, no state.

    Meant for pull requests from untrusted contributors. With --against, the report shows how the
    change alters the resources and what the policies find. It cannot show what a provider would
    replace or a cluster would refuse.

    Exit codes: 0 without --against and --report, else those of `pai review`.
    """
    base = _read(against, stack) if against else Render(stack=stack, resources=[], outputs={})
    compared = against is not None or report is not None
    try:
        current = rendered(stack)
    except ConfigError as error:
        if not compared:
            typer.echo(error, err=True)
            raise typer.Exit(EXIT_CODES[Verdict.DOES_NOT_FIT]) from None
        raise _told(build.refused(stack, error.problems), report) from None
    if out:
        out.write_text(current.model_dump_json(by_alias=True), encoding="utf-8")
    if compared:
        raise _told(compare(base, current, PROJECT), report)
    resources = f"{stack}: {len(current.resources)} resources"
    typer.echo(
        f"{resources}, written to {out}"
        if out
        else f"{resources}. --out keeps them, --against compares them, --report reviews them."
    )


def _told(report: Report, file: Path | None) -> typer.Exit:
    """Write *report* to *file*, or show it if there is none; return the exit with its code."""
    if file:
        file.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    else:
        terminal.show(Console(), report)
    return typer.Exit(EXIT_CODES[report.verdict])


def rendered(stack: str) -> Render:
    """The resources that the program registers. Raises ProblemError if it cannot run."""
    read_stack(stack)
    try:
        return render(PROJECT, stack)
    except pulumi.RunError as error:
        raise ToolchainError(
            Problem(
                path="__main__.py",
                got=str(error),
                allowed="a program that runs to its end",
                change="fix the error above",
            )
        ) from None


def _read(file: Path, stack: str) -> Render:
    allowed, change = "a file written by `pai render --out`", "write one with this version of `pai`"
    try:
        found = Render.model_validate_json(file.read_bytes())
        if found.stack == stack:
            return found
        got = f"{file.name}, of stack {found.stack}"
        allowed, change = f"a render of stack {stack}", "render that stack, or name the other"
    except OSError as error:
        got = f"{file}: {error.strerror}"
    except ValidationError:
        got = f"{file.name}, which has another format"
    raise UsageError(Problem("--against", got, allowed, change))
