"""The reference page of the commands: `python -m cli.reference > docs/reference/commands.md`."""

import sys
from collections.abc import Iterator
from typing import Any

import typer

from cli.commands import exit_codes
from cli.examples import EXAMPLES
from cli.main import COMMANDS

_INTRODUCTION = """# Commands

<!-- Generated from cli/ by `make docs`; edit the docstrings and options there. -->

`pai COMMAND --help` prints the same. `pai` alone prints [what runs](#pai-status), `pai --version`
the version. `-s` is short for `--stack` everywhere. `pai --install-completion` makes Tab complete
commands, options, stacks, models, GPUs, parts, rules and keys in bash, zsh, fish and PowerShell.

## Errors

Every error has four lines on standard error: the field or option, what was `got`, what is `allowed`
and the `change` that solves it. All problems are told at once. Where the command line asks for JSON
(`--json`, or `--format json`), errors are JSON too, on standard output, and the exit code is the
same:

```json
{{"problems": [{{"path": "--stack", "got": "…", "allowed": "…", "change": "…"}}]}}
```

`pai config check --json` prints the list alone, `pai plan --json` the keys `stack` and `problems`.
No secret is in any of them.

## Exit codes

| code | meaning | where it is more than that |
| --- | --- | --- |
| 0 | The work is done, and there is nothing to object to. | |
| 1 | The work could not be done, or what was checked has problems. | |
| 2 | A wrong option, argument, stack or input file. Nothing was started. | |
| 3 | The work is done, and its answer is no. | {differs} |
| 4 | A policy refuses it. | {refused} |
| 5 | The configuration of the stack is not valid. | {invalid}; elsewhere 1 |
| 6 | The preview is not what was reviewed. | {not_reviewed} |
| 130, 143, 129 | Interrupted by Ctrl-C, SIGTERM or a closed terminal. | |
"""
_NO = "3"
"""The code whose meaning differs with the command."""


def render() -> str:
    """The page in Markdown."""
    commands = [(command.panel, below) for command in COMMANDS for below in _leaves(command)]
    lines = [
        _INTRODUCTION.format(
            differs=_having(commands, _NO),
            refused=_having(commands, "4"),
            invalid=_having(commands, "5"),
            not_reviewed=_having(commands, "6"),
        )
    ]
    panel = ""
    for of, (name, command) in commands:
        if of != panel:
            lines += [f"## {of}", ""]
            panel = of
        lines += _section(name, command)
    return "\n".join(lines).rstrip() + "\n"


def _leaves(command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - typer's types are private
    loaded = command.loaded()
    below: dict[str, Any] = getattr(loaded, "commands", {})
    if not below:
        yield command.name, loaded
    for name, each in below.items():
        yield f"{command.name} {name}", each


def _having(commands: list[tuple[str, tuple[str, Any]]], code: str) -> str:
    found: list[str] = []
    for _, (name, command) in commands:
        texts = dict(each.split(" ", 1) for each in exit_codes(command))
        if code in texts:
            found.append(f"`pai {name}`: {texts[code]}" if code == _NO else f"`pai {name}`")
    return ("; " if code == _NO else ", ").join(found)


def _section(name: str, command: Any) -> Iterator[str]:  # noqa: ANN401 - typer's types are private
    context = typer.Context(command, info_name=f"pai {name}")
    yield f"### `pai {name}`"
    yield ""
    yield f"{command.help}\n"
    yield f"```\n{' '.join(command.get_usage(context).split()).removeprefix('Usage: ')}\n```\n"
    rows = [_row(parameter, context) for parameter in command.params]
    if rows:
        yield "| | | meaning |"
        yield "| --- | --- | --- |"
        yield from rows
        yield ""
    yield f"Exit codes: {', '.join(exit_codes(command))}.\n"
    if examples := EXAMPLES.get(name):
        width = max(len(line) for line, _ in examples)
        shown = "\n".join(f"{line:<{width}}  # {what}" for line, what in examples)
        yield f"```sh\n{shown}\n```\n"


def _row(parameter: Any, context: typer.Context) -> str:  # noqa: ANN401 - private types
    option = parameter.opts[0].startswith("-")
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if not option:
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    kind = parameter.metavar if option else ""
    kind = parameter.display_type(context).strip("<>") if option and kind is None else kind
    kind = f"`{kind}`".replace("|", r"\|") if kind else ""
    default = parameter.default
    told = isinstance(default, (str, int)) and not isinstance(default, bool) and default != ""
    meaning = " ".join((parameter.help or "").split())
    meaning += f" Default: `{default}`." if told else " Required." if parameter.required else ""
    return f"| {names} | {kind} | {meaning} |"


if __name__ == "__main__":
    sys.stdout.write(render())
