"""`pai models`: the models of the catalog, and their weights on the way to a stack."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Column, Table

from base.problems import Problem
from catalog.load import UnknownEntryError
from catalog.models import Checkpoint, ModelSpec, WeightDtype, model, models
from cli.model_places import mirror_of, stack_config
from config.checks.hub_access import is_gated
from config.settings.vllm import COMMIT
from weights.files import WeightsError, Wish
from weights.manifest import Manifest, altered, misplaced

app = typer.Typer(
    help="Models: what the catalog knows, and weights fetched, verified, brought into a mirror.",
    no_args_is_help=True,
)


@dataclass(frozen=True)
class _Row:
    """One published set of weights; its fields are the keys of the JSON."""

    key: str
    dtype: str
    parameters: int
    repository: str
    revision: str | None
    """The commit; None where the catalog knows none."""
    bytes: int | None
    """As published; None where that was not read anywhere."""
    license: str
    gated: bool
    served_as: list[str]
    """Names under which the stack serves it."""


@app.command("list")
def list_models(
    stack: Annotated[str, typer.Option(help="The stack whose models are marked.")] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Print every published set of weights of the catalog, and what the stack serves of it."""
    with _explained():
        config = stack_config(stack)
    rows = [
        _Row(
            key=spec.key,
            dtype=dtype,
            parameters=spec.parameters,
            repository=checkpoint.repository,
            revision=checkpoint.revision or None,
            bytes=checkpoint.published_bytes,
            license=spec.license,
            gated=is_gated(spec, checkpoint.repository),
            served_as=[
                name
                for name, settings in config.models.items()
                if (settings.model, settings.served_dtype) == (spec.key, dtype)
            ],
        )
        for spec in models().values()
        for dtype, checkpoint in spec.checkpoints.items()
    ]
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    table = Table(
        "model",
        "weights",
        Column("parameters", justify="right"),
        Column("size", justify="right"),
        Column("license", overflow="fold"),
        "commit",
        stack,
    )
    for row in rows:
        table.add_row(
            row.key,
            row.dtype,
            f"{row.parameters / 1e9:.1f} B",
            f"{row.bytes / 1e9:.1f} GB" if row.bytes else "not known",
            f"{row.license}{' (gated)' if row.gated else ''}",
            (row.revision or "not pinned")[:10],
            ", ".join(row.served_as),
        )
    Console().print(table)


@app.command()
def fetch(
    key: Annotated[str, typer.Argument(metavar="MODEL", help="A key of `pai models list`.")],
    *,
    to: Annotated[Path, typer.Option(help="The folder to make; its parent must exist.")],
    dtype: Annotated[str, typer.Option(help="Which weights; else the model's own type.")] = "",
    repository: Annotated[str, typer.Option(help="Instead of the catalog's.")] = "",
    revision: Annotated[str, typer.Option(help="Commit, instead of the catalog's.")] = "",
    endpoint: Annotated[str, typer.Option(help="URL of a hub, instead of the public one.")] = "",
    allow: Annotated[
        list[str] | None,
        typer.Option(help="Name of a weight file that is no safetensors (a pickle); repeat it."),
    ] = None,
) -> None:
    """Download a commit into a folder, verified, with a manifest; goes on where it was cut off.

    The token is HF_TOKEN's, or that of `hf auth login`; HTTPS_PROXY and SSL_CERT_FILE are heeded.
    """
    with _explained():
        spec, checkpoint = _checkpoint(key, dtype)
        commit = revision or ("" if repository else checkpoint.revision)
        if COMMIT.match(commit) is None:
            _fail(
                Problem(
                    "--revision",
                    commit or "nothing, and the catalog knows no commit",
                    "a commit of 40 hexadecimal digits: branches and tags move",
                    f"Look it up in the history of {repository or checkpoint.repository}",
                )
            )
        # Takes a second to import, and only this command needs it.
        from cli.model_fetch import Wanted, fetch  # noqa: PLC0415

        only = [checkpoint.file] if checkpoint.file and not repository else []
        wanted = Wanted(repository or checkpoint.repository, commit, Wish(only, allow or []))
        with _bar(f"{spec.key} {commit[:10]}") as start:
            manifest = fetch(wanted, to, endpoint or None, start)
    typer.echo(f"{to}: {_told(manifest)}, verified")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with a manifest.")],
) -> None:
    """Compare every byte of a model with its manifest; exit 1 and name each wrong file."""
    with _explained():
        manifest = _verified(folder)
    typer.echo(f"{folder}: {_told(manifest)}, every byte as the manifest says")


@app.command("import")
def import_model(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `pai models fetch` made.")],
    stack: Annotated[str, typer.Option(help="The stack whose model_store.source is filled.")] = "",
    to: Annotated[
        Path | None, typer.Option(help="A folder that a web server serves, for kind: http.")
    ] = None,
) -> None:
    """Verify a folder and bring it where the download Jobs of an air-gapped stack read it.

    A bucket is written to with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a registry with the
    login of `docker login`.
    """
    with _explained():
        manifest = Manifest.read(folder)
        mirror = mirror_of(stack, to, manifest)
        _verified(folder)
        with _bar("bringing") as start:
            place = mirror.bring(manifest, folder, start(manifest.size))
    typer.echo(f"{place}: {_told(manifest)}")


def _checkpoint(key: str, dtype: str) -> tuple[ModelSpec, Checkpoint]:
    try:
        spec = model(key)
    except UnknownEntryError as error:
        _fail(Problem("MODEL", key, error.expected, "See `pai models list`"))
    wanted: Any = dtype or spec.serve_dtype
    published: dict[WeightDtype, Checkpoint] = spec.checkpoints
    if wanted not in published:
        _fail(Problem("--dtype", dtype, f"one of {', '.join(published)}", "Name one of these"))
    return spec, published[wanted]


def _verified(folder: Path) -> Manifest:
    """The manifest of *folder*, once every byte was compared. Raises WeightsError."""
    manifest = Manifest.read(folder)
    if wrong := misplaced(folder, manifest):
        raise WeightsError("\n".join(wrong))
    with _bar("verifying") as start:
        wrong = altered(folder, manifest, start(manifest.size))
    if wrong:
        raise WeightsError("\n".join(wrong))
    return manifest


def _told(manifest: Manifest) -> str:
    commit = f"{manifest.repository} at {manifest.revision[:10]}"
    return f"{commit}, {len(manifest.files)} files, {manifest.size / 1e9:.2f} GB"


@contextmanager
def _explained() -> Generator[None]:
    """Let what a person can mend end in its text alone, with exit code 1."""
    try:
        yield
    except WeightsError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None


@contextmanager
def _bar(title: str) -> Generator[Callable[[int], Callable[[int], None]]]:
    """A progress bar on stderr: told how many bytes in all, it gives what to tell of each."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=Console(stderr=True))

    def start(total: int) -> Callable[[int], None]:
        progress.start()  # not before: an error that comes first would stand below an empty bar
        task = progress.add_task(title, total=total)
        return lambda count: progress.advance(task, count)

    try:
        yield start
    finally:
        if progress.live.is_started:
            progress.stop()


def _fail(problem: Problem) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(1)
