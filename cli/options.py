"""Options that several commands have, spelt and completed alike."""

from typing import Annotated, Any

import typer

from cli import complete


def stack_option(text: str) -> Any:  # noqa: ANN401 - as typer.Option
    """`--stack`, `-s`, with *text* as its help."""
    return typer.Option("--stack", "-s", help=text, metavar="STACK", autocompletion=complete.stacks)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
