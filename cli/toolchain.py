"""`pai toolchain`: the toolchain."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from base.problems import ProblemError
from toolchain import build as building
from toolchain import cache, doctor
from toolchain import existing as found
from toolchain.locate import Toolchain

app = typer.Typer(
    help="The toolchain: Pulumi with its plugins, and a Kubernetes control plane to simulate on.",
    no_args_is_help=True,
)


class _Group(StrEnum):
    CLUSTER = "cluster"
    PULUMI = "pulumi"
    LEADER_WORKER_SET = "leader-worker-set"
    KEDA = "keda"
    KUBECTL = "kubectl"
    ALL = "all"


@contextmanager
def explained() -> Generator[Console]:
    """A console for progress, on stderr; what a person can mend ends in its text alone."""
    console = Console(stderr=True)
    try:
        yield console
    except ProblemError as error:
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


@app.command()
def build(
    group: Annotated[_Group, typer.Argument(help="Which parts.")] = _Group.ALL,
) -> None:
    """Build the parts that are neither on this machine nor built before: 30 minutes on 2 cores."""
    with explained() as console:
        toolchain = building.ensure(group.value, console)
    if toolchain.found is not None:
        console.print(
            f"pulumi {toolchain.found.version} of {toolchain.found.program} is used as it is.",
            markup=False,
            highlight=False,
        )


@app.command(name="doctor")
def examine(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Print each part, where it comes from, its version and what mends it. Exits 1 if one lacks."""
    with explained() as console, console.status("Asking each part for its version …"):
        findings = doctor.examine()
    if as_json:
        typer.echo(json.dumps([finding.model_dump() for finding in findings], indent=2))
    else:
        _print(findings)
    if not doctor.complete(findings):
        raise typer.Exit(1)


@app.command()
def path(
    name: Annotated[str | None, typer.Argument(help="A part; without it, the cache.")] = None,
) -> None:
    """Print where a part is, or the cache's folder."""
    if name is None:
        typer.echo(cache.root())
        return
    with explained():
        usable = found.look() if name.startswith("pulumi") else None
        typer.echo(Toolchain(usable if usable and usable.usable else None).path(name))


def _print(findings: list[doctor.Finding]) -> None:
    table = Table(box=None, header_style="bold")
    for heading in ("part", "from", "version", "needed", "to mend it"):
        table.add_column(heading, no_wrap=heading == "part", overflow="fold")
    for finding in findings:
        table.add_row(
            finding.part,
            finding.source,
            (finding.version or "-").partition("+")[0],
            finding.needed,
            finding.mend or "",
            style=None if finding.good else "red",
        )
    console = Console()
    console.print(table)
    for finding in findings:
        build_of = (finding.version or "").partition("+")[2]
        said = "; ".join(text for text in (build_of, finding.note) if text)
        if said:
            console.print(f"{finding.part}: {said}", style="dim", highlight=False)
    console.print(f"cache: {cache.root()}", style="dim", highlight=False, soft_wrap=True)
