"""The plan of a stack for a terminal: nodes and their models, headroom, room for more."""

from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.bars import gigabytes, legend, memory_bar, number
from sizing.plan import Candidate, Growth, Plan, PlannedService

_MOST_CANDIDATES = 6
"""Candidate models named per pool; `--json` has them all."""


def show(console: Console, stack: str, services: Sequence[PlannedService], found: Plan) -> None:
    """Print all of it."""
    console.print(Text(f"Stack {stack}", style="bold"))
    console.print(_nodes(found))
    console.print(_models(services, found.growth))
    console.print(legend())
    console.print()
    for name in found.unplaced:
        console.print(f"no node has room for {name}", style="bold red")
    for pool, candidates in found.candidates.items():
        free = sum(row.free for row in found.allocations if row.pool == pool)
        console.print(_room(pool, free, candidates), soft_wrap=True)


def _nodes(found: Plan) -> Table:
    """One row per node and kind of device, one cell per device."""
    table = Table(box=SIMPLE)
    table.add_column("node", no_wrap=True)
    table.add_column("device", no_wrap=True)
    table.add_column("assigned to")
    table.add_column("free", justify="right")
    for row in found.allocations:
        cells = Text()
        for taken in row.taken:
            cells.append(f"[{taken or 'free'}]", style="dim" if taken is None else "")
            cells.append(" ")
        kind = row.resource.split("/")[-1]
        table.add_row(row.node, kind, cells, number(row.free))
    return table


def _models(services: Sequence[PlannedService], growth: Sequence[Growth]) -> Table:
    table = Table(box=SIMPLE)
    table.add_column("model", no_wrap=True)
    table.add_column("replicas\nx GPUs", no_wrap=True)
    table.add_column("memory of each", no_wrap=True)
    table.add_column("free", justify="right", no_wrap=True)
    table.add_column("further\nrequests", justify="right", no_wrap=True)
    table.add_column("next replica\nneeds", no_wrap=True)
    for service, more in zip(services, growth, strict=True):
        fit = service.fit
        table.add_row(
            service.name,
            f"{service.replicas} x {service.devices}",
            memory_bar(fit.weights_bytes, fit.kv_bytes, fit.overhead_bytes, fit.gpu_bytes),
            gigabytes(fit.headroom_bytes),
            "no limit" if more.further_requests is None else number(more.further_requests),
            f"{service.devices}, {'free' if more.replica_fits else 'not free'}",
        )
    return table


def _room(pool: str, free: int, candidates: Sequence[Candidate]) -> Text:
    """The models that the free devices of a pool have room for."""
    if not free:
        return Text(f"pool {pool}: no free device; another model needs another node")
    text = Text(f"pool {pool}: {free} free")
    if not candidates:
        return text.append(", too small for any model in the catalog")
    named = [
        f"{each.model} ({each.dtype}{f', {each.devices} GPUs' if each.devices > 1 else ''})"
        for each in candidates[:_MOST_CANDIDATES]
    ]
    more = len(candidates) - len(named)
    text.append(f", room for {', or '.join(named)}")
    return text.append(f", or {more} smaller" if more else "")
