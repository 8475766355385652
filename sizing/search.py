"""Where a model could run: ways to cut it, and the fewest GPUs of each kind that hold it."""

from collections.abc import Iterable
from typing import Final

from base.model import Model
from catalog.architecture import Architecture
from catalog.gpus import GpuSpec
from catalog.models import ModelSpec, WeightDtype
from sizing.memory import (
    GPU_MEMORY_UTILIZATION,
    Fit,
    KvDtype,
    fit,
    tensor_parallel_sizes,
)
from sizing.roofline import Roofline, roofline

NODE_GPUS: Final = 8
"""GPUs of a node, where nothing else is said: HGX boards have eight, and PCIe servers up to it."""

MAX_NODES: Final = 8
"""Where the search ends: 64 GPUs. What needs more is no placement to suggest."""


class Cut(Model):
    """How a replica is spread over its GPUs."""

    tp: int
    """GPUs that share each layer."""
    pp: int
    """Stages that share out the layers."""

    @property
    def gpus(self) -> int:
        """GPUs of one replica."""
        return self.tp * self.pp


class Placement(Model):
    """A model on the fewest GPUs of one kind."""

    gpu: str
    gpus: int
    nodes: int
    tp: int
    pp: int
    fit: Fit
    roofline: Roofline | None


class Asked(Model):
    """What is to be served."""

    model: ModelSpec
    dtype: WeightDtype
    kv_dtype: KvDtype = "auto"
    context_tokens: int
    """Longest prompt and answer together."""
    concurrency: int = 1
    """Requests of that length whose KV cache must fit at once."""
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION


def cuts(arch: Architecture | None, gpu: GpuSpec, gpus: int) -> list[Cut]:
    """Ways to spread a model over exactly `gpus`, the preferable first.

    Tensor parallelism stays within a node and divides the heads; with NVLink as much of it as
    possible, without it as little, since every layer then waits for PCIe. Stages take the rest,
    at most one a layer; where there are several nodes, each node is whole and a stage within it.
    """
    layers = arch.layers if arch else 1
    sizes = [
        tp
        for tp in tensor_parallel_sizes(arch, min(gpus, NODE_GPUS))
        if gpus % tp == 0 and gpus // tp <= layers
    ]
    if gpus > NODE_GPUS:
        sizes = [tp for tp in sizes if gpus % NODE_GPUS == 0 and NODE_GPUS % tp == 0]
    return [Cut(tp=tp, pp=gpus // tp) for tp in sorted(sizes, reverse=gpu.nvlink)]


def on(asked: Asked, gpu: GpuSpec, cut: Cut) -> Placement:
    """What is asked on GPUs of this kind, whether it fits or not."""
    return Placement(
        gpu=gpu.key,
        gpus=cut.gpus,
        nodes=_nodes(cut),
        tp=cut.tp,
        pp=cut.pp,
        fit=fit(
            asked.model,
            gpu,
            dtype=asked.dtype,
            kv_dtype=asked.kv_dtype,
            tp=cut.tp,
            pp=cut.pp,
            context_tokens=asked.context_tokens,
            concurrency=asked.concurrency,
            gpu_memory_utilization=asked.gpu_memory_utilization,
        ),
        roofline=roofline(
            asked.model,
            gpu,
            dtype=asked.dtype,
            kv_dtype=asked.kv_dtype,
            tp=cut.tp,
            pp=cut.pp,
            context_tokens=asked.context_tokens,
            concurrency=asked.concurrency,
        ),
    )


def smallest(asked: Asked, gpu: GpuSpec) -> Placement | None:
    """The fewest GPUs of this kind that hold what is asked; None where 64 do not.

    With NVLink a node is one tensor-parallel group and stages are nodes, as far as the heads
    allow: three linked GPUs in three stages would hold it too, and answer no faster than one.
    """
    arch = asked.model.architecture
    counts = [*range(1, NODE_GPUS + 1), *(NODE_GPUS * nodes for nodes in range(2, MAX_NODES + 1))]
    ways = [cut for gpus in counts for cut in cuts(arch, gpu, gpus)]
    if gpu.nvlink:
        ways.sort(key=lambda cut: cut.pp > _nodes(cut))
    found = (on(asked, gpu, cut) for cut in ways)
    return next((placement for placement in found if placement.fit.fits), None)


def placements(asked: Asked, gpus: Iterable[GpuSpec]) -> list[Placement]:
    """The smallest placement on each kind of GPU that has one, fewest GPUs first."""
    found = [placement for gpu in gpus if (placement := smallest(asked, gpu))]
    return sorted(found, key=lambda placement: (placement.gpus, placement.fit.gpu_bytes))


def _nodes(cut: Cut) -> int:
    return -(-cut.gpus // NODE_GPUS)
