"""Errors of the command line: one format, one place that prints them, one scheme of exit codes."""

import json
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from base.problems import Problem, ProblemError
from cli.complete import stacks
from cli.exit_codes import ExitCode
from weights.errors import WeightsError

_EXTRA = re.compile(r"unexpected extra argument(?:s|\(s\))? \((.*)\)")


class CommandError(ProblemError):
    """The command cannot do its work; it exits with 1."""


class UsageError(ProblemError):
    """A wrong option, argument or input file; the command exits with 2."""


class Commands(TyperGroup):
    """A group of commands whose errors have four lines, or are JSON where `--json` asks for it."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **named: Any) -> Any:  # noqa: ANN401 - of the base
        """Run the command line *args*, and exit with its code."""
        words = sys.argv[1:] if args is None else list(args)
        if named.get("standalone_mode") is False:
            return super().main(words, *more, **named)
        try:
            code = super().main(words, *more, **{**named, "standalone_mode": False})
        except typer.Abort:
            typer.echo("Nothing was changed.", err=True)
            code = ExitCode.FAILED
        except Exception as error:
            known = _known(error, words)
            if known is None:
                raise
            code = ExitCode.USAGE if isinstance(known, UsageError) else ExitCode.FAILED
            if known.problems:
                print_problems(known, as_json=wants_json(words))
        return sys.exit(code or ExitCode.DONE)


def wants_json(words: Sequence[str]) -> bool:
    """Whether the command line asks for JSON on standard output."""
    options = words[: words.index("--")] if "--" in words else words
    formats = {
        *(word.partition("=")[2] for word in options if word.startswith("--format=")),
        *(after for word, after in pairwise(options) if word == "--format"),
    }
    return "--json" in options or "json" in formats


def print_problems(error: ProblemError, *, as_json: bool = False) -> None:
    """Print *error* on standard error, or its problems as JSON on standard output."""
    if as_json:
        problems = [asdict(problem) for problem in error.problems]
        typer.echo(json.dumps({"problems": problems}, indent=2))
        return
    from rich.console import Console

    Console(stderr=True).print(
        str(error), style="red", markup=False, emoji=False, highlight=False, soft_wrap=True
    )


def _known(error: Exception, words: Sequence[str]) -> ProblemError | None:
    """*error* as one that a person can mend; None for a fault of the program."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, WeightsError):
        return CommandError(*(Problem(f.path, f.got, f.allowed, f.change) for f in error.faults))
    if isinstance(error, TyperException):
        if type(error).__name__ == "NoArgsIsHelpError":  # it has printed the page
            return UsageError()
        return UsageError(_usage_problem(error, words))
    if isinstance(error, OSError) and isinstance(error.filename, str):
        allowed, change = "a file that you may read and write", "check the path"
        return CommandError(Problem(error.filename, str(error.strerror), allowed, change))
    return None


def _usage_problem(error: TyperException, words: Sequence[str]) -> Problem:
    """The error of the parser: of an option or argument if it names one, else of the command."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "pai"
    text = error.format_message()
    change = f"see `{command} --help`"
    if (parameter := getattr(error, "param", None)) is not None:
        name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.metavar
        got = "nothing" if text.startswith("Missing") else _lowered(error.message)
        got, _, choices = got.removeprefix("value error, ").partition(" is not one of ")
        allowed = choices or (parameter.help or "a value").removesuffix(".")
        return Problem(name or parameter.name, got, allowed, change)
    option = getattr(error, "option_name", None)
    if option is not None:
        if context is None:
            return Problem(option, _lowered(text), "a value for it", "add the value")
        near = getattr(error, "possibilities", None)
        known = [name for each in context.command.get_params(context) for name in each.opts]
        allowed = f"one of {', '.join(name for name in known if name.startswith('-'))}"
        hint = f"did you mean {' or '.join(sorted(near))}? Else " if near else ""
        return Problem(command, _lowered(error.message or option), allowed, f"{hint}{change}")
    if context is not None and (extra := _EXTRA.search(text)):
        return _extra(context, extra[1].split(), words, change)
    found, _, hint = text.partition(" Did you mean ")
    names = getattr(context.command, "commands", None) if context is not None else None
    allowed = f"one of {', '.join(names)}" if names else "the options and arguments it has"
    return Problem(command, _lowered(found), allowed, f"did you mean {hint}" if hint else change)


def _extra(context: typer.Context, extra: list[str], words: Sequence[str], change: str) -> Problem:
    """An argument too many; where it names a stack, the option for it."""
    command = context.command_path
    takes_stack = any("--stack" in each.opts for each in context.command.get_params(context))
    if takes_stack and extra[0] in stacks(""):
        at = list(words).index(extra[0])
        meant = [*words[:at], "--stack", *words[at:]]
        change = f"name a stack with an option: `pai {shlex.join(meant)}`"
    usage = context.get_usage().split(":", 1)[-1].strip()
    return Problem(command, f"{' '.join(extra)}, an argument too many", usage, change)


def _lowered(text: str) -> str:
    """*text* as a part of a line: without a capital, and without the full stop."""
    text = text.strip().removesuffix(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
