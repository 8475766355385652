"""`pai up` and `pai down`: deploy a stack to its simulated cluster, and remove it."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from base.problems import Problem
from cli.apply import check_approved
from cli.errors import UsageError
from cli.simulated import simulated
from cli.summary import show
from sim import cluster
from toolchain import build
from toolchain.environment import PROJECT, applied
from toolchain.errors import ToolchainError


def up(
    stack: Annotated[str, typer.Option(help="Stack to deploy.")] = "local",
    config_file: Annotated[
        Path | None,
        typer.Option(help="Configuration. Default: Pulumi.STACK.yaml.", resolve_path=True),
    ] = None,
    approved: Annotated[
        str | None,
        typer.Option(
            "--reviewed",
            metavar="REPORT|DIGEST",
            help="Deploy only if a new preview plans exactly what this report or digest names.",
        ),
    ] = None,
) -> None:
    """Deploy a stack to its simulated cluster and show the result.

    Builds the toolchain on first use and starts the cluster. Exit codes: those of `pai apply`.
    """
    if approved and config_file:
        raise UsageError(
            Problem(
                path="--config-file",
                got=f"{config_file}, with --reviewed",
                allowed="only one of the two: a review is of Pulumi.STACK.yaml",
                change="remove one of them",
            )
        )
    if approved:
        check_approved(stack, approved)
    console = Console(stderr=True)
    toolchain = build.ensure("pulumi", console)
    env = simulated(toolchain, [stack], console, config_file)
    arguments = ["up", "--stack", stack, "--yes", "--skip-preview", "--suppress-outputs"]
    if config_file:
        arguments += ["--config-file", str(config_file)]
    if _run(env, *arguments):
        raise ToolchainError(
            Problem(
                path=f"pulumi up --stack {stack}",
                got="errors, listed above",
                allowed="every resource created and ready",
                change="fix the errors above and run `pai up` again: it resumes where it stopped",
            )
        )
    deployment = _read(env, "stack", "export", "--stack", stack)["deployment"]
    outputs = _read(env, "stack", "output", "--stack", stack, "--json")
    show(Console(), deployment, outputs)
    typer.echo('\nTo use plain pulumi: eval "$(pai env)" && pulumi stack output')


def down(
    stack: Annotated[
        list[str] | None, typer.Option("--stack", help="Stack; repeatable. Default: all.")
    ] = None,
) -> None:
    """Stop simulated clusters and delete everything in them."""
    stopped = stack or [entry.stack for entry in cluster.status()]
    cluster.down(stopped)
    typer.echo(f"stopped: {', '.join(stopped)}")


def _run(env: Mapping[str, str], *arguments: str) -> int:
    return subprocess.run(  # noqa: S603 - no shell
        ["pulumi", *arguments],  # noqa: S607 - the one that the environment puts first
        cwd=PROJECT,
        env=applied(env),
        check=False,
    ).returncode


def _read(env: Mapping[str, str], *arguments: str) -> Any:  # noqa: ANN401 - JSON
    done = subprocess.run(  # noqa: S603 - no shell
        ["pulumi", *arguments],  # noqa: S607 - the one that the environment puts first
        cwd=PROJECT,
        env=applied(env),
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)
