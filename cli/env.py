"""`pai env`: print the environment in which plain `pulumi` works."""

import json
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from cli.options import stack_option


def env(
    stack: Annotated[
        list[str] | None,
        stack_option("Stack to simulate; repeatable. Default: local."),
    ] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="Kubeconfig of a real cluster, instead of the simulated ones."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: names and values, null to unset.")
    ] = False,
) -> None:
    """Print shell commands that set up plain `pulumi`: eval "$(pai env)".

    Builds the toolchain on first use and starts the simulated clusters. With --kubeconfig, no
    cluster is simulated, and the state backend and passphrase are your own.

    Exit codes: 0 printed, 1 a cluster or the toolchain failed, 2 usage error.
    """
    from rich.console import Console

    from base.problems import Problem
    from cli.errors import UsageError
    from cli.stack_file import read_settings
    from toolchain import build, environment

    for name in stack or ():
        read_settings(name)
    if kubeconfig is not None and not kubeconfig.is_file():
        raise UsageError(
            Problem(
                path="--kubeconfig",
                got=f"{kubeconfig}, which is not a file",
                allowed="the kubeconfig of the cluster",
                change="pass the path of an existing file",
            )
        )
    console = Console(stderr=True)
    toolchain = build.ensure("pulumi", console)
    if kubeconfig is None:
        from cli.simulated import simulated

        exported = simulated(toolchain, stack or ["local"], console)
    else:
        exported = environment.exports(toolchain, kubeconfig, simulated=False, env=os.environ)
    unset = environment.UNSET if kubeconfig is None else environment.UNSET_FOR_REAL
    if as_json:
        typer.echo(json.dumps({**exported, **dict.fromkeys(unset)}, indent=2))
        return
    for name in unset:
        typer.echo(f"unset {name}")
    for name, value in exported.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
