"""Where a model could run: how to spread it, and the fewest GPUs of each kind that hold it."""

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
"""GPUs per node in the search: HGX boards have eight, PCIe servers up to eight."""

MAX_NODES: Final = 8
"""End of the search, 64 GPUs: a model that needs more has no placement to suggest."""


class Parallelism(Model):
    """How a replica is spread over its GPUs."""

    tensor_parallel: int
    """GPUs that share each layer."""
    pipeline_parallel: int
    """Pipeline stages, among which the layers are divided."""

    @property
    def gpus(self) -> int:
        """GPUs per replica."""
        return self.tensor_parallel * self.pipeline_parallel


class Placement(Model):
    """A model on the fewest GPUs of one kind."""

    gpu: str
    gpus: int
    nodes: int
    tensor_parallel: int
    pipeline_parallel: int
    fit: Fit
    roofline: Roofline | None


class SizingRequest(Model):
    """The model to serve, the types of its weights and cache, and its load."""

    model: ModelSpec
    dtype: WeightDtype
    kv_dtype: KvDtype = "auto"
    context_tokens: int
    """Longest prompt and answer together."""
    concurrency: int = 1
    """Requests of that length whose KV cache must fit at once."""
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION


def parallelisms(arch: Architecture | None, gpu: GpuSpec, gpus: int) -> list[Parallelism]:
    """Ways to spread a model over exactly `gpus`, the preferable first.

    Tensor parallelism stays within a node and divides the heads; with NVLink as much of it as
    possible, without it as little, since every layer then waits for PCIe. Pipeline stages take the
    rest, at most one per layer; over several nodes, each node is full and each stage within one.
    """
    layers = arch.layers if arch else 1
    sizes = [
        size
        for size in tensor_parallel_sizes(arch, min(gpus, NODE_GPUS))
        if gpus % size == 0 and gpus // size <= layers
    ]
    if gpus > NODE_GPUS:
        sizes = [size for size in sizes if gpus % NODE_GPUS == 0 and NODE_GPUS % size == 0]
    return [
        Parallelism(tensor_parallel=size, pipeline_parallel=gpus // size)
        for size in sorted(sizes, reverse=gpu.nvlink)
    ]


def evaluate(request: SizingRequest, gpu: GpuSpec, parallelism: Parallelism) -> Placement:
    """The requested model on GPUs of this kind, whether it fits or not."""
    return Placement(
        gpu=gpu.key,
        gpus=parallelism.gpus,
        nodes=_nodes(parallelism),
        tensor_parallel=parallelism.tensor_parallel,
        pipeline_parallel=parallelism.pipeline_parallel,
        fit=fit(
            request.model,
            gpu,
            dtype=request.dtype,
            kv_dtype=request.kv_dtype,
            tensor_parallel=parallelism.tensor_parallel,
            pipeline_parallel=parallelism.pipeline_parallel,
            context_tokens=request.context_tokens,
            concurrency=request.concurrency,
            gpu_memory_utilization=request.gpu_memory_utilization,
        ),
        roofline=roofline(
            request.model,
            gpu,
            dtype=request.dtype,
            kv_dtype=request.kv_dtype,
            tensor_parallel=parallelism.tensor_parallel,
            pipeline_parallel=parallelism.pipeline_parallel,
            context_tokens=request.context_tokens,
            concurrency=request.concurrency,
        ),
    )


def smallest(request: SizingRequest, gpu: GpuSpec) -> Placement | None:
    """The fewest GPUs of this kind that hold the requested model; None where 64 do not.

    With NVLink a node is one tensor-parallel group and stages are nodes, as far as the heads
    allow: three linked GPUs in three stages would hold it too, and answer no faster than one.
    """
    arch = request.model.architecture
    counts = [*range(1, NODE_GPUS + 1), *(NODE_GPUS * nodes for nodes in range(2, MAX_NODES + 1))]
    ways = [way for gpus in counts for way in parallelisms(arch, gpu, gpus)]
    if gpu.nvlink:
        ways.sort(key=lambda way: way.pipeline_parallel > _nodes(way))
    found = (evaluate(request, gpu, way) for way in ways)
    return next((placement for placement in found if placement.fit.fits), None)


def placements(request: SizingRequest, gpus: Iterable[GpuSpec]) -> list[Placement]:
    """The smallest placement on each kind of GPU that has one, fewest GPUs first."""
    found = [placement for gpu in gpus if (placement := smallest(request, gpu))]
    return sorted(found, key=lambda placement: (placement.gpus, placement.fit.gpu_bytes))


def _nodes(parallelism: Parallelism) -> int:
    return -(-parallelism.gpus // NODE_GPUS)
