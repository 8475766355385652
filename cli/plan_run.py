"""The work of `pai plan`."""

import json
from collections import Counter
from pathlib import Path

import typer
from rich.console import Console

from base.problems import ConfigError, Problem
from catalog.models import models
from cli.exit_codes import ExitCode
from cli.plan_view import show
from cli.stack_file import read_stack
from config.checks.advice import advice
from config.checks.idle import idle
from config.checks.seats import seated
from config.checks.stack import capacity
from config.stack import StackConfig
from sizing.plan import Plan, PlannedPool, PlannedService, plan
from sizing.seating import Needs, Seat


def run(stack: str, config_file: Path | None, *, as_json: bool) -> None:
    """Print the plan of *stack*. Raises ConfigError; as JSON, the problems are the document."""
    try:
        config = read_stack(stack, config_file)
    except ConfigError as error:
        if not as_json:
            raise
        problems = [vars(problem) for problem in error.problems]
        typer.echo(json.dumps({"stack": stack, "problems": problems}, indent=2))
        raise typer.Exit(ExitCode.FAILED) from None
    services = _services(config)
    found = plan(_pools(config), services, models().values())
    others = seated(config)
    told = [*advice(config), *idle(config)]
    if as_json:
        typer.echo(json.dumps(_document(stack, services, found, others, told), indent=2))
        return
    show(Console(), stack, services, found, others)
    for each in told:
        typer.echo(f"\nAdvice: {each}")


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


def _document(
    stack: str,
    services: list[PlannedService],
    found: Plan,
    others: list[Seat] | None,
    told: list[Problem],
) -> dict[str, object]:
    """The content of `--json`."""
    return {
        "stack": stack,
        "problems": [],
        "advice": [vars(each) for each in told],
        "models": [service.model_dump() for service in services],
        **found.model_dump(),
        "other_nodes": None if others is None else [_other_node(seat) for seat in others],
    }


def _other_node(seat: Seat) -> dict[str, object]:
    return {
        "node": seat.node,
        "offered": _amounts(seat.offers),
        "requested": _amounts(seat.taken),
        "pods": dict(sorted(Counter(pod.owner for pod in seat.pods).items())),
    }


def _amounts(needs: Needs) -> dict[str, float]:
    return {
        "cores": needs.cpu / 1000,
        "memory_bytes": needs.memory,
        "disk_bytes": needs.disk,
        "pods": needs.pods,
    }
