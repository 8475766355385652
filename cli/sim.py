"""`pai sim`: start, stop and inspect the simulated clusters."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.down import down_clusters
from cli.errors import Commands
from sim import cluster

app = typer.Typer(
    cls=Commands,
    help="Manage simulated clusters: real control planes over nodes that do not exist.",
    no_args_is_help=True,
)
_Stacks = Annotated[
    list[str] | None,
    typer.Option("--stack", help="Stack; repeatable."),
]


@app.command()
def up(stack: _Stacks = None) -> None:
    """Start or repair the cluster of a stack (default: local); print the kubeconfig's path."""
    typer.echo(cluster.ensure_running(stack or ["local"], Console(stderr=True)))


@app.command()
def down(
    stack: _Stacks = None,
    every: Annotated[bool, typer.Option("--all", help="All simulated clusters.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, with --all.")] = False,
) -> None:
    """Stop the cluster of a stack (default: local) and delete its files."""
    down_clusters(stack, every=every, yes=yes)


@app.command()
def reset(stack: _Stacks = None) -> None:
    """Recreate the cluster of a stack (default: local), empty."""
    typer.echo(cluster.reset(stack or ["local"], Console(stderr=True)))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the state of each cluster, and the exited processes of a broken one."""
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
