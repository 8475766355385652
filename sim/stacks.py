"""The cluster that each stack of the project expects, from its YAML file."""

from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from base.problems import Problem
from config.settings.cluster import ClusterConfig
from sim.errors import SimError
from toolchain import stack_files

_KEY = "private-ai:stack"


def project_folder() -> Path:
    """The folder of Pulumi.yaml: the working directory or a parent, else this checkout."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").exists():
            return folder
    return Path(__file__).resolve().parents[1]


def stack_names() -> list[str]:
    """The names of the stacks that have a file."""
    return stack_files.stack_names(project_folder())


def cluster_of(stack: str, config_file: Path | None = None) -> ClusterConfig:
    """The `cluster` section of the stack's file; the other sections are not read.

    The file is Pulumi.<stack>.yaml unless *config_file* is given. Raises SimError if the stack, the
    file, the section or a value in it is wrong.
    """
    file = config_file or project_folder() / f"Pulumi.{stack}.yaml"
    if config_file is not None and not config_file.is_file():
        raise SimError(
            Problem(
                path="--config-file",
                got=f"{config_file}, which is not a file",
                allowed="the configuration of a stack",
                change="pass an existing file, such as one in examples/",
            )
        )
    if config_file is None and stack not in stack_names():
        raise SimError(
            Problem(
                path="--stack",
                got=stack,
                allowed=f"one of {', '.join(stack_names()) or 'the Pulumi.<stack>.yaml files'}",
                change=f"name one of these, or write {file.name}",
            )
        )
    content = yaml.safe_load(file.read_text()) or {}
    section = ((content.get("config") or {}).get(_KEY) or {}).get("cluster")
    if section is None:
        raise SimError(
            Problem(
                path=f"{file.name}: config.{_KEY}.cluster",
                got="nothing",
                allowed="the context, identifier, nodes and storage_classes of the stack's cluster",
                change="add the section; docs/explanation/simulation.md shows one",
            )
        )
    try:
        return ClusterConfig.model_validate(section)
    except ValidationError as invalid:
        problems = [
            Problem(
                path=f"{file.name}: config.{_KEY}.cluster{_path(error['loc'])}",
                got=repr(error["input"]),
                allowed=error["msg"],
                change="correct it; docs/explanation/simulation.md lists the fields",
            )
            for error in invalid.errors()
        ]
        raise SimError(*problems) from None


def is_disposable(stack: str, config_file: Path | None = None) -> bool:
    """Whether the stack may be lost: its file says so, or is an example."""
    file = config_file or project_folder() / f"Pulumi.{stack}.yaml"
    content = yaml.safe_load(file.read_text()) if file.is_file() else None
    platform = ((content or {}).get("config") or {}).get(_KEY, {}).get("platform") or {}
    return file.parent.name == "examples" or platform.get("disposable") is True


def _path(location: Sequence[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
