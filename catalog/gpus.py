"""GPUs: the memory that a driver reports, and what decides where a model may run."""

from collections.abc import Mapping
from functools import cache

from pydantic import Field

from catalog.load import find, read_entries
from config.base import Model

MIB = 1024 * 1024


class GpuSpec(Model):
    """One GPU model of the catalog."""

    key: str
    """Short id, used in a stack's YAML, like `h200-141gb`."""
    product: str
    """What GPU feature discovery writes to the node label `nvidia.com/gpu.product`."""
    memory_mib: int = Field(gt=0)
    """Memory as nvidia-smi reports it, in MiB (less than the name's decimal GB suggests)."""
    bandwidth_bytes_per_second: int = Field(gt=0)
    """Peak memory bandwidth, from the data sheet."""
    nvlink: bool
    """Whether GPUs of one node are linked by NVLink (else PCIe: tensor parallelism pays dearly)."""
    compute_capability: str = Field(pattern=r"^\d+\.\d+$")
    fp8: bool
    """FP8 tensor cores (compute capability 8.9 and later). Without them vLLM still serves FP8
    weights, unpacking them to 16 bits for the arithmetic."""
    power_watts: int = Field(gt=0)
    """Board power limit as shipped."""
    sources: list[str] = Field(min_length=1)

    @property
    def memory_bytes(self) -> int:
        """Memory of one GPU in bytes."""
        return self.memory_mib * MIB


@cache
def gpus() -> Mapping[str, GpuSpec]:
    """Every GPU of the catalog, by key."""
    return read_entries("gpus.yaml", GpuSpec)


def gpu(key: str) -> GpuSpec:
    """The GPU with this key, or an UnknownEntryError that names the nearest."""
    return find("GPU", "gpus.yaml", gpus(), key)
