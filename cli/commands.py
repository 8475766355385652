"""A group whose commands are imported when they are called, and help pages that read."""

import re
from collections.abc import Generator, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from typing import Any, ClassVar, cast

import typer
from typer.core import TyperCommand, TyperGroup

from cli.errors import Commands
from cli.examples import EXAMPLES

_CODES = re.compile(r"Exit codes: (.*)\.", re.DOTALL)
_USUAL = "0 done, 1 it failed, 2 usage error"
_WIDTH = 76
"""Characters of a line that a terminal of 80 columns does not break."""
_METAVARS = {
    "<str>": "TEXT",
    "<int>": "NUMBER",
    "<int range>": "NUMBER",
    "<float>": "NUMBER",
    "<path>": "PATH",
    "<file>": "FILE",
    "list[str]": "TEXT",
}
"""Words for the types that typer names as Python does."""


@dataclass(frozen=True)
class Command:
    """A command in the list of `pai --help`."""

    name: str
    target: str
    """`module:attribute`: a function, or a Typer app with commands of its own."""
    panel: str
    summary: str
    """For the list alone; a command's page begins with its docstring."""

    def loaded(self) -> Any:  # noqa: ANN401 - typer's types of commands are private
        """The command, with its page."""
        module, _, attribute = self.target.partition(":")
        found = getattr(import_module(module), attribute)
        command: Any
        if isinstance(found, typer.Typer):
            command = typer.main.get_group(found)
            command.name = self.name
        else:
            alone = typer.Typer(add_completion=False)
            alone.command(self.name)(found)
            command = cast("Any", typer.main.get_command(alone))
        command.rich_help_panel = self.panel
        command.short_help = self.summary
        _lay_out(command, [self.name])
        return command

    def listed(self) -> TyperCommand:
        """A stand-in for the list of commands, which imports nothing."""
        return TyperCommand(
            self.name, short_help=self.summary, help=self.summary, rich_help_panel=self.panel
        )


class CommandGroup(Commands):
    """The commands of a table."""

    table: ClassVar[Sequence[Command]]

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - of the base
        super().__init__(**attributes)
        self.commands = _Imported(self.table)
        self._listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - private types
        """The names, in the order of the table."""
        del ctx
        return [command.name for command in self.table]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - private types
        """The command; in a list of all of them, a stand-in for it."""
        if self._listing:
            return next(each for each in self.table if each.name == cmd_name).listed()
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - private types
        """The page, without importing the commands that it lists."""
        _lay_out(self, [])
        with self._list():
            super().format_help(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:  # noqa: ANN401 - private types
        """The names, without importing the commands."""
        with self._list():
            return super().shell_complete(ctx, incomplete)

    @contextmanager
    def _list(self) -> Generator[None]:
        self._listing = True
        try:
            yield
        finally:
            self._listing = False


class _Imported(MutableMapping[str, Any]):
    """Commands by name, each imported when it is asked for."""

    def __init__(self, table: Sequence[Command]) -> None:
        self._table = {command.name: command for command in table}
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - private types
        if name not in self._loaded:
            self._loaded[name] = self._table[name].loaded()
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def __setitem__(self, name: str, command: Any) -> None:  # noqa: ANN401 - private types
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._table[name]


def _lay_out(command: Any, words: list[str]) -> None:  # noqa: ANN401 - private types
    """Make the page of *command*: paragraphs for any width, exit codes and examples as lists."""
    for name, below in () if isinstance(command, CommandGroup) else _below(command).items():
        _lay_out(below, [*words, name])
    text = cleandoc(command.help or "")
    codes = _CODES.search(text)
    command.help = "\n\n".join(
        " ".join(paragraph.split())
        for paragraph in text.split("\n\n")
        if not _CODES.fullmatch(paragraph.strip())
    )
    sections = [_examples(words)]
    if isinstance(command, TyperGroup):
        sections.append("Exit codes: docs/reference/commands.md")
    else:
        listed = " ".join((codes[1] if codes else _USUAL).split())
        command.exit_codes = re.split(r",\s+(?=\d+ )", listed)
        sections.append(
            "\n".join(["Exit codes:", *(f"  {_escaped(c)}" for c in exit_codes(command))])
        )
    command.epilog = "\n\n".join(section for section in sections if section)
    context = typer.Context(command)
    for parameter in [*command.params, command.get_help_option(context)]:
        _name_value(parameter, context)


def _name_value(parameter: Any, context: typer.Context) -> None:  # noqa: ANN401 - private types
    """Say what *parameter* takes in words; nothing for a flag, or beside an argument's name."""
    if not parameter.opts[0].startswith("-"):
        dots = "" if parameter.nargs == 1 else "..."
        parameter.metavar = parameter.metavar or f"{parameter.name.upper()}{dots}"
        parameter.display_type_rich = lambda ctx: ""  # noqa: ARG005 - called by name
    elif parameter.metavar is None:
        flag = getattr(parameter, "is_flag", False)
        parameter.metavar = "" if flag else _METAVARS.get(parameter.display_type(context))


def exit_codes(command: Any) -> list[str]:  # noqa: ANN401 - private types
    """What a loaded command exits with: a number and its meaning each."""
    return command.exit_codes


def _below(command: Any) -> Mapping[str, Any]:  # noqa: ANN401 - private types
    return getattr(command, "commands", {})


def _examples(words: list[str]) -> str:
    lines = EXAMPLES.get(" ".join(words), ())
    width = max((len(line) for line, _ in lines), default=0)
    beside = all(width + len(what) + 4 <= _WIDTH for _, what in lines)

    def gap(line: str) -> str:
        return " " * (width - len(line) + 2) if beside else "\n      "

    shown = [f"  {_escaped(line)}{gap(line)}[dim]{_escaped(what)}[/dim]" for line, what in lines]
    return "\n".join(["Examples:", *shown]) if shown else ""


def _escaped(text: str) -> str:
    """*text* without the meaning that rich gives to brackets."""
    return text.replace("[", r"\[")
