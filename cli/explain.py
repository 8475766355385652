"""`pai explain`: a policy rule, or a key of the settings."""

import json
from typing import Annotated

import typer

from cli import complete
from cli.options import AsJson


def explain(
    what: Annotated[
        str,
        typer.Argument(
            metavar="RULE|KEY",
            help="A rule, such as no-privileged, or a key of the settings, such as"
            " models.chat.replicas.",
            autocompletion=complete.words,
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Explain a policy rule, or a key below `private-ai:stack` in Pulumi.STACK.yaml.

    Of a rule: what it requires, why, and the remedy. Of a key: its type, default and allowed
    values, and the keys below it.

    Exit codes: 0 explained, 2 neither a rule nor a key; the nearest name is given.
    """
    from cli.explain_run import explanation

    found = explanation(what)
    if as_json:
        typer.echo(json.dumps(found.document, indent=2))
        return
    for title, text in found.lines:
        typer.echo(f"{title:<{found.width}}  {text}".rstrip())
