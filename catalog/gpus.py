"""GPUs: memory, bandwidth, arithmetic, links, MIG profiles and drivers."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from base.model import Model
from base.units import MIB
from catalog.load import find, read_entries

Vendor = Literal["nvidia", "amd"]

TensorDtype = Literal["bf16", "fp8", "int8", "fp4"]
"""Types that tensor cores multiply; FP16 runs at the speed of BF16."""


class MigProfile(Model):
    """A kind of MIG instance, and the places on the card where it may lie.

    A card's memory is a row of slices, eight on most; an instance covers `memory_slices` of them
    from one of `starts`, and two instances may not overlap. That, and not the sum of the sizes,
    decides which layouts exist.
    """

    name: str = Field(pattern=r"^\d+g\.\d+gb$")
    """NVIDIA's name, such as `1g.18gb`."""
    memory_mib: int = Field(gt=0)
    """Memory per instance as nvidia-smi reports it, MiB: less than the name's GB."""
    compute_slices: int = Field(gt=0)
    """Sevenths (quarters on the RTX PRO 6000) of the card's processors."""
    memory_slices: int = Field(gt=0)
    """Slices of the row that one instance covers; also its share of the bandwidth."""
    starts: list[int] = Field(min_length=1)
    """Slices of the row where an instance may begin."""

    @property
    def max_instances(self) -> int:
        """Instances of this profile that a card holds, with no others on it."""
        return len(self.starts)

    @property
    def resource(self) -> str:
        """The extended resource of an instance, under the device plugin's strategy `mixed`."""
        return f"nvidia.com/mig-{self.name}"

    @property
    def memory_bytes(self) -> int:
        """Memory per instance in bytes."""
        return self.memory_mib * MIB


class GpuSpec(Model):
    """One GPU model of the catalog."""

    key: str
    """Short id used in a stack's YAML, such as `h200-141gb`."""
    vendor: Vendor = "nvidia"
    product: str
    """Value of the node label `nvidia.com/gpu.product` that feature discovery writes (AMD:
    `amd.com/gpu.product-name`)."""
    memory_mib: int = Field(gt=0)
    """Memory as nvidia-smi reports it, MiB (less than the name's decimal GB suggests)."""
    bandwidth_bytes_per_second: int = Field(gt=0)
    """Peak memory bandwidth, from the data sheet."""
    nvlink: bool
    """Whether GPUs of one node are linked by NVLink or AMD's Infinity Fabric; over PCIe, tensor
    parallelism is slow."""
    link_bytes_per_second: int | None = Field(default=None, gt=0)
    """Bandwidth of that link per GPU, both directions together; None without one."""
    compute_capability: str = Field(pattern=r"^(\d+\.\d+|gfx[0-9a-f]+)$")
    """CUDA's compute capability, such as `9.0`; for AMD the target, such as `gfx942`."""
    tensor_flops: dict[TensorDtype, int] = Field(min_length=1)
    """Peak operations per second on dense matrices (no sparsity), by type. The card does not
    support a missing type: engines unpack such weights to 16 bits."""
    power_watts: int = Field(gt=0)
    """Board power limit as shipped."""
    min_driver_branch: int | None = Field(default=None, gt=0)
    """First NVIDIA driver branch, such as 525, for the card (and MIG on it); None for AMD."""
    min_toolkit: str = Field(pattern=r"^\d+\.\d+$")
    """First CUDA (AMD: ROCm) version that generates code for it."""
    mig: list[MigProfile] = Field(default=[])
    """MIG profiles; empty where the card has no MIG."""
    sources: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _link_is_described(self) -> "GpuSpec":
        if self.nvlink != (self.link_bytes_per_second is not None):
            msg = "link_bytes_per_second is given for nvlink: true, and only for it"
            raise ValueError(msg)
        if (self.vendor == "nvidia") != (self.min_driver_branch is not None):
            msg = "min_driver_branch is given for vendor: nvidia, and only for it"
            raise ValueError(msg)
        return self

    @property
    def memory_bytes(self) -> int:
        """Memory of one GPU in bytes."""
        return self.memory_mib * MIB

    @property
    def fp8(self) -> bool:
        """Whether it has FP8 tensor cores (compute capability 8.9 and later).

        Without them vLLM still serves FP8 weights, unpacked to 16 bits for the arithmetic.
        """
        return "fp8" in self.tensor_flops


@cache
def gpus() -> Mapping[str, GpuSpec]:
    """Every GPU of the catalog, by key."""
    return read_entries("gpus.yaml", GpuSpec)


def gpu(key: str) -> GpuSpec:
    """The GPU with this key. Raises UnknownEntryError, which names the nearest."""
    return find("GPU", "gpus.yaml", gpus(), key)
