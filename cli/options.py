"""Options that several commands have, spelt and completed alike."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli import complete


def stack_option(text: str) -> Any:  # noqa: ANN401 - as typer.Option
    """`--stack`, `-s`, with *text* as its help."""
    return typer.Option("--stack", "-s", help=text, metavar="STACK", autocompletion=complete.stacks)


ConfigFile = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        resolve_path=True,
        help="Configuration. Default: Pulumi.STACK.yaml.",
    ),
]
Insecure = Annotated[bool, typer.Option("--insecure", help="Use plain HTTP; only on this machine.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
