"""`pai sim`: start, stop and inspect the simulated clusters."""

import json
from collections.abc import Iterable
from typing import Annotated

import typer

from cli.down import Every, StacksToStop, Yes, down_clusters
from cli.errors import Commands
from cli.options import AsJson, stack_option

app = typer.Typer(
    cls=Commands,
    help="Manage simulated clusters: real control planes over nodes that do not exist.",
    no_args_is_help=True,
)
_Stacks = Annotated[list[str] | None, stack_option("Stack; repeatable. Default: local.")]


@app.command()
def up(stack: _Stacks = None) -> None:
    """Start or repair the cluster of a stack; print the kubeconfig's path."""
    from rich.console import Console

    from sim import cluster

    _check(stack or ())
    typer.echo(cluster.ensure_running(stack or ["local"], Console(stderr=True)))


@app.command()
def down(
    stack: StacksToStop = None,
    every: Every = False,
    yes: Yes = False,
) -> None:
    """Stop the cluster of a stack and delete its files.

    Exit codes: 0 stopped, or was not running, 1 it failed, or was not confirmed, 2 usage error.
    """
    down_clusters(stack, every=every, yes=yes)


@app.command()
def reset(stack: _Stacks = None) -> None:
    """Recreate the cluster of a stack, empty."""
    from rich.console import Console

    from sim import cluster

    _check(stack or ())
    typer.echo(cluster.reset(stack or ["local"], Console(stderr=True)))


def _check(names: Iterable[str]) -> None:
    """Raise UsageError or ConfigError for the first of *names* that has no stack's file."""
    from cli.stack_file import read_settings, stack_file
    from sim.stacks import project_folder

    for name in names:
        read_settings(name, stack_file(name, project_folder()))


@app.command()
def status(
    as_json: AsJson = False,
) -> None:
    """Show the state of each cluster, and the exited processes of a broken one."""
    from rich.console import Console
    from rich.table import Table

    from sim import cluster

    entries = cluster.status()
    if as_json:
        typer.echo(json.dumps([entry.model_dump() for entry in entries], indent=2))
        return
    console = Console()
    table = Table("stack", "state", "context", "server")
    for entry in entries:
        table.add_row(entry.stack, entry.state, entry.context or "", entry.server or "")
    console.print(table)
    for entry in entries:
        exited = ", ".join(name for name, runs in entry.processes.items() if not runs)
        if exited:
            fix = f"pai sim up --stack {entry.stack}"
            line = f"{entry.stack}: {exited} exited; logs: {entry.logs}; fix: {fix}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)
