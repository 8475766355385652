"""The devices that Kubernetes hands out for a GPU, by sharing mode: whole, shared, MIG instances.

A *device* is one unit of the extended resource that a pod requests. Memory is in bytes.
"""

from math import floor
from typing import Final

from base.model import Model
from base.units import GIB
from catalog.gpus import GpuSpec
from sizing import mig
from sizing.overhead import Measured
from sizing.sharing import Mig, Mps, Sharing, TimeSlicing

GPU_RESOURCE: Final = "nvidia.com/gpu"
"""Whole GPUs."""
SHARED_RESOURCE: Final = "nvidia.com/gpu.shared"
"""Shared GPUs (time-slicing, MPS): the plugin's `renameByDefault`, so that a pod that requests a
whole GPU never gets a share of one."""

MAX_UTILIZATION: Final = 0.98
"""Share of an exclusive device's memory that an engine may take; the rest is the driver's."""

CONTEXT_BYTES: Final = Measured(
    0.5 * GIB,
    "catalog/gpus.yaml: a CUDA context takes about 0.5 GiB of a card; each client has its own",
)


class Device(Model):
    """A kind of device that a pool offers."""

    profile: str | None
    """The MIG profile; None for GPUs without MIG."""
    resource: str
    """The extended resource that a container requests."""
    per_node: int
    """Devices per node."""
    per_pod: int
    """Devices that one pod may take. One for GPU shares: NCCL does not work across MIG instances,
    and two shares of one card add nothing to tensor parallelism."""
    memory_bytes: int
    """Memory that one client may take."""
    visible_bytes: int
    """Total memory as CUDA reports it: the card's, or the instance's under MIG. An engine's
    `gpu_memory_utilization` is a share of this."""
    max_utilization: float
    """The largest share of `visible_bytes` that leaves the other clients theirs."""
    nvlink: bool
    """Whether devices of one pod are linked by NVLink."""

    @property
    def device_class(self) -> str:
        """The DeviceClass, for pools that allocate by claim.

        NVIDIA's driver of Dynamic Resource Allocation has one for GPUs and one for MIG instances.
        """
        return "mig.nvidia.com" if self.profile else "gpu.nvidia.com"


def devices(gpu: GpuSpec, gpus_per_node: int, sharing: Sharing) -> list[Device]:
    """The devices of each node: one kind, or one for each MIG profile.

    Under the device plugin's MIG strategy `mixed`, which is the only one used, the resource of an
    instance names its profile. The geometry must fit the card: see `sizing.mig.fits`.
    """
    if isinstance(sharing, Mig):
        return [
            _slice(gpu, profile, count * gpus_per_node)
            for profile, count in sorted(sharing.geometry.items())
        ]
    clients = sharing.clients if isinstance(sharing, TimeSlicing | Mps) else 1
    return [
        Device(
            profile=None,
            resource=GPU_RESOURCE if clients == 1 else SHARED_RESOURCE,
            per_node=gpus_per_node * clients,
            per_pod=gpus_per_node if clients == 1 else 1,
            memory_bytes=gpu.memory_bytes // clients,
            visible_bytes=gpu.memory_bytes,
            max_utilization=max_utilization(gpu.memory_bytes, 1 / clients),
            nvlink=gpu.nvlink and clients == 1,
        )
    ]


def narrowed(device: Device, share: float) -> Device:
    """*device* for an MPS client that takes *share* of its card, less than its equal share."""
    return device.model_copy(
        update={
            "memory_bytes": int(device.visible_bytes * share),
            "max_utilization": max_utilization(device.visible_bytes, share),
        }
    )


def max_utilization(visible_bytes: int, share: float) -> float:
    """The largest `gpu_memory_utilization` of a client that has *share* of the card.

    Two decimals, rounded down: the share, less the client's own CUDA context. A client that has
    the card to itself may take nearly all of it.
    """
    if share >= 1:
        return MAX_UTILIZATION
    return max(0.0, floor(100 * (share - CONTEXT_BYTES.value / visible_bytes)) / 100)


def equal_share(sharing: Sharing) -> float:
    """The share of a card that each client has; 1 for exclusive GPUs and MIG instances."""
    return 1 / sharing.clients if isinstance(sharing, TimeSlicing | Mps) else 1.0


def _slice(gpu: GpuSpec, profile: str, per_node: int) -> Device:
    found = mig.profile(gpu, profile)
    memory = found.memory_bytes
    return Device(
        profile=profile,
        resource=found.resource,
        per_node=per_node,
        per_pod=1,
        memory_bytes=memory,
        visible_bytes=memory,
        max_utilization=MAX_UTILIZATION,
        nvlink=False,
    )
