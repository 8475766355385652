"""The resources of a stack, rendered without credentials, and files of them."""

from pathlib import Path

import pulumi
import typer
from pydantic import ValidationError

from base.problems import Problem
from cli.errors import UsageError
from cli.preview import EXIT_CODES
from cli.stack_file import read_stack
from review.render import Render, render
from review.report import Report
from toolchain.environment import PROJECT
from toolchain.errors import ToolchainError


def written(report: Report, file: Path) -> typer.Exit:
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


def read_render(file: Path) -> Render:
    """The resources in *file*. Raises UsageError for a file of another kind."""
    try:
        return Render.model_validate_json(file.read_bytes())
    except OSError as error:
        got = f"{file}: {error.strerror}"
    except ValidationError:
        got = f"{file.name}, which has another format"
    allowed = "a file written by `pai render --out`"
    change = "write one with this version of `pai`"
    raise UsageError(Problem("--against", got, allowed, change))
