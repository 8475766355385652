"""`pai models pin`: find the commits and digests of models, and write them into a stack's file."""

import difflib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import TypeAdapter, ValidationError

from base.problems import Problem
from base.replace import replace_text
from base.units import GB
from cli.credentials import authority_file
from cli.errors import CommandError, UsageError
from cli.exit_codes import ExitCode
from cli.failures import Failure, grouped
from cli.model_commits import HubOrigin, MirrorOrigin, NotFoundError, Origin, Pinned
from cli.model_origin import HUB, check_https, credential
from cli.model_targets import Target, chosen, read_stack_weights, repositories
from cli.options import AsJson, stack_option
from cli.yaml_edit import NotEditableError, Value, lines, with_keys
from config.reference import KEY
from config.settings.model_store import HubSource, ModelStoreSettings
from config.settings.vllm import COMMIT, Sha256Digests
from weights.transport import Transport

_AFTER = ("model", "dtype", "repository")
"""Keys of a model after which its commit is written."""


class From(StrEnum):
    """Where commits are looked up."""

    HUB = "hub"
    MIRROR = "mirror"


def pin(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help="Model of the stack, key of the catalog, or ORGANIZATION/NAME.",
        ),
    ] = None,
    *,
    stack: Annotated[
        str,
        stack_option("Stack whose file is written. Default: none, the lines are printed."),
    ] = "",
    config_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="File to write. Default: Pulumi.STACK.yaml."
        ),
    ] = None,
    unpinned: Annotated[
        bool, typer.Option("--all", help="Every model of the stack without a commit.")
    ] = False,
    source: Annotated[
        From | None,
        typer.Option("--from", help="Where to look. Default: what the stack downloads from."),
    ] = None,
    revision: Annotated[
        str,
        typer.Option(help="Branch, tag or commit. Default: main; of a mirror, what it has."),
    ] = "",
    endpoint: Annotated[
        str,
        typer.Option(envvar="HF_ENDPOINT", help="URL of another hub than the public one."),
    ] = "",
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; exit 1 if something would be written."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find the commit of models and the SHA-256 of their files; write both into the stack's file.

    With --all, every model that has no commit. Goes on after a failure, and lists failures by host.
    Without --stack the lines are printed, to be pasted. Uses HF_TOKEN or the login of
    `hf auth login` for the hub; PAI_MODEL_STORE_CREDENTIAL, AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY, or `docker login` for a mirror.

    Exit codes: 0 written, or nothing to write; 1 a model could not be pinned, or with --check one
    would be; 2 usage error.
    """
    found = read_stack_weights(stack, config_file) if stack or config_file else None
    targets = chosen(found, names or [], unpinned=unpinned)
    asked = repositories(targets)
    if COMMIT.match(revision) and len(asked) > 1:
        allowed = f"a branch, since a commit belongs to one of {', '.join(asked)}"
        _refuse("--revision", revision, allowed, "name one model, or a branch")
    store = found.store if found else None
    with authority_file(store.authority if store else None) as authority:
        origin = _origin(store, source, endpoint, authority)
        pins, failures = _ask(origin, targets, revision)
    text = _text(found.file) if found else ""
    after, failed = _written(text, pins) if found else (text, [])
    failures += failed
    for failure in failed:
        del pins[failure.subject]
    if found and after != text and not check:
        _write(found.file, after)
    changed = after != text
    if as_json:
        file = str(found.file) if found else None
        typer.echo(
            json.dumps(_document(file, pins, failures, written=changed and not check), indent=2)
        )
    else:
        _show(found.file.name if found else "", text, after, pins)
    if failures and as_json:
        raise typer.Exit(ExitCode.FAILED)  # they are in the document
    if failures:
        problems = grouped(failures, "a commit and files of each of")
        foot = "" if not pins else f"Pinned all the same: {', '.join(pins)}."
        raise CommandError(*problems, foot=foot)
    if check and changed:
        raise typer.Exit(ExitCode.FAILED)


# Asking


def _origin(
    store: ModelStoreSettings | None, source: From | None, endpoint: str, authority: str
) -> Origin:
    stored = store.source if store else HubSource()
    mirrored = not isinstance(stored, HubSource)
    if source is From.MIRROR and not mirrored:
        where = "model_store.source is a hub" if store else "no --stack"
        _refuse("--from", f"mirror, and {where}", "hub, or a stack with a mirror", "use --from hub")
    if mirrored and source is not From.HUB:
        return MirrorOrigin(stored, authority, credential(stored))
    own = stored.endpoint if isinstance(stored, HubSource) else HUB
    url = (endpoint or own).rstrip("/")
    check_https(url)
    # The authority is the store's own, and no other server's.
    transport = Transport(authority if url == own and not mirrored else "")
    return HubOrigin(url, transport, _token(url), lambda line: typer.echo(line, err=True))


def _token(url: str) -> str:
    """HF_TOKEN; for the public hub alone, else the token of `hf auth login`."""
    if token := os.environ.get("HF_TOKEN", ""):
        return token
    if url != HUB:
        return ""
    from huggingface_hub import get_token

    return get_token() or ""


def _ask(
    origin: Origin, targets: Sequence[Target], revision: str
) -> tuple[dict[str, tuple[Target, Pinned]], list[Failure]]:
    """What *origin* has of each target, by its name; and what it does not."""
    pins: dict[str, tuple[Target, Pinned]] = {}
    failures: list[Failure] = []
    for target in targets:
        if given_up := next((failure for failure in failures if failure.whole_host), None):
            failures.append(replace(given_up, subject=target.name))
            continue
        try:
            pins[target.name] = (target, origin.pin(target.wanted(revision)))
        except NotFoundError as error:
            failures.append(replace(error.failure, subject=target.name))
    return pins, failures


# Writing


def _keys(target: Target, pinned: Pinned) -> dict[str, Value]:
    """The keys to write. Digests that do not fit into a stack are left to the source."""
    digests = {file.name: file.sha256 for file in sorted(pinned.files, key=lambda f: f.name)}
    try:
        TypeAdapter(Sha256Digests).validate_python(digests)
    except ValidationError:
        digests = {}
    keys: dict[str, Value] = {"revision": pinned.revision}
    if digests and digests != target.sha256:
        keys["sha256"] = digests
    return keys


def _written(text: str, pins: Mapping[str, tuple[Target, Pinned]]) -> tuple[str, list[Failure]]:
    """*text* with *pins* in it, and those that cannot be set in it."""
    failures: list[Failure] = []
    for name, (target, pinned) in pins.items():
        keys = _keys(target, pinned)
        try:
            text = with_keys(text, ("config", KEY, *target.path), keys, _AFTER)
        except NotEditableError:
            failures.append(
                Failure(
                    name,
                    ".".join(target.path),
                    "settings that cannot be changed in place, such as an anchor",
                    "a mapping of its own in the file",
                    f"write it yourself: revision: {pinned.revision}",
                )
            )
    return text, failures


def _text(file: Path) -> str:
    with file.open(encoding="utf-8", newline="") as content:
        return content.read()


def _write(file: Path, text: str) -> None:
    try:
        replace_text(file.resolve(), text)
    except OSError as error:
        raise CommandError(
            Problem(
                path=str(file),
                got=f"cannot be written ({error.strerror})",
                allowed="a file that you may write",
                change="correct its permissions, or use --check and paste the difference",
            )
        ) from None


def _show(file: str, before: str, after: str, pins: Mapping[str, tuple[Target, Pinned]]) -> None:
    for name, (target, pinned) in pins.items():
        size = f"{len(pinned.files)} files, {pinned.size / GB:.2f} GB"
        typer.echo(f"{name}: {pinned.repository} at {pinned.revision}, {size}")
        if pinned.renamed:
            typer.echo(f"  the hub calls it {pinned.renamed} now, and redirects the old name")
        if not file:
            typer.echo(lines(_keys(target, pinned), "  "))
    if file and before == after:
        typer.echo(f"{file}: unchanged")
    if not file or before == after:
        return
    diff = difflib.unified_diff(
        before.splitlines(), after.splitlines(), file, file, n=1, lineterm=""
    )
    typer.echo("\n".join(diff))


def _document(
    file: str | None,
    pins: Mapping[str, tuple[Target, Pinned]],
    failures: Sequence[Failure],
    *,
    written: bool,
) -> dict[str, Any]:
    """The content of `--json`."""
    return {
        "file": file,
        "written": written,
        "pinned": [
            {
                "name": name,
                "repository": pinned.repository,
                "renamed": pinned.renamed or None,
                "previous": target.named or target.checkpoint.revision or None,
                "revision": pinned.revision,
                "bytes": pinned.size,
                "sha256": {file.name: file.sha256 for file in pinned.files},
            }
            for name, (target, pinned) in pins.items()
        ],
        "failed": [
            {"name": f.subject, "host": f.host, "got": f.got, "change": f.change} for f in failures
        ],
    }


def _refuse(path: str, got: str, allowed: str, change: str) -> NoReturn:
    raise UsageError(Problem(path, got, allowed, change)) from None
