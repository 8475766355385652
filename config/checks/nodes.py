"""Whether the machines of the cluster are those that the GPU pools name, and hold their servers."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from base.problems import Problem
from base.quantity import parse
from catalog.machines import MACHINES
from config.checks.pools import usable_models, usable_pools
from sizing.devices import Device
from sizing.startup import shm_bytes

if TYPE_CHECKING:
    from config.settings.cluster import Profile
    from config.settings.models import ModelSettings
    from config.settings.pools import GpuPoolSettings
    from config.stack import StackConfig

_GIB = Decimal(1024**3)

_DAEMONS: Final = {"cpu": Decimal(1), "memory": 2 * _GIB, "ephemeral_storage": 2 * _GIB}
"""Of each GPU node, for what runs on all of them: device plugin, feature discovery, MPS, DCGM
exporter reserve 350m and 0.8 GiB here (components), the cluster's own network and log agents more.
The sum is an assumption."""
_BESIDE: Final = {"cpu": Decimal("0.2"), "memory": _GIB / 8, "ephemeral_storage": _GIB}
"""Of each server, for the proxy that may stand beside it (components/vllm_pod.py, _SIDECAR)."""
_UNITS: Final = {
    "cpu": ("CPUs", Decimal(1)),
    "memory": ("GiB of memory", _GIB),
    "ephemeral_storage": ("GiB of disk", _GIB),
}


def node_problems(config: "StackConfig") -> Iterator[Problem]:
    """Every pool whose machines are too few, others than it says, or too small for its servers."""
    usable = usable_pools(config)
    for name, pool in config.pools.items():
        if pool.nodes_from.kind != "existing":
            continue  # made when the stack is
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
                    yield from _carries(config, name, pool, profile)
            # Of a card without a profile of its own, another kind of machine has to stand for it.
            elif expected in MACHINES or profile.endswith(f"x{pool.gpu}"):
                yield Problem(
                    f"pools.{name}",
                    f"nodes with {pool.gpus_per_node} GPUs of type {pool.gpu}",
                    f"what its machines of cluster.nodes have: {profile}",
                    "Correct gpu and gpus_per_node, or the profile of the machines.",
                )


@dataclass(frozen=True)
class _Server:
    model: str
    width: int
    """Devices that it takes of a node."""
    pods: int
    """How many of them there may be at once."""
    needs: dict[str, Decimal]


def _carries(
    config: "StackConfig", name: str, pool: "GpuPoolSettings", profile: "Profile"
) -> Iterator[Problem]:
    """A node may get any of the pool's servers: the worst of them together must find room."""
    machine = MACHINES[profile]
    offered = {
        "cpu": Decimal(machine.cpu_for_pods),
        "memory": machine.memory_gib_for_pods * _GIB,
        "ephemeral_storage": machine.disk_gib_for_pods * _GIB,
    }
    here = {key: model for key, model in usable_models(config).items() if model.pool == name}
    servers = [_server(key, model, pool) for key, model in here.items()]
    for resource, (unit, size) in _UNITS.items():
        needed = sum(
            (
                _worst(
                    device, [s for s in servers if _device(here[s.model], pool) == device], resource
                )
                for device in pool.devices
            ),
            start=Decimal(0),
        )
        left = offered[resource] - _DAEMONS[resource]
        if needed > left:
            yield Problem(
                f"pools.{name}",
                f"servers that may reserve {needed / size:.0f} {unit} on one node"
                f" ({', '.join(s.model for s in servers)})",
                f"at most {left / size:.0f}, what {profile} leaves for them",
                f"Lower {resource} of resources.requests of these models, or share a GPU less.",
            )


def _device(model: "ModelSettings", pool: "GpuPoolSettings") -> Device:
    return pool.device(model.mig_profile)


def _server(name: str, model: "ModelSettings", pool: "GpuPoolSettings") -> _Server:
    hosts = -(-model.gpus // _device(model, pool).per_node)
    width = -(-model.gpus // hosts)
    requests = model.resources.requests
    offload = model.vllm.kv_offload
    more = shm_bytes(width) + (parse(offload.size) / hosts if offload else 0)
    needs = {
        "cpu": parse(requests.cpu),
        "memory": parse(requests.memory) + more,
        "ephemeral_storage": parse(requests.ephemeral_storage),
    }
    needs = {resource: amount + _BESIDE[resource] for resource, amount in needs.items()}
    return _Server(name, width, model.max_replicas * hosts, needs)


def _worst(device: Device, servers: list[_Server], resource: str) -> Decimal:
    """No arrangement of *servers* on one node reserves more of *resource*.

    Those that need most of it for a device come first, and the last may count in part.
    """
    free, total = device.per_node, Decimal(0)
    for server in sorted(servers, key=lambda s: s.needs[resource] / s.width, reverse=True):
        taken = min(free, server.width * server.pods)
        total += server.needs[resource] * taken / server.width
        free -= taken
    return total
