"""`pai images`: list the container images of the stack and lock their digests."""

import json
from collections.abc import Mapping
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from base.problems import Problem
from catalog import images as catalog
from catalog.load import UnknownEntryError, catalog_file
from catalog.lock import write_digests
from catalog.registry import (
    Credentials,
    RegistryError,
    docker_logins,
    is_loopback,
    resolve_digest,
    split_reference,
)
from cli.errors import CommandError, Commands

app = typer.Typer(
    cls=Commands,
    help="List the container images of the stack and lock their digests.",
    no_args_is_help=True,
)

_TIMEOUT_SECONDS = 30.0


@app.command("list")
def list_images(
    prefix: Annotated[
        str,
        typer.Option(help="Registry and path of a mirror that replaces the upstream registries."),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every image with the reference that pods use: what a mirror must hold."""
    specs = list(catalog.images().values())
    if as_json:
        rows = [
            {
                "key": spec.key,
                "upstream": f"{spec.repository}:{spec.tag}",
                "digest": spec.digest or None,
                "image": catalog.image(spec.key, prefix),
            }
            for spec in specs
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("key", Column("image", overflow="fold"), "digest")
    for spec in specs:
        name = f"{catalog.repository(spec, prefix)}:{spec.tag}"
        table.add_row(spec.key, name, spec.digest[7:19] or "not locked")
    Console().print(table)


@app.command()
def lock(
    keys: Annotated[
        list[str] | None, typer.Argument(help="Image keys, as in `pai images list`. Default: all.")
    ] = None,
    registry_prefix: Annotated[
        str, typer.Option(help="Registry and path of a mirror to query instead of upstream.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Compare only; exit 1 if a digest differs.")
    ] = False,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Use plain HTTP; only on this machine."),
    ] = False,
) -> None:
    """Resolve the digest of each tag and write it to catalog/images.yaml.

    Uses the logins that `docker login` keeps in config.json. If one image fails, nothing is
    written.
    """
    specs = _chosen(keys or [])
    if insecure and not is_loopback(split_reference(registry_prefix)[0]):
        raise CommandError(
            Problem(
                path="--insecure",
                got=f"registry {registry_prefix or 'upstream'!r}",
                allowed="a --registry-prefix on this machine, like localhost:5000",
                change="remove --insecure: other registries are queried over HTTPS",
            )
        )
    digests, problems = _resolve(specs, registry_prefix, plain_http=insecure)
    changed = {
        key: digest for key, digest in digests.items() if digest != catalog.image_spec(key).digest
    }
    if check:
        problems += [
            Problem(
                path=f"catalog/images.yaml: {spec.key}.digest",
                got=spec.digest or "nothing",
                allowed=changed[spec.key],
                change=f"find out why the tag moved, then run `pai images lock {spec.key}`",
            )
            for spec in specs
            if spec.key in changed
        ]
    if problems:
        raise CommandError(*problems, foot="" if check else "Nothing was written.")
    if not changed:
        typer.echo(f"{len(specs)} images, every digest as locked")
        return
    try:
        write_digests(catalog_file(catalog.IMAGES_FILE), changed)
    except OSError as error:
        raise CommandError(
            Problem(
                path="catalog/images.yaml",
                got=f"cannot be written ({error.strerror})",
                allowed="a file that you may write",
                change="run this in a checkout of your own",
            )
        ) from None
    for key, digest in changed.items():
        typer.echo(f"{key} {digest}")


def _chosen(keys: list[str]) -> list[catalog.ImageSpec]:
    problems: list[Problem] = []
    specs: list[catalog.ImageSpec] = []
    for key in keys or catalog.images():
        try:
            specs.append(catalog.image_spec(key))
        except UnknownEntryError as error:
            problems.append(Problem("KEY", error.got, ", ".join(error.allowed), error.change))
    if problems:
        raise CommandError(*problems)
    return specs


def _resolve(
    specs: list[catalog.ImageSpec], prefix: str, *, plain_http: bool
) -> tuple[Mapping[str, str], list[Problem]]:
    """The digest of each image whose registry returned one, and a problem for each other."""
    digests: dict[str, str] = {}
    problems: list[Problem] = []
    logins = _logins()
    console = Console(stderr=True)
    columns = (
        TextColumn("Resolving {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with (
        Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        ) as progress,
        httpx.Client(timeout=_TIMEOUT_SECONDS, follow_redirects=True) as client,
    ):
        task = progress.add_task("", total=len(specs))
        for spec in specs:
            repository = catalog.repository(spec, prefix)
            progress.update(task, description=spec.key)
            try:
                digests[spec.key] = resolve_digest(
                    client, repository, spec.tag, logins=logins, plain_http=plain_http
                )
            except RegistryError as error:
                expected = f"the digest of {repository}:{spec.tag}"
                problems.append(_problem(spec.key, error, expected))
            progress.advance(task)
    return digests, problems


def _logins() -> Mapping[str, Credentials]:
    try:
        return docker_logins()
    except RegistryError as error:
        raise CommandError(
            _problem("config.json", error, "the file that `docker login` writes")
        ) from None


def _problem(path: str, error: RegistryError, allowed: str) -> Problem:
    return Problem(path, error.failure.got, allowed, error.failure.change)
