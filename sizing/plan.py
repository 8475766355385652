"""A stack's models assigned to the GPUs of its nodes, and the capacity that is left.

A *device* is what a pool hands out: a GPU, or a share of one. The assignment is one that the
scheduler could choose, the fullest node first; it may choose another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from base.model import Model
from catalog.gpus import GpuSpec
from catalog.models import ModelSpec, WeightDtype
from sizing.devices import Device
from sizing.memory import Fit, fit
from sizing.search import Parallelism, parallelisms

DEFAULT_CONTEXT = 32768
"""Context that candidates are tried with, tokens; less where a model's own is shorter."""


class PlannedPool(Model):
    """A pool as the stack's settings describe it."""

    name: str
    gpu: GpuSpec
    nodes: int
    devices: list[Device]


class PlannedService(Model):
    """A model service, the devices it requests, and its fit on one of them."""

    name: str
    model: str
    pool: str
    profile: str | None
    """The MIG profile of its devices."""
    devices: int
    """Devices per replica."""
    replicas: int
    concurrency: int
    """Requests of the full context that the stack promises per replica."""
    fit: Fit


class Allocation(Model):
    """The devices of one kind on one node, and the replica that each is assigned to."""

    node: str
    pool: str
    resource: str
    profile: str | None
    taken: list[str | None]
    """For each device the replica on it, as `chat#1`; null where it is free."""

    @property
    def free(self) -> int:
        """Free devices."""
        return self.taken.count(None)


class Growth(Model):
    """The headroom of a service, and the cost of one more replica."""

    name: str
    further_requests: int | None
    """Further requests of the full context, over all replicas, until the KV caches are full; null
    where no KV cache limits them."""
    replica_devices: int
    """Devices that one more replica takes."""
    replica_fits: bool
    """Whether that many are free."""


class Candidate(Model):
    """A model of the catalog that would fit on free devices of a pool."""

    model: str
    dtype: WeightDtype
    repository: str
    revision: str | None
    """The commit that the catalog knows; a stack has to name one where that is null."""
    devices: int
    tensor_parallel: int
    pipeline_parallel: int
    context: int


class Plan(Model):
    """The whole stack."""

    allocations: list[Allocation]
    unplaced: list[str]
    """Replicas that no node has room for."""
    growth: list[Growth]
    candidates: dict[str, list[Candidate]]
    """By pool: models that its free devices could still serve, one request at a time."""


def plan(
    pools: Sequence[PlannedPool], services: Sequence[PlannedService], catalog: Iterable[ModelSpec]
) -> Plan:
    """Assign every replica of every service to devices, then find models for the free ones."""
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
    unplaced = [label for service, label in replicas if not _assign(rows, service, label)]
    models = list(catalog)
    return Plan(
        allocations=[
            Allocation(
                node=row.node,
                pool=row.pool,
                resource=row.device.resource,
                profile=row.device.profile,
                taken=row.taken,
            )
            for row in rows
        ],
        unplaced=unplaced,
        growth=[_growth(rows, service) for service in services],
        candidates={pool.name: _candidates(pool, rows, models) for pool in pools},
    )


@dataclass(eq=False)
class _Row:
    """An allocation while it is being filled."""

    node: str
    pool: str
    device: Device
    taken: list[str | None]

    @property
    def free(self) -> int:
        return self.taken.count(None)


def _assign(rows: Sequence[_Row], service: PlannedService, label: str) -> bool:
    """Place one replica on one node, or in equal parts on several if it is wider than a node."""
    chosen = _room(rows, service)
    for row, count in chosen.items():
        for _ in range(count):
            row.taken[row.taken.index(None)] = label
    return bool(chosen)


def _room(rows: Sequence[_Row], service: PlannedService) -> dict[_Row, int]:
    """The rows with room for one replica, and its devices on each; empty where there is none."""
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
        # The fullest node that still has room: keeps the widest gaps for later replicas.
        found[min(left, key=lambda row: row.free)] = count
    return found


def _growth(rows: Sequence[_Row], service: PlannedService) -> Growth:
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
    pool: PlannedPool, rows: Sequence[_Row], models: Sequence[ModelSpec]
) -> list[Candidate]:
    """Models that the widest gap of each kind of device could hold, the largest first.

    Those that can be deployed as they are come before those whose commit is not known.
    """
    found: dict[str, Candidate] = {}
    for device in pool.devices:
        free = (row.free for row in rows if row.pool == pool.name and row.device == device)
        gap = min(max(free, default=0), device.per_pod)
        for model in models:
            if model.placeholder:
                continue  # it is nowhere to be had
            if model.key not in found and (candidate := _candidate(model, pool.gpu, device, gap)):
                found[model.key] = candidate
    sizes = {model.key: model.parameters for model in models}
    return sorted(found.values(), key=lambda each: (not each.revision, -sizes[each.model]))


def _candidate(model: ModelSpec, gpu: GpuSpec, device: Device, gap: int) -> Candidate | None:
    """The model on the fewest of `gap` devices: its own type if that fits, else a narrower one.

    A type with a known commit comes before all without.
    """
    arch = model.architecture
    context = min(arch.max_context, DEFAULT_CONTEXT) if arch else 1
    published: list[WeightDtype] = [*model.checkpoints]

    def preferred(dtype: WeightDtype) -> tuple[bool, bool]:
        return not model.checkpoints[dtype].revision, dtype != model.serve_dtype

    for dtype in sorted(published, key=preferred):
        checkpoint = model.checkpoints[dtype]
        for count in range(1, gap + 1):
            for way in parallelisms(arch, gpu, count):
                if _fits(model, device, dtype, way, context):
                    return Candidate(
                        model=model.key,
                        dtype=dtype,
                        repository=checkpoint.repository,
                        revision=checkpoint.revision or None,
                        devices=count,
                        tensor_parallel=way.tensor_parallel,
                        pipeline_parallel=way.pipeline_parallel,
                        context=context,
                    )
    return None


def _fits(
    model: ModelSpec, device: Device, dtype: WeightDtype, way: Parallelism, context: int
) -> bool:
    return fit(
        model,
        device,
        dtype=dtype,
        tensor_parallel=way.tensor_parallel,
        pipeline_parallel=way.pipeline_parallel,
        context_tokens=context,
    ).fits
