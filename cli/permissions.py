"""`pai permissions`: what those who preview and those who look for drift may do on a cluster."""

from typing import Annotated

import typer
import yaml

from cli.render import rendered
from review.permissions import manifests


def permissions(
    stack: Annotated[str, typer.Option(help="The stack whose kinds of objects they are for.")],
) -> None:
    """Print the manifests to apply once, as a cluster's administrator, before CI previews.

    The groups in them are `pai:previews` and `pai:drift`. Needs no cluster.
    """
    typer.echo(yaml.safe_dump_all(manifests(rendered(stack)), sort_keys=False), nl=False)
