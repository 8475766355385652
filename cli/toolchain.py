"""`pai toolchain`: build, check and locate the toolchain."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import Commands
from cli.exit_codes import ExitCode
from cli.options import AsJson

if TYPE_CHECKING:
    from toolchain.doctor import PartStatus

app = typer.Typer(
    cls=Commands,
    help="Manage the toolchain: Pulumi, its plugins, and the control plane for simulations.",
    no_args_is_help=True,
)


class _Group(StrEnum):
    CLUSTER = "cluster"
    PULUMI = "pulumi"
    LEADER_WORKER_SET = "leader-worker-set"
    KEDA = "keda"
    KUBECTL = "kubectl"
    ALL = "all"


@app.command()
def build(
    group: Annotated[_Group, typer.Argument(help="Group of parts to build.")] = _Group.ALL,
) -> None:
    """Build the parts that are neither installed nor built; takes 30 minutes on 2 cores."""
    from rich.console import Console

    from toolchain import build as toolchain_build

    console = Console(stderr=True)
    toolchain = toolchain_build.ensure(group.value, console)
    if toolchain.existing is not None:
        console.print(
            f"Using pulumi {toolchain.existing.version} at {toolchain.existing.program}.",
            markup=False,
            highlight=False,
        )


@app.command(name="doctor")
def examine(
    as_json: AsJson = False,
) -> None:
    """Check each part: source, version and fix.

    Exit codes: 0 complete, 1 a part is missing or too old, 2 usage error.
    """
    from rich.console import Console

    from toolchain import doctor

    with Console(stderr=True).status("Checking the version of each part …"):
        parts = doctor.examine()
    if as_json:
        typer.echo(json.dumps([part.model_dump() for part in parts], indent=2))
    else:
        _print(parts)
    if not doctor.complete(parts):
        raise typer.Exit(ExitCode.FAILED)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Hash every built file anew and compare it with what was recorded at the build.

    Ends with the digest of what deploys, Pulumi and its plugins, which PAI_TOOLCHAIN_SHA256 can
    demand.

    Exit codes: 0 every file is as built, 1 one differs or nothing is built, 2 usage error.
    """
    from base.problems import Problem
    from cli.errors import CommandError
    from toolchain import cache, seal
    from toolchain.locate import built
    from toolchain.pins import DATA, PARTS

    entries = [entry for entry in (*DATA, *PARTS) if built(entry)]
    deploying = [entry for entry in entries if entry.group == "pulumi"]
    if not entries:
        raise CommandError(
            Problem(
                path=str(cache.root()),
                got="nothing that was built",
                allowed="a built toolchain",
                change="run `pai toolchain build pulumi`; a `pulumi` that was installed is checked"
                " by what installed it",
            )
        )
    seal.check(entries, again=True)
    if as_json:
        typer.echo(
            json.dumps({"sha256": seal.digest(deploying), "files": seal.files(entries)}, indent=2)
        )
        return
    for file, sha256 in seal.files(entries).items():
        typer.echo(f"{sha256}  {file}")
    if deploying:
        typer.echo(f"{seal.PIN}={seal.digest(deploying)}")


@app.command()
def path(
    name: Annotated[
        str | None, typer.Argument(help="Part, as in `pai toolchain doctor`. Default: the cache.")
    ] = None,
) -> None:
    """Print the path of a part, or of the cache."""
    from toolchain import cache, existing
    from toolchain.locate import Toolchain

    if name is None:
        typer.echo(cache.root())
        return
    installed = existing.discover() if name.startswith("pulumi") else None
    typer.echo(Toolchain(installed if installed and installed.usable else None).path(name))


def _print(parts: "list[PartStatus]") -> None:
    from rich.console import Console
    from rich.table import Table

    from toolchain import cache

    table = Table(box=None, header_style="bold")
    for heading in ("part", "source", "version", "required", "fix"):
        table.add_column(heading, no_wrap=heading == "part", overflow="fold")
    for part in parts:
        table.add_row(
            part.part,
            part.source,
            (part.version or "-").partition("+")[0],
            part.needed,
            part.fix or "",
            style=None if part.good else "red",
        )
    console = Console()
    console.print(table)
    for part in parts:
        build_metadata = (part.version or "").partition("+")[2]
        notes = "; ".join(text for text in (build_metadata, part.note) if text)
        if notes:
            console.print(f"{part.part}: {notes}", style="dim", highlight=False)
    console.print(f"cache: {cache.root()}", style="dim", highlight=False, soft_wrap=True)
