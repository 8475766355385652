"""The kinds of machine that a cluster may consist of, and the resources each offers to pods."""

from typing import Final, Literal

from pydantic import Field

from base.model import Model
from catalog.gpus import GpuSpec, gpu

Profile = Literal[
    "8xh200-141gb",
    "1xh200-141gb",
    "8xh100-80gb",
    "4xl40s-48gb",
    "4xa100-80gb",
    "2xrtx6000ada-48gb",
    "cpu-8",
    "cpu-16",
]
"""A kind of machine; `MACHINES` describes each."""

# Reserved, as by a kubelet with kubeadm's defaults and one reserved core; it also evicts pods below
# 10 % of free disk.
_RESERVED_CPU = 1
_RESERVED_MEMORY_GIB = 2

MOST_PODS: Final = 110
"""Pods of one node: the kubelet's `--max-pods` where nothing is set."""


class Machine(Model):
    """One kind of node, with the capacity that its kubelet would report."""

    cpu: int = Field(description="Virtual CPUs.")
    memory_gib: int = Field(description="Memory, GiB.")
    disk_gib: int = Field(description="Ephemeral storage, GiB.")
    type: str = Field(description="node.kubernetes.io/instance-type.")
    gpu: str | None = Field(default=None, description="Its GPUs, all alike: a key of gpus.yaml.")
    gpus: int = Field(default=0, description="Number of GPUs.")

    @property
    def card(self) -> GpuSpec | None:
        """The catalog's entry of its GPUs; None without any."""
        return gpu(self.gpu) if self.gpu else None

    @property
    def cpu_for_pods(self) -> int:
        """Virtual CPUs that pods may reserve."""
        return self.cpu - _RESERVED_CPU

    @property
    def memory_gib_for_pods(self) -> int:
        """Memory that pods may reserve, GiB."""
        return self.memory_gib - _RESERVED_MEMORY_GIB

    @property
    def disk_gib_for_pods(self) -> int:
        """Ephemeral storage that pods may reserve, GiB."""
        return self.disk_gib * 9 // 10


# CPU, memory and disk of the GPU machines are those of common servers: DGX H100/H200 (2x56 cores
# with hyper-threading, 2 TiB), 2-socket servers for the rest; `1xh200-141gb` is a virtual machine
# with one GPU passed through. `cpu-16` is a usual machine for control plane and data (16 vCPU,
# 64 GB).
MACHINES: Final[dict[Profile, Machine]] = {
    "8xh200-141gb": Machine(
        cpu=224,
        memory_gib=2048,
        disk_gib=3500,
        type="DGXH200",
        gpu="h200-141gb",
        gpus=8,
    ),
    "1xh200-141gb": Machine(
        cpu=48,
        memory_gib=384,
        disk_gib=900,
        type="1xH200",
        gpu="h200-141gb",
        gpus=1,
    ),
    "8xh100-80gb": Machine(
        cpu=224,
        memory_gib=2048,
        disk_gib=3500,
        type="DGXH100",
        gpu="h100-80gb",
        gpus=8,
    ),
    "4xl40s-48gb": Machine(
        cpu=128,
        memory_gib=768,
        disk_gib=1750,
        type="4xL40S",
        gpu="l40s-48gb",
        gpus=4,
    ),
    "4xa100-80gb": Machine(
        cpu=128,
        memory_gib=1024,
        disk_gib=1750,
        type="4xA100",
        gpu="a100-80gb",
        gpus=4,
    ),
    "2xrtx6000ada-48gb": Machine(
        cpu=32,
        memory_gib=256,
        disk_gib=900,
        type="2xRTX6000Ada",
        gpu="rtx6000ada-48gb",
        gpus=2,
    ),
    "cpu-8": Machine(cpu=8, memory_gib=32, disk_gib=200, type="cpu-8"),
    "cpu-16": Machine(cpu=16, memory_gib=64, disk_gib=400, type="cpu-16"),
}
