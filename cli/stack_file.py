"""Reading `Pulumi.<stack>.yaml` without Pulumi."""

from pathlib import Path
from typing import Any

import yaml

from base.problems import Problem
from cli.errors import UsageError
from config.checks.hub_access import TOKEN
from config.load import load
from config.reference import KEY
from config.stack import StackConfig
from toolchain.environment import PROJECT


def stack_file(stack: str) -> Path:
    """The file of *stack*. Raises UsageError if it does not exist."""
    file = PROJECT / f"Pulumi.{stack}.yaml"
    if not file.exists():
        stacks = sorted(path.name.split(".")[1] for path in PROJECT.glob("Pulumi.*.yaml"))
        raise UsageError(
            Problem(
                path="--stack",
                got=f"{stack}, but {file.name} does not exist",
                allowed=f"one of {', '.join(stacks)}",
                change=f"name one of them, or write {file.name}",
            )
        )
    return file


def read_stack(stack: str, file: Path | None = None) -> StackConfig:
    """The configuration of *stack*, from *file* if given.

    Raises ConfigError with every problem in it, UsageError if there is no file or it is not YAML.
    """
    source = file or stack_file(stack)
    try:
        raw: Any = yaml.safe_load(source.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UsageError(
            Problem(
                path="--config-file" if file else "--stack",
                got=f"{source.name}, which is not valid YAML: {error}",
                allowed="a stack configuration in YAML",
                change="fix the syntax at the line above",
            )
        ) from None
    settings: dict[str, Any] = (raw or {}).get("config") or {}
    return load(settings.get(KEY), stack, hub_token=TOKEN in settings)
