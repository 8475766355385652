"""What Kubernetes hands out of a GPU under each way of sharing it: whole, in turns, in parts.

A *device* is one unit of the resource that a pod asks for. Memory is in bytes.
"""

from math import floor
from typing import Final

from base.model import Model
from catalog.gpus import GpuSpec
from sizing import mig
from sizing.overhead import GIB, Measured
from sizing.sharing import Mig, Mps, Sharing, TimeSlicing

GPU_RESOURCE: Final = "nvidia.com/gpu"
"""Whole GPUs."""
SHARED_RESOURCE: Final = "nvidia.com/gpu.shared"
"""GPUs in turns or parts: the plugin's `renameByDefault`, so that who wants a whole one never gets
a part of one."""

MAX_UTILIZATION: Final = 0.98
"""Of memory that nobody else uses; the rest is the driver's."""

CONTEXT_BYTES: Final = Measured(
    0.5 * GIB,
    "catalog/gpus.yaml: a CUDA context takes about 0.5 GiB of a card; each client brings its own",
)


class Device(Model):
    """One unit of what a pool offers."""

    profile: str | None
    """The MIG profile; none for GPUs that are not cut."""
    resource: str
    """What a container asks for, among its resources."""
    per_node: int
    """How many of them each node offers."""
    per_pod: int
    """How many of them one pod may take: one, where they are parts of GPUs, since neither NCCL
    across instances of MIG nor a second part of the same card is what tensor parallelism means."""
    memory_bytes: int
    """What one client may take of it."""
    visible_bytes: int
    """What CUDA calls the total: the whole card, unless hardware divides it. An engine's
    `gpu_memory_utilization` is a share of this."""
    max_utilization: float
    """The largest share of `visible_bytes` that leaves the other clients theirs."""
    nvlink: bool
    """Whether devices of one pod talk over NVLink."""

    @property
    def device_class(self) -> str:
        """The class to claim it of, where devices are claimed and not counted.

        NVIDIA's driver of Dynamic Resource Allocation has one for GPUs and one for MIG instances.
        """
        return "mig.nvidia.com" if self.profile else "gpu.nvidia.com"


def devices(gpu: GpuSpec, gpus_per_node: int, sharing: Sharing) -> list[Device]:
    """What each node offers: one kind of device, or one for each MIG profile.

    Under the strategy `mixed`, which is the only one used, the resource of an instance names its
    profile. The geometry must fit the card: ask `sizing.mig.fits` first.
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
    """*device* for an MPS client that takes only *share* of its card, less than its equal part."""
    return device.model_copy(
        update={
            "memory_bytes": int(device.visible_bytes * share),
            "max_utilization": max_utilization(device.visible_bytes, share),
        }
    )


def max_utilization(visible_bytes: int, share: float) -> float:
    """The largest `gpu_memory_utilization` of a client whose part of the card is *share*.

    Two decimals, rounded down: the part, less the client's own context. A client that has the card
    for itself may take nearly all of it.
    """
    if share >= 1:
        return MAX_UTILIZATION
    return max(0.0, floor(100 * (share - CONTEXT_BYTES.value / visible_bytes)) / 100)


def equal_share(sharing: Sharing) -> float:
    """The part of a card that each of its clients has; 1 where nothing is shared in software."""
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
