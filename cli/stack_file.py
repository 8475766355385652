"""Reading `Pulumi.<stack>.yaml` without Pulumi."""

from pathlib import Path

from base.problems import ConfigError, Problem
from base.yaml_text import YamlTextError, read_mapping
from cli.errors import UsageError
from config.checks.alert_webhook import URL as WEBHOOK_URL
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

    Raises ConfigError with every problem in it, UsageError if there is no file.
    """
    source = file or stack_file(stack)
    try:
        raw = read_mapping(source)
    except YamlTextError as error:
        raise ConfigError(stack, [error.problem]) from None
    settings = raw.get("config")
    if not isinstance(settings, dict) or KEY not in settings:
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
    return load(
        settings[KEY],
        stack,
        hub_token=TOKEN in settings,
        alert_webhook_url=WEBHOOK_URL in settings,
    )
