"""`pai sim`: the simulated clusters of the stacks."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from cli.toolchain import explained
from sim import cluster

app = typer.Typer(
    help="Simulated Kubernetes clusters: a real control plane over nodes that do not exist.",
    no_args_is_help=True,
)
_Stacks = Annotated[
    list[str] | None,
    typer.Option("--stack", help="A stack of the project; repeat the option for several."),
]


@app.command()
def up(stack: _Stacks = None) -> None:
    """Start the cluster of a stack (default: local), or mend it; prints the kubeconfig's path."""
    with explained() as console:
        typer.echo(cluster.ensure_running(stack or ["local"], console))


@app.command()
def down(stack: _Stacks = None) -> None:
    """Stop the clusters (default: all) and remove every file of theirs."""
    stopped = stack or [entry.stack for entry in cluster.status()]
    with explained():
        cluster.down(stopped)


@app.command()
def reset(stack: _Stacks = None) -> None:
    """Stop the cluster of a stack (default: local), forget what was in it, start it empty."""
    with explained() as console:
        typer.echo(cluster.reset(stack or ["local"], console))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Show which clusters run, and of a broken one which process ended."""
    with explained():
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
        ended = ", ".join(name for name, runs in entry.processes.items() if not runs)
        if ended:
            change = f"pai sim up --stack {entry.stack}"
            told = f"{entry.stack}: {ended} ended; logs: {entry.logs}; to mend it: {change}"
            console.print(told, markup=False, highlight=False, soft_wrap=True)
