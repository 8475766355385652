"""`pai preflight`: compare a cluster with what a stack needs, before anything is deployed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.exit_codes import ExitCode
from cli.options import AsJson, stack_option


def preflight(
    stack: Annotated[str, stack_option("Stack to deploy.")] = "local",
    kubeconfig: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Kubeconfig. Default: KUBECONFIG, else that of the simulated cluster.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what of a cluster a stack would fail on, and what to do; change nothing.

    Exit codes: 0 nothing to do, 1 problems or an unreadable cluster, 2 usage error.
    """
    from rich.console import Console

    from cli.preflight_run import results, show

    found = results(stack, kubeconfig, None if as_json else Console(stderr=True))
    if as_json:
        typer.echo(json.dumps([result.model_dump() for result in found], indent=2))
    else:
        show(found)
    if any(result.status == "problem" for result in found):
        raise typer.Exit(ExitCode.FAILED)
