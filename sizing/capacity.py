"""A whole stack on its GPUs: the load of each pool, the headroom of each model, the problems."""

from collections.abc import Iterable, Mapping, Sequence

from base.model import Model
from base.problems import Problem
from sizing.devices import Device
from sizing.fragmentation import blocked
from sizing.memory import Fit
from sizing.pools import CapacityProblem, Pool, ProblemCode, Service
from sizing.service_problems import service_problems, unknown_pool

__all__ = [
    "Capacity",
    "CapacityProblem",
    "DeviceUse",
    "Pool",
    "PoolUse",
    "Service",
    "ServiceFit",
    "capacity",
]


class DeviceUse(Model):
    """Devices of one kind that a pool offers, and how many are requested."""

    resource: str
    """Extended resource that pods request."""
    available: int
    used: int


class PoolUse(Model):
    """A pool's GPUs, and how many are requested."""

    name: str
    gpu: str
    gpus_available: int
    gpus_used: float
    """A whole number for exclusive GPUs; for shared ones the sum of their memory, in GPUs."""
    devices: list[DeviceUse]


class ServiceFit(Model):
    """A service on its pool."""

    name: str
    model: str
    pool: str
    gpus: int
    """Devices of all replicas: GPUs, or shares of GPUs."""
    fit: Fit


class Capacity(Model):
    """The stack's GPUs at preview."""

    pools: list[PoolUse]
    services: list[ServiceFit]
    """Services whose pool exists."""
    problems: list[CapacityProblem]


def capacity(pools: Sequence[Pool], services: Sequence[Service]) -> Capacity:
    """Place every service on its pool, and collect every problem.

    Each service's `mig_profile` must be one of its pool's, and each geometry one of its card's.
    """
    by_name = {pool.name: pool for pool in pools}
    fits: list[ServiceFit] = []
    problems: list[CapacityProblem] = []
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


def _pool_problems(pool: Pool, device: Device, takers: list[Service]) -> Iterable[CapacityProblem]:
    shares = ", ".join(f"{service.name} {service.gpus}" for service in takers)
    used, available = sum(service.gpus for service in takers), device.per_node * pool.nodes
    noun = f"{device.profile} instances" if device.profile else pool.noun
    if used > available:
        yield _problem(
            pool,
            "pool-too-small",
            got=f"{used} {noun} requested ({shares})",
            allowed=f"at most {available} ({pool.nodes} nodes x {device.per_node})",
            change=f"Set nodes to {-(-used // device.per_node)}, or remove replicas or models that "
            f"take {used - available} {noun}.",
        )
    elif kept_out := blocked(_widths(device, takers), pool.nodes, device.per_node):
        yield _problem(
            pool,
            "pool-fragmented",
            got=f"{used} {noun} requested ({shares}), {kept_out.width} of them by one pod on one "
            f"node, while other pods hold {kept_out.others}",
            allowed=f"at most {kept_out.room_for_others} {noun} for the other pods: the scheduler "
            "spreads pods over nodes, and may leave too few free on each",
            change=f"Set nodes to {kept_out.nodes_needed}, or give the widest model a pool of its "
            "own.",
        )


def _problem(
    pool: Pool, code: ProblemCode, *, got: str, allowed: str, change: str
) -> CapacityProblem:
    return CapacityProblem(
        code=code, problem=Problem(f"pools.{pool.name}.nodes", got, allowed, change)
    )


def _widths(device: Device, takers: list[Service]) -> list[int]:
    """Devices that each pod takes on its node.

    A replica that is wider than a node takes equal parts of as many nodes as it needs.
    """
    widths: list[int] = []
    for service in takers:
        hosts = -(-service.gpus_per_replica // device.per_node)
        part = -(-service.gpus_per_replica // hosts)
        widths += [part] * hosts * service.replicas
    return widths
