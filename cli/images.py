"""`pai images`: the container images of the stack, and their digests."""

import json
from collections.abc import Mapping
from typing import Annotated, NoReturn

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

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

app = typer.Typer(
    help="Container images: which versions, from where, pinned by which digest.",
    no_args_is_help=True,
)

_TIMEOUT_SECONDS = 30.0


@app.command("list")
def list_images(
    prefix: Annotated[
        str,
        typer.Option(
            help="Registry and path of a mirror, in the place of every upstream registry."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """Print every image with the reference that pods get: what a mirror has to hold."""
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
        list[str] | None, typer.Argument(help="Keys of `pai images list`; all without any.")
    ] = None,
    registry_prefix: Annotated[
        str, typer.Option(help="Ask a mirror below this registry and path, not upstream.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Compare and write nothing; exits 1 on a difference.")
    ] = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Plain HTTP, to a registry on this machine only.")
    ] = False,
) -> None:
    """Ask the registries which digest each tag has, and write it into the catalog.

    Uses the logins of `docker login` where they are in its config.json. Writes all of them or,
    when one fails, nothing.
    """
    console = Console(stderr=True, soft_wrap=True)
    specs = _chosen(console, keys or [])
    if insecure and not is_loopback(split_reference(registry_prefix)[0]):
        _fail(
            console,
            [
                _four(
                    "--insecure",
                    f"with registry {registry_prefix or 'upstream'!r}",
                    "a --registry-prefix on this machine, like localhost:5000",
                    "Leave it out: other registries are asked over HTTPS",
                )
            ],
        )
    found, problems = _ask(console, specs, registry_prefix, plain_http=insecure)
    changed = {
        key: digest for key, digest in found.items() if digest != catalog.image_spec(key).digest
    }
    if check:
        problems += [
            _four(
                f"catalog/images.yaml: {spec.key}.digest",
                spec.digest or "nothing",
                changed[spec.key],
                f"Run `pai images lock {spec.key}`, after finding out why the tag moved",
            )
            for spec in specs
            if spec.key in changed
        ]
    if problems:
        _fail(console, problems, "" if check else "Nothing was written.")
    if not changed:
        typer.echo(f"{len(specs)} images, every digest as locked")
        return
    try:
        write_digests(catalog_file(catalog.IMAGES_FILE), changed)
    except OSError as error:
        _fail(
            console,
            [
                _four(
                    "catalog/images.yaml",
                    f"cannot be written ({error.strerror})",
                    "a file that you may write",
                    "Run this in a checkout of your own",
                )
            ],
        )
    for key, digest in changed.items():
        typer.echo(f"{key} {digest}")


def _chosen(console: Console, keys: list[str]) -> list[catalog.ImageSpec]:
    problems: list[str] = []
    specs: list[catalog.ImageSpec] = []
    for key in keys or catalog.images():
        try:
            specs.append(catalog.image_spec(key))
        except UnknownEntryError as error:
            problems.append(_four("KEY", error.got, ", ".join(error.allowed), error.change))
    if problems:
        _fail(console, problems)
    return specs


def _ask(
    console: Console, specs: list[catalog.ImageSpec], prefix: str, *, plain_http: bool
) -> tuple[Mapping[str, str], list[str]]:
    """The digest of each image that a registry told, and a problem for each that none did."""
    found: dict[str, str] = {}
    problems: list[str] = []
    logins = _logins(console)
    columns = (
        TextColumn("asking for {task.description}"),
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
                found[spec.key] = resolve_digest(
                    client, repository, spec.tag, logins=logins, plain_http=plain_http
                )
            except RegistryError as error:
                problems.append(
                    _four(
                        spec.key,
                        error.failure.got,
                        f"the digest of {repository}:{spec.tag}",
                        error.failure.change,
                    )
                )
            progress.advance(task)
    return found, problems


def _logins(console: Console) -> Mapping[str, Credentials]:
    try:
        return docker_logins()
    except RegistryError as error:
        _fail(
            console,
            [
                _four(
                    "config.json",
                    error.failure.got,
                    "what `docker login` writes",
                    error.failure.change,
                )
            ],
        )


def _four(field: str, got: str, allowed: str, change: str) -> str:
    return f"{field}\n  got:     {got}\n  allowed: {allowed}\n  change:  {change}"


def _fail(console: Console, problems: list[str], last: str = "") -> NoReturn:
    for text in [*problems, *([last] if last else [])]:
        console.print(text, style="red", markup=False, highlight=False)
    raise typer.Exit(1)
