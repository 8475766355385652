"""Checks that the cluster's machines match the GPU pools and have capacity for their servers."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Final

from base.problems import Problem
from base.units import GIB
from catalog.machines import MACHINES
from config.checks.pools import usable_models, usable_pools
from config.machines import OTHERS, offers
from config.pods import daemons, servers
from config.settings.cluster import Profile
from config.settings.models import ModelSettings
from config.settings.pools import GpuPoolSettings
from config.stack import StackConfig
from sizing.devices import Device
from sizing.seating import NOTHING, Needs, Resource, total

_UNITS: Final[dict[Resource, tuple[str, str, int]]] = {
    "cpu": ("CPUs", "requests.cpu", 1000),
    "memory": ("GiB of memory", "requests.memory", GIB),
    "disk": ("GiB of disk", "requests.ephemeral_storage", GIB),
}
"""Of each resource: its unit, its field in settings, and how many make one."""


def node_problems(config: StackConfig) -> Iterator[Problem]:
    """Every pool whose machines are too few, of another kind, or too small for its servers."""
    for name, pool in config.pools.items():
        if pool.nodes_from.kind != "existing":
            continue  # created by the stack
        groups = [group for group in config.cluster.nodes if group.pool == name]
        stated = sum(group.count for group in groups)
        if stated < pool.nodes:
            yield Problem(
                f"pools.{name}.nodes",
                str(pool.nodes),
                f"at most {stated}, the machines of cluster.nodes whose pool is {name}",
                "Lower it, or add machines to cluster.nodes.",
            )
        expected = f"{pool.gpus_per_node}x{pool.gpu}"
        for profile in dict.fromkeys(group.profile for group in groups):
            # A card without a profile of its own is described by another kind of machine.
            known = expected in MACHINES or profile.endswith(f"x{pool.gpu}")
            if known and profile != expected:
                yield Problem(
                    f"pools.{name}",
                    f"nodes with {pool.gpus_per_node} GPUs of type {pool.gpu}",
                    f"those of its machines in cluster.nodes: {profile}",
                    "Correct gpu and gpus_per_node, or the profile of the machines.",
                )
    yield from _overloads(config, NOTHING)


def node_advice(config: StackConfig) -> Iterator[Problem]:
    """Every pool whose nodes are too small for its servers beside pods of the cluster's own.

    For an accepted *config*; the rest is refused already.
    """
    yield from _overloads(config, OTHERS)


@dataclass(frozen=True)
class _Server:
    model: str
    width: int
    """Devices per pod."""
    pods: int
    """Most pods at once."""
    needs: Needs


def _overloads(config: StackConfig, others: Needs) -> Iterator[Problem]:
    """Every pool of machines of its own kind that are too small, beside *others* on each."""
    for name, pool in usable_pools(config).items():
        profile = next((key for key in MACHINES if key == f"{pool.gpus_per_node}x{pool.gpu}"), None)
        here = {group.profile for group in config.cluster.nodes if group.pool == name}
        if profile in here and pool.nodes_from.kind == "existing":
            yield from _overload(config, name, pool, profile, others)


def _overload(
    config: StackConfig, name: str, pool: GpuPoolSettings, profile: Profile, others: Needs
) -> Iterator[Problem]:
    """Resources that a node lacks for the largest servers of the pool: it may get any of them."""
    room = offers(MACHINES[profile], others)
    room = room.minus(total(each.needs for each in daemons(name, pool)))
    here = {key: model for key, model in usable_models(config).items() if model.pool == name}
    found = [_server(key, model, pool) for key, model in here.items()]
    beside = " beside pods of the cluster's own" if any(others) else ""
    for resource, (unit, field, size) in _UNITS.items():
        needed = sum(
            _worst(device, [s for s in found if _device(here[s.model], pool) == device], resource)
            for device in pool.devices
        )
        if needed > room.of(resource):
            yield Problem(
                f"pools.{name}",
                f"servers that may request {ceil(needed / size)} {unit} on one node"
                f" ({', '.join(s.model for s in found)})",
                f"at most {room.of(resource) // size}, the capacity of {profile} for them{beside}",
                f"Lower resources.{field} of these models, or the clients per GPU.",
            )


def _device(model: ModelSettings, pool: GpuPoolSettings) -> Device:
    return pool.device(model.mig_profile)


def _server(name: str, model: ModelSettings, pool: GpuPoolSettings) -> _Server:
    hosts = -(-model.gpus // _device(model, pool).per_node)
    width = -(-model.gpus // hosts)
    every = [each.needs for each in servers(name, model, pool)]
    most = Needs(*(max(amounts) for amounts in zip(*every, strict=True)))
    return _Server(name, width, model.max_replicas * hosts, most)


def _worst(device: Device, servers: list[_Server], resource: Resource) -> int:
    """An upper bound of *resource* that *servers* request on one node, however they are placed.

    Servers with the largest request per device come first, and the last may count in part.
    """
    free, most = device.per_node, 0
    for server in sorted(servers, key=lambda s: s.needs.of(resource) / s.width, reverse=True):
        taken = min(free, server.width * server.pods)
        most += -(-server.needs.of(resource) * taken // server.width)
        free -= taken
    return most
