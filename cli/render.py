"""`pai render`: what the program asks for, without credentials, and what a change does to that."""

from pathlib import Path
from typing import Annotated

import pulumi
import typer
from pydantic import ValidationError

from base.problems import ConfigError, Problem
from cli.review import EXIT_CODES
from cli.stack_file import read_stack
from cli.toolchain import explained
from review import build
from review.compare import compare
from review.render import Render, render
from review.report import Report
from toolchain.environment import PROJECT
from toolchain.errors import ToolchainError


def command(
    stack: Annotated[str, typer.Option(help="The stack to render.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write what the program asks for (JSON).")
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="What the main branch's `pai render --out` wrote; needs --report."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where to write the report of the change (JSON).")
    ] = None,
) -> None:
    """Run the program on mocks: no engine, no cluster, no credentials, no state.

    For pull requests that nobody trusts yet. With --against the report says what the change does
    to what the program asks for, and what the policies say; it cannot know what a provider would
    replace or a cluster refuse. Exits as `pai review` does, and 0 without --against.
    """
    if (against is None) != (report is None):
        message = "--against and --report go together"
        raise typer.BadParameter(message, param_hint="--report")
    base = _read(against) if against else None
    try:
        found = rendered(stack)
    except ConfigError as error:
        if report is None:
            typer.echo(str(error), err=True)
            raise typer.Exit(5) from None
        raise _ended(build.refused(stack, error.problems), report) from None
    if out:
        out.write_text(found.model_dump_json(by_alias=True), encoding="utf-8")
    if base and report:
        raise _ended(compare(base, found), report)


def _ended(found: Report, file: Path) -> typer.Exit:
    file.write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return typer.Exit(EXIT_CODES[found.verdict])


def rendered(stack: str) -> Render:
    """What the program asks for. Raises ConfigError; ends the command where it cannot run."""
    read_stack(stack)
    with explained():
        try:
            return render(PROJECT, stack)
        except pulumi.RunError as error:
            raise ToolchainError(
                Problem(
                    path="__main__.py",
                    got=str(error),
                    allowed="a program that runs to its end",
                    change="mend what the message names",
                )
            ) from None


def _read(file: Path) -> Render:
    try:
        return Render.model_validate_json(file.read_bytes())
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint="--against") from None
    except ValidationError:
        message = f"{file.name} is nothing that `pai render --out` wrote"
        raise typer.BadParameter(message, param_hint="--against") from None
