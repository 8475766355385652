"""GPUs: the memory that a driver reports, and what decides where a model may run, and how fast."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from base.model import Model
from catalog.load import find, read_entries

MIB = 1024 * 1024

Vendor = Literal["nvidia", "amd"]

TensorDtype = Literal["bf16", "fp8", "int8", "fp4"]
"""What tensor cores multiply; FP16 goes at the speed of BF16."""


class MigProfile(Model):
    """One kind of slice that MIG may cut from a card, and where on the card it may lie.

    A card's memory is a row of slices, eight on most; an instance covers `memory_slices` of them
    from one of `starts`, and two instances may not overlap. That, and not the sum of the sizes,
    decides which layouts exist.
    """

    name: str = Field(pattern=r"^\d+g\.\d+gb$")
    """As NVIDIA calls it, like `1g.18gb`."""
    memory_mib: int = Field(gt=0)
    """Memory of one instance as nvidia-smi reports it, MiB: less than the name's GB."""
    compute_slices: int = Field(gt=0)
    """Sevenths (quarters on the RTX PRO 6000) of the card's arithmetic."""
    memory_slices: int = Field(gt=0)
    """Slices of the row that one instance covers; also its share of the bandwidth."""
    starts: list[int] = Field(min_length=1)
    """Slices of the row where an instance may begin."""

    @property
    def max_instances(self) -> int:
        """How many instances of this profile alone a card holds."""
        return len(self.starts)

    @property
    def resource(self) -> str:
        """The extended resource of one instance, with the device plugin's strategy `mixed`."""
        return f"nvidia.com/mig-{self.name}"

    @property
    def memory_bytes(self) -> int:
        """Memory of one instance in bytes."""
        return self.memory_mib * MIB


class GpuSpec(Model):
    """One GPU model of the catalog."""

    key: str
    """Short id, used in a stack's YAML, like `h200-141gb`."""
    vendor: Vendor = "nvidia"
    product: str
    """What feature discovery writes to the node label `nvidia.com/gpu.product` (AMD:
    `amd.com/gpu.product-name`)."""
    memory_mib: int = Field(gt=0)
    """Memory as nvidia-smi reports it, in MiB (less than the name's decimal GB suggests)."""
    bandwidth_bytes_per_second: int = Field(gt=0)
    """Peak memory bandwidth, from the data sheet."""
    nvlink: bool
    """Whether GPUs of one node are linked by NVLink, or AMD's Infinity Fabric (else PCIe: tensor
    parallelism pays dearly)."""
    link_bytes_per_second: int | None = Field(default=None, gt=0)
    """Bandwidth of that link, of one GPU, both directions together; None without one."""
    compute_capability: str = Field(pattern=r"^(\d+\.\d+|gfx[0-9a-f]+)$")
    """CUDA's compute capability, like `9.0`; for AMD the target, like `gfx942`."""
    tensor_flops: dict[TensorDtype, int] = Field(min_length=1)
    """Peak operations a second on dense matrices (no sparsity), by type. A type that is missing
    the card cannot multiply: it unpacks such weights to 16 bits."""
    power_watts: int = Field(gt=0)
    """Board power limit as shipped."""
    min_driver_branch: int | None = Field(default=None, gt=0)
    """NVIDIA driver branch, like 525, that first served the card (and MIG on it); None for AMD."""
    min_toolkit: str = Field(pattern=r"^\d+\.\d+$")
    """First CUDA (AMD: ROCm) version that generates code for it."""
    mig: list[MigProfile] = Field(default=[])
    """What MIG may cut it into; empty where the card has no MIG."""
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

        Without them vLLM still serves FP8 weights, unpacking them to 16 bits for the arithmetic.
        """
        return "fp8" in self.tensor_flops


@cache
def gpus() -> Mapping[str, GpuSpec]:
    """Every GPU of the catalog, by key."""
    return read_entries("gpus.yaml", GpuSpec)


def gpu(key: str) -> GpuSpec:
    """The GPU with this key, or an UnknownEntryError that names the nearest."""
    return find("GPU", "gpus.yaml", gpus(), key)
