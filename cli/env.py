"""`pai env`: the environment in which plain `pulumi` works."""

import json
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from base.problems import Problem
from cli.toolchain import explained
from toolchain import build, environment
from toolchain.errors import ToolchainError


def env(
    stack: Annotated[
        list[str] | None,
        typer.Option("--stack", help="A stack to simulate; repeat it. Default: every stack."),
    ] = None,
    kubeconfig: Annotated[
        Path | None,
        typer.Option(help="A real cluster's kubeconfig, instead of the simulated clusters."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Names and values; null: unset.")] = False,
) -> None:
    """Print what a shell must export so that plain `pulumi` works: eval "$(pai env)".

    Starts the simulated clusters that do not run, and builds the toolchain at the first time. With
    --kubeconfig nothing is simulated, and state and passphrase are your own.
    """
    with explained() as console:
        if kubeconfig is not None and not kubeconfig.is_file():
            raise ToolchainError(
                Problem(
                    path="--kubeconfig",
                    got=str(kubeconfig),
                    allowed="a file",
                    change="name the kubeconfig of the cluster",
                )
            )
        toolchain = build.ensure("pulumi", console)
        if kubeconfig is None:
            # Imported here: with --kubeconfig nothing of the simulation is needed.
            from cli.simulated import simulated  # noqa: PLC0415
            from sim.stacks import stack_names  # noqa: PLC0415

            exported = simulated(toolchain, stack or stack_names(), console)
        else:
            exported = environment.exports(toolchain, kubeconfig, simulated=False, shell=os.environ)
    unset = environment.UNSET if kubeconfig is None else environment.UNSET_FOR_REAL
    if as_json:
        typer.echo(json.dumps({**exported, **dict.fromkeys(unset)}, indent=2))
        return
    for name in unset:
        typer.echo(f"unset {name}")
    for name, value in exported.items():
        typer.echo(f"export {name}={shlex.quote(value)}")
