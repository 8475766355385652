"""The plan of a stack for a terminal: nodes and their models, headroom, room for more."""

from collections import Counter
from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from base.units import GIB
from cli.bars import gigabytes, legend, memory_bar, number, share_bar
from sizing.plan import Candidate, Growth, Plan, PlannedService
from sizing.seating import Seat

_MOST_CANDIDATES = 6
"""Candidate models named per pool; `--json` has them all."""


def show(
    console: Console,
    stack: str,
    services: Sequence[PlannedService],
    found: Plan,
    others: Sequence[Seat] | None,
) -> None:
    """Print all of it; *others* are the nodes without GPUs, None where no placement was found."""
    console.print(Text(f"Stack {stack}", style="bold"))
    console.print(_nodes(found))
    if others is not None:
        console.print(_without_gpus(others))
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


def _without_gpus(seats: Sequence[Seat]) -> Table:
    """One row per node: a bar of each resource that its pods request, and the pods."""
    table = Table(box=SIMPLE)
    table.add_column("node", no_wrap=True)
    table.add_column("requested by pods without GPUs", no_wrap=True)
    table.add_column("pods")
    for seat in seats:
        bars = Text("\n").join(
            share_bar(taken / size, offered / size, unit)
            for taken, offered, size, unit in (
                (seat.taken.cpu, seat.offers.cpu, 1000, "cores"),
                (seat.taken.memory, seat.offers.memory, GIB, "GiB"),
                (seat.taken.disk, seat.offers.disk, GIB, "GiB of disk"),
            )
        )
        owners = Counter(pod.owner for pod in seat.pods)
        pods = (name if n == 1 else f"{n} x {name}" for name, n in sorted(owners.items()))
        table.add_row(seat.node, bars, ", ".join(pods))
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
    ready = [each for each in candidates if each.revision]
    named = [
        f"{each.model} ({each.dtype}{f', {each.devices} GPUs' if each.devices > 1 else ''})"
        for each in ready[:_MOST_CANDIDATES]
    ]
    if more := len(ready) - len(named):
        named.append(f"{more} smaller")
    if named:
        text.append(f", room for {', or '.join(named)}")
    if unpinned := candidates[len(ready) :]:
        also = ", ".join(f"{each.model} ({each.dtype})" for each in unpinned[:_MOST_CANDIDATES])
        rest = len(unpinned) - _MOST_CANDIDATES
        text.append(f"; with a commit that you name: {also}", style="dim")
        text.append(f", {rest} smaller" if rest > 0 else "", style="dim")
    return text
