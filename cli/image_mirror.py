"""`pai images copy`: copy the images of a stack into a mirror."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from base.problems import Problem
from catalog.images import ImageSpec
from catalog.registry import split_reference
from cli.credentials import stored_logins
from cli.errors import CommandError, UsageError
from cli.exit_codes import ExitCode
from cli.failures import Failure, grouped
from cli.image_copy import Copied, Copy, CopyError, Mirror, OnProgress
from cli.image_options import check_loopback, selected_images
from cli.options import AsJson, Insecure, stack_option
from weights.transport import Transport


def copy(
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY", help="Image keys, as in `pai images list`. Default: all."),
    ] = None,
    *,
    stack: Annotated[
        str, stack_option("Stack whose images are copied, with its operators'. Default: all.")
    ] = "",
    to: Annotated[
        str,
        typer.Option(
            metavar="REGISTRY/PREFIX",
            help="Mirror. Default: platform.registry_prefix of the stack.",
        ),
    ] = "",
    platform: Annotated[
        str,
        typer.Option(
            help="The only platform to copy, such as linux/amd64. Its digest is another than that"
            " of all platforms, which is copied by default."
        ),
    ] = "",
    insecure: Insecure = False,
    as_json: AsJson = False,
) -> None:
    """Copy images into a mirror, with their digests. What the mirror has is not sent again.

    Uses the logins of `docker login`, each for its own registry. Goes on
    after a failure, and lists failures by host; run again, it goes on where it was.

    Exit codes: 0 all are in the mirror, 1 one is not, 2 usage error.
    """
    mirrored, specs = selected_images(stack, keys or [])
    prefix = (to or mirrored).rstrip("/")
    host = split_reference(prefix)[0]
    if not host or "://" in prefix:
        allowed = "a registry with a path, such as registry.example.org/mirror"
        raise UsageError(Problem("--to", to or "nothing", allowed, "pass the registry's name"))
    if insecure:
        check_loopback("--to", prefix)
    mirror = Mirror(prefix, stored_logins(), Transport(), insecure, platform)
    copied, failures = _copied(specs, mirror, quiet=as_json)
    if as_json:
        failed = [
            {"key": f.subject, "host": f.host, "got": f.got, "change": f.change} for f in failures
        ]
        typer.echo(json.dumps({"copied": [asdict(c) for c in copied], "failed": failed}, indent=2))
    if failures and as_json:
        raise typer.Exit(ExitCode.FAILED)  # they are in the document
    if failures:
        foot = f"{len(copied)} of {len(specs)} images are in the mirror."
        raise CommandError(*grouped(failures, "a copy of each of"), foot=foot)
    locked = {spec.key: spec.digest for spec in specs}
    moved = [c.key for c in copied if c.digest != (locked[c.key] or c.digest)]
    if moved and not as_json:
        typer.echo(f"Other digests than locked: {', '.join(moved)}. Lock those of the mirror:")
        typer.echo(f"pai images lock --registry-prefix {prefix} {' '.join(moved)}")


def _copied(
    specs: Sequence[ImageSpec], mirror: Mirror, *, quiet: bool
) -> tuple[list[Copied], list[Failure]]:
    """The images that are in *mirror* now, and the failures of the others."""
    copied: list[Copied] = []
    failures: list[Failure] = []
    have: dict[str, str] = {}
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    hidden = quiet or not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        for spec in specs:
            hosts = {split_reference(spec.repository)[0], split_reference(mirror.prefix)[0]}
            given_up = next((f for f in failures if f.whole_host and f.host in hosts), None)
            if given_up:
                failures.append(replace(given_up, subject=spec.key))
                continue
            task = progress.add_task(spec.key, total=None)

            def start(size: int, task: TaskID = task) -> OnProgress:
                progress.update(task, total=size)
                return lambda count: progress.advance(task, count)

            try:
                done = Copy(spec, mirror, progress.console.print).run(have, start)
            except CopyError as error:
                failures.append(error.failure)
            else:
                copied.append(done)
                if not quiet:
                    typer.echo(_line(done))
            progress.remove_task(task)
    return copied, failures


def _line(done: Copied) -> str:
    size = f"{done.bytes / 1e6:.0f} MB"
    sent = f"{size}, {done.sent / 1e6:.0f} sent" if done.sent else f"{size}, there already"
    return f"{done.key}  {done.target}@{done.digest}  {sent}"
