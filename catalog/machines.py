"""The machines that a cluster may consist of, as data: what a node of each offers to pods."""

from typing import Final

from pydantic import Field

from config.base import Model
from config.cluster import Profile

# Held back from pods, as a kubelet with the defaults of kubeadm and one reserved core would. It
# evicts below 10 % of free disk, too.
_RESERVED_CPU = 1
_RESERVED_MEMORY_GIB = 2


class Gpu(Model):
    """The GPUs of one machine, all alike, as GPU feature discovery reports them."""

    product: str = Field(description="nvidia.com/gpu.product: the name NVML gives, hyphenated.")
    count: int = Field(description="nvidia.com/gpu.count, and the device plugin's capacity.")
    memory_mib: int = Field(description="nvidia.com/gpu.memory: memory of one GPU, MiB.")
    family: str = Field(description="nvidia.com/gpu.family: the architecture.")
    compute: tuple[int, int] = Field(description="CUDA compute capability, major and minor.")
    mig_capable: bool = Field(description="nvidia.com/mig.capable.")


class Machine(Model):
    """One kind of node: what the kubelet would report."""

    cpu: int = Field(description="Virtual CPUs.")
    memory_gib: int = Field(description="Memory, GiB.")
    disk_gib: int = Field(description="Ephemeral storage, GiB.")
    type: str = Field(description="node.kubernetes.io/instance-type.")
    gpu: Gpu | None = None

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


# Memory is what `nvidia-smi` reports as the total of one card, which GPU feature discovery copies:
# 143771 (H200), 81559 (H100 80GB HBM3), 46068 (L40S), 81920 (A100 80GB), 49140 (RTX 6000 Ada).
# Compute capabilities: https://developer.nvidia.com/cuda-gpus. CPU, memory and disk of the GPU
# machines are those of common servers: DGX H100/H200 (2x56 cores with hyper-threading, 2 TiB),
# 2-socket servers for the rest; the one GPU is that of a virtual machine, passed through as the
# second seed document does it. `cpu-16` is the control and data machine of the first seed
# document (16 vCPU, 64 GB).
MACHINES: Final[dict[Profile, Machine]] = {
    "8xh200-141gb": Machine(
        cpu=224,
        memory_gib=2048,
        disk_gib=3500,
        type="DGXH200",
        gpu=Gpu(
            product="NVIDIA-H200",
            count=8,
            memory_mib=143771,
            family="hopper",
            compute=(9, 0),
            mig_capable=True,
        ),
    ),
    "1xh200-141gb": Machine(
        cpu=48,
        memory_gib=384,
        disk_gib=900,
        type="1xH200",
        gpu=Gpu(
            product="NVIDIA-H200",
            count=1,
            memory_mib=143771,
            family="hopper",
            compute=(9, 0),
            mig_capable=True,
        ),
    ),
    "8xh100-80gb": Machine(
        cpu=224,
        memory_gib=2048,
        disk_gib=3500,
        type="DGXH100",
        gpu=Gpu(
            product="NVIDIA-H100-80GB-HBM3",
            count=8,
            memory_mib=81559,
            family="hopper",
            compute=(9, 0),
            mig_capable=True,
        ),
    ),
    "4xl40s-48gb": Machine(
        cpu=128,
        memory_gib=768,
        disk_gib=1750,
        type="4xL40S",
        gpu=Gpu(
            product="NVIDIA-L40S",
            count=4,
            memory_mib=46068,
            family="ada-lovelace",
            compute=(8, 9),
            mig_capable=False,
        ),
    ),
    "4xa100-80gb": Machine(
        cpu=128,
        memory_gib=1024,
        disk_gib=1750,
        type="4xA100",
        gpu=Gpu(
            product="NVIDIA-A100-SXM4-80GB",
            count=4,
            memory_mib=81920,
            family="ampere",
            compute=(8, 0),
            mig_capable=True,
        ),
    ),
    "2xrtx6000ada-48gb": Machine(
        cpu=32,
        memory_gib=256,
        disk_gib=900,
        type="2xRTX6000Ada",
        gpu=Gpu(
            product="NVIDIA-RTX-6000-Ada-Generation",
            count=2,
            memory_mib=49140,
            family="ada-lovelace",
            compute=(8, 9),
            mig_capable=False,
        ),
    ),
    "cpu-8": Machine(cpu=8, memory_gib=32, disk_gib=200, type="cpu-8"),
    "cpu-16": Machine(cpu=16, memory_gib=64, disk_gib=400, type="cpu-16"),
}
