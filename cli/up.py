"""`pai up` and `pai down`: the whole stack on its simulated cluster, and away again."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from base.problems import Problem
from cli.apply import permitted
from cli.simulated import simulated
from cli.summary import show
from cli.toolchain import explained
from sim import cluster
from toolchain import build
from toolchain.environment import PROJECT, applied
from toolchain.errors import ToolchainError


def up(
    stack: Annotated[str, typer.Option(help="The stack to deploy.")] = "local",
    config_file: Annotated[
        Path | None,
        typer.Option(help="Its file, where that is not Pulumi.<stack>.yaml.", resolve_path=True),
    ] = None,
    approved: Annotated[
        str | None,
        typer.Option("--reviewed", help="Only if a preview plans what this report or digest says."),
    ] = None,
) -> None:
    """Build the toolchain, start the stack's simulated cluster, deploy, show what there is."""
    if approved and config_file:
        message = "a review is of Pulumi.<stack>.yaml"
        raise typer.BadParameter(message, param_hint="--config-file")
    if approved:
        permitted(stack, approved)
    with explained() as console:
        toolchain = build.ensure("pulumi", console)
        shell = simulated(toolchain, [stack], console, config_file)
        words = ["up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs"]
        if _run(shell, *words, *(["--config-file", str(config_file)] if config_file else [])):
            raise ToolchainError(
                Problem(
                    path=f"pulumi up --stack {stack}",
                    got="errors, listed above",
                    allowed="every resource created and ready",
                    change="fix them and run `pai up` again: it resumes where it stopped",
                )
            )
        deployment = _read(shell, "stack", "export", "--stack", stack)["deployment"]
        outputs = _read(shell, "stack", "output", "--stack", stack, "--json")
    show(Console(), deployment, outputs)
    typer.echo('\nA shell of your own: eval "$(pai env)" && pulumi stack output')


def down(
    stack: Annotated[
        list[str] | None, typer.Option("--stack", help="A stack; repeat it. Default: every stack.")
    ] = None,
) -> None:
    """Stop the simulated clusters and forget what was deployed on them."""
    stopped = stack or [entry.stack for entry in cluster.status()]
    with explained():
        cluster.down(stopped)
    typer.echo(f"stopped: {', '.join(stopped)}")


def _run(shell: Mapping[str, str], *words: str) -> int:
    return subprocess.run(  # noqa: S603 - no shell
        ["pulumi", *words],  # noqa: S607 - the one that the environment puts first
        cwd=PROJECT,
        env=applied(shell),
        check=False,
    ).returncode


def _read(shell: Mapping[str, str], *words: str) -> Any:  # noqa: ANN401 - JSON
    done = subprocess.run(  # noqa: S603 - no shell
        ["pulumi", *words],  # noqa: S607 - the one that the environment puts first
        cwd=PROJECT,
        env=applied(shell),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)
