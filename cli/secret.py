"""`pai secret`: where a password or key of the stack is, and on request its value."""

import json
from typing import Annotated

import typer

from cli.options import AsJson, stack_option


def secret(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="administrator (Keycloak's first), grafana, or a team, for its API key."
            " Default: list all.",
        ),
    ] = None,
    stack: Annotated[str, stack_option("Stack of the secret.")] = "local",
    reveal: Annotated[
        bool, typer.Option("--show", help="Print the value, alone, on standard output.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say in which Secret a password or key is; with --show, print it.

    Without --show the value is not even read. It goes to standard output and nowhere else.

    Exit codes: 0 printed, 1 the stack is not deployed, or its cluster cannot be read, 2 no such
    name.
    """
    from base.problems import Problem
    from cli.deployed import require
    from cli.errors import UsageError
    from cli.secret_run import command, places, values

    found = require(stack)
    known = places(found)
    if name is not None and name not in known:
        raise UsageError(Problem("NAME", name, f"one of {', '.join(known)}", "name one of these"))
    if name is None and reveal:
        raise UsageError(
            Problem("NAME", "nothing, with --show", f"one of {', '.join(known)}", "name one")
        )
    shown = {name: known[name]} if name else known
    content = values(found, known[name]) if name and reveal else {}
    if as_json:
        document = {
            each: {**place._asdict(), **({"values": content} if reveal else {})}
            for each, place in shown.items()
        }
        typer.echo(json.dumps(document, indent=2))
    elif reveal:
        for key, value in content.items():
            typer.echo(value if len(content) == 1 else f"{key}: {value}")
    else:
        for each, place in shown.items():
            title = "" if name else f"{each}: "
            typer.echo(
                f"{title}Secret {place.namespace}/{place.secret}, {' and '.join(place.keys)}"
            )
        if name:
            typer.echo(f"To print it: `pai secret {name} --stack {stack} --show`, or", err=True)
            typer.echo(f"  {command(found, known[name])}", err=True)
