"""`pai plan`: show how a stack uses its GPUs, before anything is deployed."""

from typing import Annotated

import typer

from cli.options import ConfigFile, stack_option


def command(
    stack: Annotated[str, stack_option("Stack to plan.")] = "local",
    config_file: ConfigFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; docs/explanation/sizing.md lists the keys.")
    ] = False,
) -> None:
    """Show which GPU each model is assigned to, the memory left, and the room for more.

    Of the nodes without GPUs it shows the pods and what they request.

    Exit codes: 0 the configuration is valid, 1 it is not (every problem is listed), 2 usage error.
    """
    from cli.plan_run import run

    run(stack, config_file, as_json=as_json)
