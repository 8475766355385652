"""`pai render`: run the program without credentials and compare its resources."""

from pathlib import Path
from typing import Annotated

import pulumi
import typer
from pydantic import ValidationError

from base.problems import ConfigError, Problem
from cli.errors import UsageError
from cli.review import EXIT_CODES
from cli.stack_file import read_stack
from review import build
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
        typer.Option(help="`pai render --out` of the main branch; requires --report."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="File for the report of the change (JSON).")
    ] = None,
) -> None:
    """Run the program on mocks: no cluster, no credentials, no state.

    Meant for pull requests from untrusted contributors. With --against, the report shows how the
    change alters the resources and what the policies find. It cannot show what a provider would
    replace or a cluster would refuse.

    Exit codes: 0 without --against, else those of `pai review`.
    """
    if (against is None) != (report is None):
        missing, given = ("--against", "--report") if report else ("--report", "--against")
        raise UsageError(
            Problem(missing, f"nothing, with {given}", "both or neither", f"add {missing}")
        )
    base = _read(against) if against else None
    try:
        current = rendered(stack)
    except ConfigError as error:
        if report is None:
            typer.echo(error, err=True)
            raise typer.Exit(EXIT_CODES[Verdict.DOES_NOT_FIT]) from None
        raise _written(build.refused(stack, error.problems), report) from None
    if out:
        out.write_text(current.model_dump_json(by_alias=True), encoding="utf-8")
    if base and report:
        raise _written(compare(base, current, PROJECT), report)


def _written(report: Report, file: Path) -> typer.Exit:
    """Write *report* to *file*; return the exit with its code."""
    file.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
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


def _read(file: Path) -> Render:
    try:
        return Render.model_validate_json(file.read_bytes())
    except OSError as error:
        got = f"{file}: {error.strerror}"
    except ValidationError:
        got = f"{file.name}, which has another format"
    allowed = "a file written by `pai render --out`"
    change = "write one with this version of `pai`"
    raise UsageError(Problem("--against", got, allowed, change))
