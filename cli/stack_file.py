"""Reading `Pulumi.<stack>.yaml` without Pulumi."""

from pathlib import Path
from typing import Any

from base.problems import ConfigError, Problem
from base.yaml_text import YamlTextError, read_mapping
from cli.errors import UsageError
from config.checks.alert_webhook import URL as WEBHOOK_URL
from config.checks.hub_access import TOKEN
from config.load import load
from config.reference import KEY
from config.stack import StackConfig
from toolchain.environment import PROJECT
from toolchain.stack_files import stack_names


def stack_file(stack: str, folder: Path | None = None) -> Path:
    """The file of *stack* in *folder*, the checkout by default.

    Raises UsageError if it does not exist.
    """
    folder = folder or PROJECT
    file = folder / f"Pulumi.{stack}.yaml"
    if stack not in (stacks := stack_names(folder)):
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

    Raises ConfigError with every problem in it, UsageError if there is no file.
    """
    settings = read_settings(stack, file)
    return load(
        settings[KEY],
        stack,
        hub_token=TOKEN in settings,
        alert_webhook_url=WEBHOOK_URL in settings,
    )


def read_settings(stack: str, file: Path | None = None) -> dict[str, Any]:
    """The section `config` of the file of *stack*, with the settings of this project in it.

    Raises ConfigError for a file that cannot be read or has none, UsageError if there is no file.
    """
    try:
        raw = read_mapping(file or stack_file(stack))
    except YamlTextError as error:
        raise ConfigError(stack, [error.problem]) from None
    settings = raw.get("config")
    if isinstance(settings, dict) and KEY in settings:
        return settings
    raise ConfigError(
        stack,
        [
            Problem(
                path=f"config.{KEY}",
                got="nothing",
                allowed="the settings of the stack, a mapping",
                change="Copy Pulumi.local.yaml or a file of examples/, and change it.",
            )
        ],
    )
