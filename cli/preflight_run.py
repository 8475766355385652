"""What `pai preflight` does: what the stack needs, against what the cluster has."""

import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from cli.deployed import unreadable
from cli.stack_file import read_stack
from components.cluster_reader import ClusterReader, UnreadableError, reading
from config.stack import StackConfig
from preflight import api_checks, network_checks, node_checks
from preflight.needs import fixed_names, needs
from preflight.result import Result
from review.render import PlannedResource, render
from sim import cluster as simulation
from toolchain.environment import PROJECT

_MARKS = {"ok": ("✓", "green"), "problem": ("✗", "red"), "unknown": ("?", "yellow")}


def results(stack: str, kubeconfig: Path | None, console: Console | None) -> list[Result]:
    """What of the cluster suits *stack* and what does not; *console* shows that it waits.

    Raises CommandError for a cluster that does not answer.
    """
    config = read_stack(stack)
    at = kubeconfig or _kubeconfig(stack)
    waiting = console.status(f"Reading {config.cluster.context} …") if console else nullcontext()
    try:
        with waiting, reading(config.cluster.context, at.read_text() if at else None) as cluster:
            return list(_results(cluster, stack, config))
    except UnreadableError as error:
        change = "check the kubeconfig with `kubectl get nodes`, or pass --kubeconfig"
        raise unreadable(config.cluster.context, str(error), change) from None


def _kubeconfig(stack: str) -> Path | None:
    """The simulation's, unless the shell names another; None: as kubectl finds it."""
    if os.environ.get("KUBECONFIG"):
        return None
    running = {entry.stack for entry in simulation.status() if entry.state == "running"}
    return simulation.kubeconfig() if stack in running else None


def _results(cluster: ClusterReader, stack: str, config: StackConfig) -> Iterator[Result]:
    planned = [r for r in render(PROJECT, stack).resources if "apiVersion" in r.inputs]
    objects = [resource.inputs for resource in planned]
    wanted = needs([_named(resource) for resource in planned])
    platform, machines = config.platform, config.cluster
    yield from api_checks.version(cluster)
    yield from api_checks.existing(cluster, config, stack, fixed_names(objects))
    yield from api_checks.kinds(cluster, wanted)
    yield from api_checks.operators(cluster, machines.operators)
    yield from api_checks.storage_classes(cluster, machines.storage_classes)
    yield from api_checks.runtime_classes(cluster, wanted)
    yield from node_checks.nodes(cluster, config)
    yield from network_checks.plugin(cluster)
    yield from network_checks.dns_cache(cluster, platform)
    yield from network_checks.api_server(cluster, platform)
    yield from network_checks.load_balancer(cluster, wanted)
    yield from network_checks.hosts(cluster, config.hosts)


def _named(planned: PlannedResource) -> dict[str, Any]:
    """The object, under the name that Pulumi knows it by where it is named automatically."""
    name = planned.urn.rsplit("::", 1)[-1]
    return {**planned.inputs, "metadata": {"name": name, **planned.inputs.get("metadata", {})}}


def show(results: list[Result]) -> None:
    """Print *results* for a person."""
    console = Console()
    for result in results:
        mark, style = _MARKS[result.status]
        line = Text.assemble((f"{mark} ", style), f"{result.check}: {result.found}")
        console.print(line, soft_wrap=True)
        if result.remedy:
            console.print(f"    {result.remedy}", soft_wrap=True, markup=False, highlight=False)
    counts = {s: sum(r.status == s for r in results) for s in _MARKS}
    console.print(
        f"\n{counts['problem']} problems, {counts['unknown']} to find out, {counts['ok']} as needed"
    )
