"""Stopping simulated clusters: `pai down` and `pai sim down`."""

from typing import Annotated

import typer

from cli.options import stack_option

StacksToStop = Annotated[list[str] | None, stack_option("Stack; repeatable. Default: local.")]
Every = Annotated[bool, typer.Option("--all", help="All simulated clusters.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, with --all.")]


def down(stack: StacksToStop = None, every: Every = False, yes: Yes = False) -> None:
    """Stop a stack's simulated cluster; delete all that is in it, and the stack's state.

    Exit codes: 0 stopped, or was not running, 1 it failed, or was not confirmed, 2 usage error.
    """
    down_clusters(stack, every=every, yes=yes)


def down_clusters(stacks: list[str] | None, *, every: bool, yes: bool) -> None:
    """Stop the clusters of *stacks* (default: local) or of *every* stack, and say which.

    Raises UsageError for a name that is neither a stack's nor a cluster's.
    """
    from base.problems import Problem
    from cli.errors import UsageError
    from sim import cluster

    known = {entry.stack: entry.state for entry in cluster.status()}
    running = [name for name, found in known.items() if found != "stopped"]
    wanted = running if every else stacks or ["local"]
    unknown = [name for name in wanted if name not in known]
    if unknown or (every and stacks):
        raise UsageError(
            Problem(
                path="--stack",
                got=f"{', '.join(stacks or [])}, with --all" if every else ", ".join(unknown),
                allowed=f"one of {', '.join(known)}",
                change="name one of these, or pass --all alone; `pai sim status` lists them",
            )
        )
    if every and running and not yes:
        typer.confirm(f"Delete the clusters and the state of {', '.join(running)}?", abort=True)
    for name in wanted:
        cluster.down([name])
        typer.echo(f"{name}: {'stopped' if name in running else 'was not running'}")
    if not wanted:
        typer.echo("no simulated cluster runs")
