"""A stack's models seated on the GPUs of its nodes, and what room that leaves.

A *device* is what a pool hands out: a GPU, or a part of one. The seating is one that the scheduler
could choose, the fullest node first; it may choose another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from base.model import Model
from catalog.gpus import GpuSpec
from catalog.models import ModelSpec, WeightDtype
from sizing.devices import Device
from sizing.memory import Fit, fit
from sizing.search import Cut, cuts

DEFAULT_CONTEXT = 32768
"""Tokens that a further model is tried with, or what it knows where that is less."""


class PoolRoom(Model):
    """A pool as the stack's settings describe it."""

    name: str
    gpu: GpuSpec
    nodes: int
    devices: list[Device]


class Placed(Model):
    """A model service, the devices it asks for, and how it fits on one of them."""

    name: str
    model: str
    pool: str
    profile: str | None
    """The MIG profile of its devices."""
    devices: int
    """Devices of one replica."""
    replicas: int
    concurrency: int
    """Requests of the full context that the stack promises for each replica."""
    fit: Fit


class Seats(Model):
    """The devices of one kind on one node, and who sits on each."""

    node: str
    pool: str
    resource: str
    profile: str | None
    taken: list[str | None]
    """For each device the replica on it, as `chat#1`; null where it is free."""

    @property
    def free(self) -> int:
        """Devices that nobody has."""
        return self.taken.count(None)


class Growth(Model):
    """What a service has left, and what more of it would take."""

    name: str
    further_requests: int | None
    """Further requests of the full context, over all replicas, until its caches are full; null
    where no cache limits them."""
    replica_devices: int
    """Devices that one more replica takes."""
    replica_fits: bool
    """Whether they are free."""


class Candidate(Model):
    """A model of the catalog that would fit on devices of a pool that are free."""

    model: str
    dtype: WeightDtype
    devices: int
    tp: int
    pp: int
    context: int


class Plan(Model):
    """The whole stack."""

    seats: list[Seats]
    unseated: list[str]
    """Replicas that no node has room for."""
    growth: list[Growth]
    candidates: dict[str, list[Candidate]]
    """By pool: which models its free devices could still serve, one request at a time."""


def plan(
    pools: Sequence[PoolRoom], services: Sequence[Placed], catalog: Iterable[ModelSpec]
) -> Plan:
    """Seats every replica of every service, then asks what the rest is good for."""
    rows = [
        _Row(f"{pool.name}-{node}", pool.name, device, [None] * device.per_node)
        for pool in pools
        for node in range(1, pool.nodes + 1)
        for device in pool.devices
    ]
    replicas = [
        (service, f"{service.name}#{replica}")
        for service in sorted(services, key=lambda service: -service.devices)
        for replica in range(1, service.replicas + 1)
    ]
    unseated = [label for service, label in replicas if not _seat(rows, service, label)]
    models = list(catalog)
    return Plan(
        seats=[
            Seats(
                node=row.node,
                pool=row.pool,
                resource=row.device.resource,
                profile=row.device.profile,
                taken=row.taken,
            )
            for row in rows
        ],
        unseated=unseated,
        growth=[_growth(rows, service) for service in services],
        candidates={pool.name: _candidates(pool, rows, models) for pool in pools},
    )


@dataclass(eq=False)
class _Row:
    """Seats while they are being taken."""

    node: str
    pool: str
    device: Device
    taken: list[str | None]

    @property
    def free(self) -> int:
        return self.taken.count(None)


def _seat(rows: Sequence[_Row], service: Placed, label: str) -> bool:
    """Put one replica down, on one node, or in equal parts on several if it is wider than one."""
    chosen = _room(rows, service)
    for row, count in chosen.items():
        for _ in range(count):
            row.taken[row.taken.index(None)] = label
    return bool(chosen)


def _room(rows: Sequence[_Row], service: Placed) -> dict[_Row, int]:
    """Where one replica has room, and how many devices of each; empty where nowhere."""
    own = [row for row in rows if (row.pool, row.device.profile) == (service.pool, service.profile)]
    wide = max((row.device.per_node for row in own), default=service.devices)
    hosts = -(-service.devices // wide)
    part, rest = divmod(service.devices, hosts)
    found: dict[_Row, int] = {}
    for host in range(hosts):
        count = part + (host < rest)
        left = [row for row in own if row.free >= count and row not in found]
        if not left:
            return {}
        # The fullest node that still has room: leaves the widest gaps for what comes.
        found[min(left, key=lambda row: row.free)] = count
    return found


def _growth(rows: Sequence[_Row], service: Placed) -> Growth:
    at_once = service.fit.max_concurrency
    return Growth(
        name=service.name,
        further_requests=None
        if at_once is None
        else max(0, at_once - service.concurrency) * service.replicas,
        replica_devices=service.devices,
        replica_fits=bool(_room(rows, service)),
    )


def _candidates(
    pool: PoolRoom, rows: Sequence[_Row], models: Sequence[ModelSpec]
) -> list[Candidate]:
    """What the widest gap of each kind of device could hold, the largest models first."""
    found: dict[str, Candidate] = {}
    for device in pool.devices:
        free = (row.free for row in rows if row.pool == pool.name and row.device == device)
        gap = min(max(free, default=0), device.per_pod)
        for model in models:
            if model.key not in found and (candidate := _candidate(model, pool.gpu, device, gap)):
                found[model.key] = candidate
    sizes = {model.key: model.parameters for model in models}
    return sorted(found.values(), key=lambda each: -sizes[each.model])


def _candidate(model: ModelSpec, gpu: GpuSpec, device: Device, gap: int) -> Candidate | None:
    """The model on the fewest of `gap` devices: its own type if that fits, else a narrower one."""
    arch = model.architecture
    context = min(arch.max_context, DEFAULT_CONTEXT) if arch else 1
    published: list[WeightDtype] = [*model.checkpoints]
    for dtype in sorted(published, key=lambda dtype: dtype != model.serve_dtype):
        for count in range(1, gap + 1):
            for cut in cuts(arch, gpu, count):
                if _fits(model, device, dtype, cut, context):
                    return Candidate(
                        model=model.key,
                        dtype=dtype,
                        devices=count,
                        tp=cut.tp,
                        pp=cut.pp,
                        context=context,
                    )
    return None


def _fits(model: ModelSpec, device: Device, dtype: WeightDtype, cut: Cut, context: int) -> bool:
    return fit(model, device, dtype=dtype, tp=cut.tp, pp=cut.pp, context_tokens=context).fits
