"""Where `pai models import` brings a model: what the stack reads from, or a folder."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NoReturn

from base.problems import ConfigError, Problem
from catalog.registry import RegistryError, docker_logins
from cli.model_import import Bucket, Folder, Mirror, Registry
from cli.stack_file import read_stack
from config.settings.model_store import HttpSource, HubSource, S3Source, Source
from config.stack import StackConfig
from sim.stacks import project_folder, stack_names
from weights import s3
from weights.files import WeightsError
from weights.manifest import Manifest
from weights.transport import Transport


def stack_config(stack: str) -> StackConfig:
    """The configuration of *stack*. Raises WeightsError with all that is wrong with it."""
    if stack not in stack_names():
        names = ", ".join(stack_names())
        _refuse("--stack", stack, f"one of {names}", "Name one of these")
    try:
        return read_stack(stack, project_folder() / f"Pulumi.{stack}.yaml")
    except ConfigError as error:
        raise WeightsError(str(error)) from None


def mirror_of(stack: str, to: Path | None, manifest: Manifest) -> Mirror:
    """Where the model of *manifest* goes: where *stack* reads from, or the folder *to*.

    Raises WeightsError where that is not said, or the stack serves no such model.
    """
    if not stack:
        if to is None:
            _refuse("--stack", "nothing", "a stack, or --to a folder", "Name one of the two")
        return Folder(to)
    config = stack_config(stack)
    _is_served(config, stack, manifest)
    store = config.model_store
    return _mirror(store.source, stack, to, _transport(store.authority))


def _mirror(source: Source, stack: str, to: Path | None, transport: Transport) -> Mirror:
    if isinstance(source, HubSource):
        _refuse(
            f"Pulumi.{stack}.yaml: model_store.source",
            f"the hub {source.endpoint}",
            "a mirror of kind http, s3 or oci: a hub is not written to",
            "Read from a mirror; docs/explanation/model-store.md shows each kind",
        )
    if isinstance(source, HttpSource):
        if to is None:
            allowed = f"the folder behind {source.url}"
            _refuse("--to", "nothing", allowed, "Name it, or a folder to copy there")
        return Folder(to)
    if isinstance(source, S3Source):
        return Bucket(s3.Place.of(source.model_dump(), _keys()), transport)
    return Registry(source.registry, source.prefix, _login(source.registry), transport)


def _is_served(config: StackConfig, stack: str, manifest: Manifest) -> None:
    stored = {
        name: (files.checkpoint.repository, files.checkpoint.revision)
        for model, settings in config.models.items()
        for name, files in {
            model: settings,
            **{f"{model} {extra}": files for extra, files in settings.extra_files.items()},
        }.items()
    }
    if (manifest.repository, manifest.revision) not in stored.values():
        wanted = ", ".join(f"{name}: {repo} at {commit}" for name, (repo, commit) in stored.items())
        _refuse(
            "DIR",
            f"{manifest.repository} at {manifest.revision}",
            f"a model of stack {stack} ({wanted})",
            "Name another folder or stack, or add the model to the stack first",
        )


def _keys() -> str:
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    access, secret = (os.environ.get(name, "") for name in names)
    if not (access and secret):
        _refuse(
            " and ".join(names),
            "nothing",
            "a key that may write to the bucket",
            "Export both",
        )
    return f"{access}:{secret}"


def _login(registry: str) -> str:
    host = registry.removeprefix("https://")
    try:
        user, password = docker_logins().get(host, ("", ""))
    except RegistryError as error:
        raise WeightsError(str(error)) from None
    return f"{user}:{password}" if user else ""


def _transport(authority: str | None) -> Transport:
    if authority is None:
        return Transport()
    with NamedTemporaryFile("w", suffix=".pem") as file:  # OpenSSL takes a file only
        file.write(authority)
        file.flush()
        return Transport(file.name)


def _refuse(path: str, got: str, allowed: str, change: str) -> NoReturn:
    raise WeightsError(str(Problem(path, got, allowed, change)))
