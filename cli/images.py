"""`pai images`: list the container images of the stack, copy them, and lock their digests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column, Table

from base.problems import Problem
from catalog import images as catalog
from catalog.load import catalog_file
from catalog.lock import write_digests
from catalog.registry import (
    RegistryError,
    resolve_digest,
    split_reference,
)
from cli.credentials import stored_logins
from cli.errors import CommandError, Commands
from cli.failures import Failure, grouped
from cli.image_mirror import copy
from cli.image_options import check_loopback, selected_images
from cli.options import Insecure, stack_option
from cli.stack_images import UsedImage, used_images

app = typer.Typer(
    cls=Commands,
    help="List the container images of the stack, copy them into a mirror, lock their digests.",
    no_args_is_help=True,
)

_TIMEOUT_SECONDS = 30.0


class Format(StrEnum):
    """How images are listed."""

    TABLE = "table"
    PLAIN = "plain"
    JSON = "json"


@app.command("list")
def list_images(
    stack: Annotated[
        str, stack_option("Stack whose images are listed, with its operators'. Default: all.")
    ] = "",
    prefix: Annotated[
        str,
        typer.Option(
            help="Registry and path of a mirror that replaces the upstream registries."
            " Default: platform.registry_prefix of the stack."
        ),
    ] = "",
    form: Annotated[
        Format,
        typer.Option(
            "--format",
            help="plain: a line for each image with its source and, with a mirror, its target.",
        ),
    ] = Format.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """List images with the reference that pods use: what a mirror must hold.

    With --stack those that the stack deploys, who uses each, and the images of the operators in
    cluster.operators, at the versions that the stack is tested with. The lines of --format plain
    are arguments of `crane copy`, `oras copy` and, with docker:// before each, `skopeo copy --all`.
    """
    mirrored, used = used_images(stack)
    mirror = (prefix or mirrored).rstrip("/")
    if as_json or form is Format.JSON:
        typer.echo(json.dumps([_row(image, mirror) for image in used], indent=2))
    elif form is Format.PLAIN:
        for image in used:
            target = f"{mirror}/{image.spec.path}:{image.spec.tag}" if mirror else ""
            typer.echo(f"{_source(image.spec)} {target}".rstrip())
    else:
        Console().print(_table(used, mirror, with_users=bool(stack)))


def _row(image: UsedImage, mirror: str) -> dict[str, object]:
    spec = image.spec
    return {
        "key": spec.key,
        "upstream": f"{spec.repository}:{spec.tag}",
        "digest": spec.digest or None,
        "image": catalog.image(spec.key, mirror),
        "operator": spec.operator or None,
        "used_by": list(image.used_by),
    }


def _source(spec: catalog.ImageSpec) -> str:
    """Its upstream reference: by digest alone where that is known, as skopeo takes not both."""
    return f"{spec.repository}@{spec.digest}" if spec.digest else f"{spec.repository}:{spec.tag}"


def _table(used: Sequence[UsedImage], mirror: str, *, with_users: bool) -> Table:
    columns = ["key", Column("image", overflow="fold"), "digest"]
    table = Table(*columns, *([Column("used by", overflow="fold")] if with_users else []))
    for image in used:
        spec = image.spec
        name = f"{catalog.repository(spec, mirror)}:{spec.tag}"
        users = [", ".join(image.used_by)] if with_users else []
        table.add_row(spec.key, name, spec.digest[7:19] or "not locked", *users)
    return table


app.command()(copy)


@app.command()
def lock(
    keys: Annotated[
        list[str] | None, typer.Argument(help="Image keys, as in `pai images list`. Default: all.")
    ] = None,
    *,
    stack: Annotated[
        str, stack_option("Stack whose images are locked, with its operators'. Default: all.")
    ] = "",
    registry_prefix: Annotated[
        str,
        typer.Option(
            help="Registry and path of a mirror to query instead of upstream."
            " Default: platform.registry_prefix of the stack."
        ),
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Compare only; exit 1 if a digest differs.")
    ] = False,
    insecure: Insecure = False,
) -> None:
    """Resolve the digest of each tag and write it to catalog/images.yaml.

    Uses the logins of `docker login`. If one image fails, nothing is
    written.
    """
    mirror, specs = selected_images(stack, keys or [])
    prefix = registry_prefix or mirror
    if insecure:
        check_loopback("--registry-prefix", prefix)
    digests, problems = _resolve(specs, prefix, plain_http=insecure)
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


def _resolve(
    specs: list[catalog.ImageSpec], prefix: str, *, plain_http: bool
) -> tuple[Mapping[str, str], list[Problem]]:
    """The digest of each image whose registry returned one, and the problems of the others."""
    digests: dict[str, str] = {}
    failures: list[Failure] = []
    logins = stored_logins()
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
            host = split_reference(repository)[0]
            progress.update(task, description=spec.key)
            if given_up := next((f for f in failures if f.whole_host and f.host == host), None):
                failures.append(replace(given_up, subject=spec.key))
                continue
            try:
                digests[spec.key] = resolve_digest(
                    client, repository, spec.tag, logins=logins, plain_http=plain_http
                )
            except RegistryError as error:
                got, change, whole_host = error.failure
                if whole_host and not prefix:
                    change += ", or lock from a mirror with --registry-prefix"
                allowed = f"the digest of {repository}:{spec.tag}"
                failures.append(Failure(spec.key, host, got, allowed, change, whole_host))
            progress.advance(task)
    return digests, grouped(failures, "the digests of")
