"""Checks that the cluster's machines match the GPU pools and have capacity for their servers."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from base.problems import Problem
from base.units import GIB
from catalog.machines import MACHINES
from config.checks.pools import usable_models, usable_pools
from config.pods import servers
from config.settings.cluster import Profile
from config.settings.models import ModelSettings
from config.settings.pools import GpuPoolSettings
from config.stack import StackConfig
from sizing.devices import Device

_GIB = Decimal(GIB)

_DAEMONS: Final = {"cpu": Decimal(1), "memory": 2 * _GIB, "ephemeral_storage": 2 * _GIB}
"""Reserved on each GPU node for DaemonSets: device plugin, feature discovery, MPS and DCGM exporter
request 350m and 0.8 GiB (components/gpu), the cluster's own network and log agents more. The sum is
an assumption."""
_UNITS: Final = {
    "cpu": ("CPUs", Decimal(1)),
    "memory": ("GiB of memory", _GIB),
    "ephemeral_storage": ("GiB of disk", _GIB),
}


def node_problems(config: StackConfig) -> Iterator[Problem]:
    """Every pool whose machines are too few, of another kind, or too small for its servers."""
    usable = usable_pools(config)
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
        profiles: dict[Profile, None] = dict.fromkeys(group.profile for group in groups)
        for profile in profiles:
            expected = f"{pool.gpus_per_node}x{pool.gpu}"
            if profile == expected:
                if name in usable:
                    yield from _overloads(config, name, pool, profile)
            # A card without a profile of its own is described by another kind of machine.
            elif expected in MACHINES or profile.endswith(f"x{pool.gpu}"):
                yield Problem(
                    f"pools.{name}",
                    f"nodes with {pool.gpus_per_node} GPUs of type {pool.gpu}",
                    f"those of its machines in cluster.nodes: {profile}",
                    "Correct gpu and gpus_per_node, or the profile of the machines.",
                )


@dataclass(frozen=True)
class _Server:
    model: str
    width: int
    """Devices per pod."""
    pods: int
    """Most pods at once."""
    needs: dict[str, Decimal]


def _overloads(
    config: StackConfig, name: str, pool: GpuPoolSettings, profile: Profile
) -> Iterator[Problem]:
    """Resources that a node lacks for the largest servers of the pool: it may get any of them."""
    machine = MACHINES[profile]
    offered = {
        "cpu": Decimal(machine.cpu_for_pods),
        "memory": machine.memory_gib_for_pods * _GIB,
        "ephemeral_storage": machine.disk_gib_for_pods * _GIB,
    }
    here = {key: model for key, model in usable_models(config).items() if model.pool == name}
    found = [_server(key, model, pool) for key, model in here.items()]
    for resource, (unit, size) in _UNITS.items():
        needed = sum(
            (
                _worst(
                    device, [s for s in found if _device(here[s.model], pool) == device], resource
                )
                for device in pool.devices
            ),
            start=Decimal(0),
        )
        left = offered[resource] - _DAEMONS[resource]
        if needed > left:
            yield Problem(
                f"pools.{name}",
                f"servers that may request {needed / size:.0f} {unit} on one node"
                f" ({', '.join(s.model for s in found)})",
                f"at most {left / size:.0f}, the capacity of {profile} for them",
                f"Lower resources.requests.{resource} of these models, or the clients per GPU.",
            )


def _device(model: ModelSettings, pool: GpuPoolSettings) -> Device:
    return pool.device(model.mig_profile)


def _server(name: str, model: ModelSettings, pool: GpuPoolSettings) -> _Server:
    hosts = -(-model.gpus // _device(model, pool).per_node)
    width = -(-model.gpus // hosts)
    every = [each.needs for each in servers(name, model, pool)]
    cpu, memory, disk, _ = (max(amounts) for amounts in zip(*every, strict=True))
    needs = {
        "cpu": Decimal(cpu) / 1000,
        "memory": Decimal(memory),
        "ephemeral_storage": Decimal(disk),
    }
    return _Server(name, width, model.max_replicas * hosts, needs)


def _worst(device: Device, servers: list[_Server], resource: str) -> Decimal:
    """An upper bound of *resource* that *servers* request on one node, however they are placed.

    Servers with the largest request per device come first, and the last may count in part.
    """
    free, total = device.per_node, Decimal(0)
    for server in sorted(servers, key=lambda s: s.needs[resource] / s.width, reverse=True):
        taken = min(free, server.width * server.pods)
        total += server.needs[resource] * taken / server.width
        free -= taken
    return total
