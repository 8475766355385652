"""Reading `Pulumi.<stack>.yaml` without Pulumi."""

from pathlib import Path
from typing import Any

import typer
import yaml

from config.checks.hub_access import TOKEN
from config.load import load
from config.reference import KEY
from config.stack import StackConfig
from toolchain.environment import PROJECT


def read_stack(stack: str, file: Path | None = None) -> StackConfig:
    """The configuration of *stack*, from *file* if given.

    Raises ConfigError with everything that is wrong with it, typer.BadParameter where there is no
    file or it is no YAML.
    """
    source = file or PROJECT / f"Pulumi.{stack}.yaml"
    if not source.exists():
        message = f"{source.name} does not exist"
        raise typer.BadParameter(message, param_hint="--stack")
    try:
        raw: Any = yaml.safe_load(source.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        message = f"{source.name} is no YAML: {error}"
        raise typer.BadParameter(
            message, param_hint="--config-file" if file else "--stack"
        ) from None
    settings: dict[str, Any] = (raw or {}).get("config") or {}
    return load(settings.get(KEY), stack, hub_token=TOKEN in settings)
