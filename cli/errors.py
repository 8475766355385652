"""Errors of the command line: printed in four parts, turned into exit codes, in one place."""

from typing import Any, NoReturn

import typer
from rich.console import Console
from typer.core import TyperGroup

from base.problems import Problem, ProblemError
from weights.errors import WeightsError

_FAILED, _USAGE = 1, 2


class CommandError(ProblemError):
    """The command cannot do its work; it exits with 1."""


class UsageError(ProblemError):
    """A wrong option, argument or input file; the command exits with 2."""


class Commands(TyperGroup):
    """A group of commands that prints a ProblemError or WeightsError instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - the base's types are private
        """Run the command; a ProblemError or WeightsError ends it with its text alone."""
        try:
            return super().invoke(ctx)
        except ProblemError as error:
            _exit(error)
        except WeightsError as error:
            _exit(
                CommandError(*(Problem(f.path, f.got, f.allowed, f.change) for f in error.faults))
            )


def _exit(error: ProblemError) -> NoReturn:
    Console(stderr=True).print(
        str(error), style="red", markup=False, emoji=False, highlight=False, soft_wrap=True
    )
    raise typer.Exit(_USAGE if isinstance(error, UsageError) else _FAILED) from None
