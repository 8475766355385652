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
from cli.backend import refuse_another_backend
from cli.down import down_clusters
from cli.errors import UsageError
from cli.simulated import simulated
from cli.summary import show
from sim.stacks import cluster_of
from toolchain import build, child, state
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
    refuse_another_backend(stack)
    toolchain = build.ensure("pulumi", console)
    env = simulated(toolchain, [stack], console, config_file)
    context = cluster_of(stack, config_file).context
    console.print(
        f"Stack {stack}, onto its simulated cluster: context {context} of {env['KUBECONFIG']},"
        f" state in {env['PULUMI_BACKEND_URL']}",
        highlight=False,
        soft_wrap=True,
    )
    # With its preview: what a policy refuses is then said before anything is created.
    arguments = ["up", "--stack", stack, "--yes", "--suppress-outputs"]
    if config_file:
        arguments += ["--config-file", str(config_file)]
    done = child.run(["pulumi", *arguments], cwd=PROJECT, env=applied(env))
    if done.interrupted_by is not None:
        state.release(stack, done.pid)
        console.print(f"Interrupted. `pai up --stack {stack}` goes on from here.", highlight=False)
        raise typer.Exit(done.exit_code)
    if done.code:
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
    typer.echo(
        f'\nTo use plain pulumi: eval "$(pai env --stack {stack})"'
        f" && pulumi stack output --stack {stack}"
    )


def down(
    stack: Annotated[
        list[str] | None, typer.Option("--stack", help="Stack; repeatable. Default: local.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All simulated clusters.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, with --all.")] = False,
) -> None:
    """Stop a stack's simulated cluster; delete all that is in it, and the stack's state."""
    down_clusters(stack, every=every, yes=yes)


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
