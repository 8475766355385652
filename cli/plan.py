"""`pai plan`: show how a stack uses its GPUs, before anything is deployed."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from base.problems import ConfigError
from catalog.models import models
from cli.options import stack_option
from cli.plan_view import show
from cli.stack_file import read_stack
from config.checks.stack import capacity
from config.stack import StackConfig
from sizing.plan import Plan, PlannedPool, PlannedService, plan


def command(
    stack: Annotated[str, stack_option("Stack to plan.")] = "local",
    config_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Configuration. Default: Pulumi.STACK.yaml."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; docs/explanation/sizing.md lists the keys.")
    ] = False,
) -> None:
    """Show which GPU each model is assigned to, the memory left, and the room for more.

    Exit codes: 0 the configuration is valid, 1 it is not (every problem is listed), 2 usage error.
    """
    try:
        config = read_stack(stack, config_file)
    except ConfigError as error:
        if not as_json:
            raise
        problems = [vars(problem) for problem in error.problems]
        typer.echo(json.dumps({"stack": stack, "problems": problems}, indent=2))
        raise typer.Exit(1) from None
    services = _services(config)
    found = plan(_pools(config), services, models().values())
    if as_json:
        typer.echo(json.dumps(_document(stack, services, found), indent=2))
    else:
        show(Console(), stack, services, found)


def _pools(config: StackConfig) -> list[PlannedPool]:
    return [
        PlannedPool(name=name, gpu=pool.spec, nodes=pool.nodes, devices=pool.devices)
        for name, pool in config.pools.items()
    ]


def _services(config: StackConfig) -> list[PlannedService]:
    found: list[PlannedService] = []
    for service in capacity(config).services:
        settings = config.models[service.name]
        pool = config.pools[service.pool]
        found.append(
            PlannedService(
                name=service.name,
                model=service.model,
                pool=service.pool,
                profile=pool.device(settings.mig_profile).profile,
                devices=settings.gpus,
                replicas=settings.max_replicas,
                concurrency=settings.concurrency,
                fit=service.fit,
            )
        )
    return found


def _document(stack: str, services: list[PlannedService], found: Plan) -> dict[str, object]:
    """The content of `--json`."""
    return {
        "stack": stack,
        "problems": [],
        "models": [service.model_dump() for service in services],
        **found.model_dump(),
    }
