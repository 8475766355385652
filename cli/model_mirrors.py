"""The target of `pai models import`: the mirror that a stack reads from, or a folder."""

from pathlib import Path
from typing import NoReturn

from base.problems import Problem
from cli.bucket_upload import Bucket
from cli.credentials import BUCKET_KEYS, authority_file, bucket_keys, login
from cli.errors import CommandError
from cli.model_import import Folder, Mirror
from cli.registry_upload import Registry
from cli.stack_file import read_stack, stack_file
from config.settings.model_store import HttpSource, HubSource, S3Source, Source
from config.stack import StackConfig
from sim.stacks import project_folder
from weights import s3
from weights.manifest import Manifest
from weights.transport import Transport


def stack_config(stack: str) -> StackConfig:
    """The configuration of *stack*. Raises ProblemError with every problem in it."""
    return read_stack(stack, stack_file(stack, project_folder()))


def mirror_of(stack: str, to: Path | None, manifest: Manifest) -> Mirror:
    """The target for the model of *manifest*: the mirror of *stack*, or the folder *to*.

    Raises ProblemError if neither is given, or if the stack does not serve the model.
    """
    if not stack:
        if to is None:
            _refuse("--stack", "nothing", "a stack, or a folder as --to", "pass one of both")
        return Folder(to)
    config = stack_config(stack)
    _check_served(config, stack, manifest)
    store = config.model_store
    with authority_file(store.authority) as authority:
        transport = Transport(authority)
    return _mirror(store.source, stack, to, transport)


def _mirror(source: Source, stack: str, to: Path | None, transport: Transport) -> Mirror:
    if isinstance(source, HubSource):
        _refuse(
            f"Pulumi.{stack}.yaml: model_store.source",
            f"the hub {source.endpoint}",
            "a mirror of kind http, s3 or oci: a hub is read-only",
            "configure a mirror; docs/explanation/model-store.md shows each kind",
        )
    if isinstance(source, HttpSource):
        if to is None:
            allowed = f"the folder that {source.url} serves"
            _refuse("--to", "nothing", allowed, "pass it, or a folder to copy there")
        return Folder(to)
    if isinstance(source, S3Source):
        return Bucket(s3.S3Location.of(source.model_dump(), _keys()), transport)
    return Registry(source.registry, source.prefix, login(source.registry), transport)


def _check_served(config: StackConfig, stack: str, manifest: Manifest) -> None:
    stored = {
        name: (files.checkpoint.repository, files.checkpoint.revision)
        for model, settings in config.models.items()
        for name, files in {
            model: settings,
            **{f"{model} {extra}": files for extra, files in settings.extra_files.items()},
        }.items()
    }
    if (manifest.repository, manifest.revision) not in stored.values():
        served = ", ".join(f"{name}: {repo} at {commit}" for name, (repo, commit) in stored.items())
        _refuse(
            "DIR",
            f"{manifest.repository} at {manifest.revision}",
            f"a model of stack {stack} ({served})",
            "pass another folder or stack, or add the model to the stack first",
        )


def _keys() -> str:
    keys = bucket_keys()
    if not keys:
        path, allowed = " and ".join(BUCKET_KEYS), "a key that may write to the bucket"
        _refuse(path, "nothing", allowed, "export both")
    return keys


def _refuse(path: str, got: str, allowed: str, change: str) -> NoReturn:
    raise CommandError(Problem(path, got, allowed, change)) from None
