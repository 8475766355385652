"""`pai models`: list the catalog; pin, fetch, verify and import weights."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

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
from base.units import GB
from catalog.load import UnknownEntryError
from catalog.models import Checkpoint, ModelSpec, WeightDtype, model, models
from cli.bars import gigabytes
from cli.errors import CommandError, Commands
from cli.model_mirrors import mirror_of, stack_config
from cli.model_pin import pin
from cli.options import AsJson, stack_option
from config.checks.hub_access import is_gated
from config.settings.vllm import COMMIT
from weights.errors import Fault, WeightsError
from weights.files import FileSelection
from weights.manifest import Manifest, check_digests, check_layout

app = typer.Typer(
    cls=Commands,
    help="List the models of the catalog; pin, fetch, verify and import their weights.",
    no_args_is_help=True,
)


@dataclass(frozen=True)
class _Row:
    """A published checkpoint; its fields are the keys of the JSON."""

    key: str
    dtype: str
    parameters: int
    repository: str
    revision: str | None
    """The pinned commit; None if the catalog has none."""
    bytes: int | None
    """Published size; None if unknown."""
    license: str
    gated: bool
    served_as: list[str]
    """Names under which the stack serves it; empty if it does not."""


@app.command("list")
def list_models(
    stack: Annotated[str, stack_option("Stack whose served models are shown.")] = "local",
    as_json: AsJson = False,
) -> None:
    """List every checkpoint of the catalog, and which of them the stack serves."""
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
            gigabytes(row.bytes) if row.bytes else "unknown",
            f"{row.license}{' (gated)' if row.gated else ''}",
            (row.revision or "not pinned")[:10],
            ", ".join(row.served_as),
        )
    Console().print(table)


@app.command()
def fetch(
    key: Annotated[str, typer.Argument(metavar="MODEL", help="Key, as in `pai models list`.")],
    *,
    to: Annotated[Path, typer.Option(help="Folder to create; its parent must exist.")],
    dtype: Annotated[
        str, typer.Option(help="Data type of the weights. Default: the model's own.")
    ] = "",
    repository: Annotated[str, typer.Option(help="Repository to use instead of the catalog's.")] = (
        ""
    ),
    revision: Annotated[str, typer.Option(help="Commit to use instead of the catalog's.")] = "",
    endpoint: Annotated[str, typer.Option(help="URL of another hub than the public one.")] = "",
    allow: Annotated[
        list[str] | None,
        typer.Option(help="Pickle file to accept by name; repeatable."),
    ] = None,
) -> None:
    """Download a commit into a folder and verify it; resume an interrupted download.

    Uses HF_TOKEN or the token of `hf auth login`, and respects HTTPS_PROXY and SSL_CERT_FILE.
    """
    spec, checkpoint = _checkpoint(key, dtype)
    commit = revision or ("" if repository else checkpoint.revision)
    if COMMIT.match(commit) is None:
        raise CommandError(
            Problem(
                "--revision",
                commit or "nothing, and the catalog has no commit",
                "a commit of 40 hexadecimal digits: branches and tags move",
                f"find it with `pai models pin {repository or key}`",
            )
        )
    # Takes a second to import, and only this command needs it.
    from cli.model_fetch import FetchRequest, fetch

    only = [] if repository else checkpoint.selection().only
    selection = FileSelection(only, allow or [])
    request = FetchRequest(repository or checkpoint.repository, commit, selection)
    with _bar(f"Fetching {spec.key} {commit[:10]}") as start:
        manifest = fetch(request, to, endpoint or None, start)
    typer.echo(f"{to}: {_summary(manifest)}, verified")


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with a manifest.json.")],
) -> None:
    """Compare every byte of a model with its manifest; name each wrong file and exit 1."""
    with _disk():
        typer.echo(f"{folder}: {_summary(_verified(folder))}, verified")


@app.command("import")
def import_model(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder from `pai models fetch`.")],
    stack: Annotated[str, stack_option("Stack whose model_store.source receives the model.")] = "",
    to: Annotated[
        Path | None, typer.Option(help="Folder that a web server serves, for kind: http.")
    ] = None,
) -> None:
    """Verify a folder and upload it to the mirror that an air-gapped stack reads.

    A bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a registry a `docker login`.
    """
    with _disk():
        _check_plain(folder)
        mirror = mirror_of(stack, to, Manifest.read(folder))
        manifest = _verified(folder)
        with _bar("Uploading") as start:
            target = mirror.upload(manifest, folder, start(manifest.size))
    typer.echo(f"{target}: {_summary(manifest)}")


app.command("pin")(pin)


def _checkpoint(key: str, dtype: str) -> tuple[ModelSpec, Checkpoint]:
    try:
        spec = model(key)
    except UnknownEntryError as error:
        raise CommandError(Problem("MODEL", key, error.expected, "see `pai models list`")) from None
    selected: Any = dtype or spec.serve_dtype
    published: dict[WeightDtype, Checkpoint] = spec.checkpoints
    if selected not in published:
        allowed = f"one of {', '.join(published)}"
        raise CommandError(Problem("--dtype", dtype, allowed, "name one of these"))
    return spec, published[selected]


def _check_plain(folder: Path) -> None:
    """Refuse links, which lead out of *folder*, and pipes, which never end. Raises WeightsError."""
    if faults := [
        Fault(str(path), "a link or a device", "files and folders alone", "delete it")
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not (path.is_file() or path.is_dir())
    ]:
        raise WeightsError(*faults)


def _verified(folder: Path) -> Manifest:
    """The manifest of *folder*, after comparing every byte. Raises WeightsError."""
    _check_plain(folder)
    manifest = Manifest.read(folder)
    faults = check_layout(folder, manifest)
    if not faults:
        with _bar("Verifying") as start:
            faults = check_digests(folder, manifest, start(manifest.size))
    if faults:
        raise WeightsError(*faults)
    return manifest


@contextmanager
def _disk() -> Generator[None]:
    """Turns what disks and networks refuse into a problem."""
    try:
        yield
    except OSError as error:
        path = str(error.filename or getattr(error, "reason", "") or "the mirror")
        got = error.strerror or type(error).__name__
        allowed = "a folder that can be read, and a mirror that can be written"
        change = "check the path, the disk and the network, then run the command again"
        raise CommandError(Problem(path, got, allowed, change)) from None


def _summary(manifest: Manifest) -> str:
    commit = f"{manifest.repository} at {manifest.revision[:10]}"
    return f"{commit}, {len(manifest.files)} files, {manifest.size / GB:.2f} GB"


@contextmanager
def _bar(title: str) -> Generator[Callable[[int], Callable[[int], None]]]:
    """A progress bar on stderr; yields a function from the total bytes to the one that advances."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=Console(stderr=True))

    def start(total: int) -> Callable[[int], None]:
        progress.start()  # not before, or an early error would follow an empty bar
        task = progress.add_task(title, total=total)
        return lambda count: progress.advance(task, count)

    try:
        yield start
    finally:
        if progress.live.is_started:
            progress.stop()
