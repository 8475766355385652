"""`pai plan`: a whole stack on its GPUs, before anything is deployed."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from base.problems import ConfigError
from catalog.models import models
from cli.plan_view import show
from cli.stack_file import read_stack
from config.checks.stack import capacity
from config.stack import StackConfig
from sizing.plan import Plan, PlannedPool, PlannedService, plan


def command(
    stack: Annotated[str, typer.Option(help="Name of the stack.")] = "local",
    config_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Its YAML; default: Pulumi.STACK.yaml."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For scripts; the keys: docs/explanation/sizing.md.")
    ] = False,
) -> None:
    """Show which model sits on which GPU, what each leaves free, and what more would need.

    Exit status: 0 if the stack's configuration is right, 1 if not (everything that is wrong is
    said), 2 for a wrong option.
    """
    try:
        config = read_stack(stack, config_file)
    except ConfigError as error:
        if as_json:
            problems = [vars(problem) for problem in error.problems]
            typer.echo(json.dumps({"stack": stack, "problems": problems}, indent=2))
        else:
            typer.echo(error, err=True)
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
    """What a script gets."""
    return {
        "stack": stack,
        "problems": [],
        "models": [service.model_dump() for service in services],
        **found.model_dump(),
    }
