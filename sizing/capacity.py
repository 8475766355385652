"""A whole stack on its GPUs: what each pool carries, what each model leaves free, what is wrong."""

from collections.abc import Iterable, Mapping, Sequence

from base.model import Model
from sizing.devices import Device
from sizing.fragmentation import blocked
from sizing.memory import Fit
from sizing.pools import Pool, Problem, Service
from sizing.service_problems import service_problems, unknown_pool

__all__ = [
    "Capacity",
    "DeviceUse",
    "Pool",
    "PoolUse",
    "Problem",
    "Service",
    "ServiceFit",
    "capacity",
]


class DeviceUse(Model):
    """What a pool offers of one kind of device, and how many of them are asked for."""

    resource: str
    """What pods ask for: GPUs, or parts of them."""
    available: int
    used: int


class PoolUse(Model):
    """A pool's GPUs, and how many of them are asked for."""

    name: str
    gpu: str
    gpus_available: int
    gpus_used: float
    """Whole where whole GPUs are asked for; of parts, what they are together, by memory."""
    devices: list[DeviceUse]


class ServiceFit(Model):
    """A service on its pool."""

    name: str
    model: str
    pool: str
    gpus: int
    """Devices: GPUs, or parts of them."""
    fit: Fit


class Capacity(Model):
    """The stack's GPUs at preview."""

    pools: list[PoolUse]
    services: list[ServiceFit]
    """Those whose pool is known."""
    problems: list[Problem]


def capacity(pools: Sequence[Pool], services: Sequence[Service]) -> Capacity:
    """Places every service on its pool, and says everything that is wrong, all of it at once.

    Each service's `mig_profile` must be one of its pool's, and each geometry one of its card's.
    """
    by_name = {pool.name: pool for pool in pools}
    fits: list[ServiceFit] = []
    problems: list[Problem] = []
    for service in services:
        pool = by_name.get(service.pool)
        if pool is None:
            problems.append(unknown_pool(service, by_name))
            continue
        found = service.fit(pool)
        fits.append(
            ServiceFit(
                name=service.name,
                model=service.model.key,
                pool=pool.name,
                gpus=service.gpus,
                fit=found,
            )
        )
        problems.extend(service_problems(service, pool, found))
    uses: list[PoolUse] = []
    for pool in pools:
        here = [service for service in services if service.pool == pool.name]
        takers = {
            device.resource: [s for s in here if s.device(pool).resource == device.resource]
            for device in pool.devices
        }
        uses.append(_use(pool, takers))
        for device in pool.devices:
            problems.extend(_pool_problems(pool, device, takers[device.resource]))
    return Capacity(pools=uses, services=fits, problems=problems)


def _use(pool: Pool, takers: Mapping[str, list[Service]]) -> PoolUse:
    used = {resource: sum(s.gpus for s in services) for resource, services in takers.items()}
    of_node = sum(device.per_node * device.memory_bytes for device in pool.devices)
    taken = sum(used[device.resource] * device.memory_bytes for device in pool.devices)
    return PoolUse(
        name=pool.name,
        gpu=pool.gpu.key,
        gpus_available=pool.gpus,
        gpus_used=taken * pool.gpus_per_node / of_node,
        devices=[
            DeviceUse(
                resource=device.resource,
                available=device.per_node * pool.nodes,
                used=used[device.resource],
            )
            for device in pool.devices
        ],
    )


def _pool_problems(pool: Pool, device: Device, takers: list[Service]) -> Iterable[Problem]:
    asked = ", ".join(f"{service.name} {service.gpus}" for service in takers)
    used, available = sum(service.gpus for service in takers), device.per_node * pool.nodes
    noun = f"{device.profile} instances" if device.profile else pool.noun
    if used > available:
        yield Problem(
            code="pool-too-small",
            subject="pool",
            name=pool.name,
            field="nodes",
            got=f"{used} {noun} asked for ({asked})",
            allowed=f"at most {available} ({pool.nodes} nodes x {device.per_node})",
            change=f"Give the pool {-(-used // device.per_node)} nodes, or take replicas or "
            f"services worth {used - available} {noun} away.",
        )
    elif kept_out := blocked(_widths(device, takers), pool.nodes, device.per_node):
        yield Problem(
            code="pool-fragmented",
            subject="pool",
            name=pool.name,
            field="nodes",
            got=f"{used} {noun} asked for ({asked}), {kept_out.width} of them by one pod on one "
            f"node, while others hold {kept_out.others}",
            allowed=f"at most {kept_out.room_for_others} {noun} for the others: the scheduler "
            "spreads pods over nodes, and may leave too little on each",
            change=f"Give the pool {kept_out.nodes_needed} nodes, or the widest model a pool of "
            "its own.",
        )


def _widths(device: Device, takers: list[Service]) -> list[int]:
    """What each pod takes of a node.

    A replica that is wider than a node takes equal parts of as many nodes as it needs.
    """
    widths: list[int] = []
    for service in takers:
        hosts = -(-service.gpus_per_replica // device.per_node)
        part = -(-service.gpus_per_replica // hosts)
        widths += [part] * hosts * service.replicas
    return widths
