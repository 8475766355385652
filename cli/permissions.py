"""`pai permissions`: print the RBAC that previews and drift checks need on a cluster."""

from typing import Annotated

import typer

from cli.options import stack_option


def permissions(
    stack: Annotated[str, stack_option("Stack whose kinds of objects are granted.")],
) -> None:
    """Print the manifests that let CI preview and check for drift.

    Apply them once as a cluster administrator. Their subjects are the groups `pai:previews` (dry
    runs) and `pai:drift` (reads). This command needs no cluster.
    """
    import yaml

    from cli.rendering import rendered
    from review.permissions import manifests

    typer.echo(yaml.safe_dump_all(manifests(rendered(stack)), sort_keys=False), nl=False)
