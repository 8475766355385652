"""The resources of a stack, rendered without credentials, and files of them."""

from pathlib import Path

import pulumi
import typer
from pydantic import ValidationError
from rich.console import Console

from base.problems import Problem
from cli.errors import UsageError
from cli.preview import EXIT_CODES
from cli.stack_file import read_stack
from review import terminal
from review.render import Render, render
from review.report import Report
from toolchain.environment import PROJECT
from toolchain.errors import ToolchainError


def told(report: Report, file: Path | None) -> typer.Exit:
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


def read_render(file: Path, stack: str) -> Render:
    """The resources of *stack* in *file*. Raises UsageError for a file of another kind or stack."""
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
