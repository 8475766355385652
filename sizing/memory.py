"""Memory of one model on its GPUs: weights, KV cache, overhead, and whether they fit.

Everything here is per GPU unless its name says otherwise, in bytes and tokens. A replica takes
`tensor_parallel * pipeline_parallel * data_parallel` GPUs; figures are of the fullest of them.
"""

from bisect import bisect_right
from collections.abc import Callable
from math import ceil
from typing import Final, Protocol

from pydantic import Field

from base.model import Model
from catalog.architecture import Architecture
from catalog.models import ModelSpec, WeightDtype
from sizing.kv import KvDtype, in_flight_tokens, kv_bytes, kv_bytes_per_token
from sizing.overhead import overhead
from sizing.weights import weights_bytes, weights_bytes_per_gpu

__all__ = [
    "GPU_MEMORY_UTILIZATION",
    "KV_BLOCK_TOKENS",
    "Fit",
    "HasMemory",
    "KvDtype",
    "fit",
    "kv_bytes",
    "kv_bytes_per_token",
    "tensor_parallel_sizes",
    "weights_bytes",
    "weights_bytes_per_gpu",
]

GPU_MEMORY_UTILIZATION: Final = 0.92
"""vLLM's own default: vllm/config/cache.py of the 0.33.0 wheel."""

KV_BLOCK_TOKENS: Final = 16
"""vLLM hands out KV cache in blocks of this many tokens."""


class HasMemory(Protocol):
    """A GPU, or a share of one."""

    @property
    def memory_bytes(self) -> int:
        """Memory in bytes."""
        ...


class Fit(Model):
    """A model's memory on its GPUs; all but `max_context_tokens` and counts are bytes per GPU."""

    weights_bytes: int
    """This GPU's share of the weights."""
    kv_bytes: int
    """KV cache of `concurrency` sequences of the requested context on this GPU, including the
    tokens that layers with a window hold while a prompt is prefilled."""
    overhead_bytes: int
    """Activations, CUDA graphs, runtime: the larger of the published figures."""
    overhead_uncertainty_bytes: int
    """Difference between `overhead_bytes` and the lowest published figure."""
    per_gpu_bytes: int
    """Sum of the three: memory that the GPU needs."""
    gpu_bytes: int
    """The card's whole memory."""
    budget_bytes: int
    """Share of it that the engine may use (`--gpu-memory-utilization`)."""
    headroom_bytes: int
    """budget_bytes - per_gpu_bytes; negative where the model does not fit."""
    fits: bool
    kv_bytes_per_token: int
    """KV cache per token on this GPU, while it is inside every layer's window; 0 for a model
    without a cache."""
    max_context_tokens: int = Field(ge=0)
    """Longest context that fits at the requested concurrency, at most the model's own; 0 where not
    even one block fits beside the weights, and for speech and image models."""
    max_concurrency: int | None = Field(ge=0)
    """Sequences of the requested context that fit at once; None: no KV cache limits them."""


def tensor_parallel_sizes(arch: Architecture | None, at_most: int) -> list[int]:
    """Tensor-parallel sizes up to `at_most` that this architecture supports.

    The attention heads must divide, KV heads must either divide or be replicated evenly, and so
    must the heads and groups of linear layers. A model without token architecture stays on one GPU.
    """
    if arch is None:
        return [1]
    return [
        tensor_parallel
        for tensor_parallel in range(1, at_most + 1)
        if _can_be_cut(arch, tensor_parallel)
    ]


def _can_be_cut(arch: Architecture, tensor_parallel: int) -> bool:
    for kind in ("F", "S") if arch.windowed else ("F",):
        own = arch.heads_of(kind)
        if own.heads % tensor_parallel:
            return False
        if (
            arch.attention != "mla"
            and own.kv_heads % tensor_parallel
            and tensor_parallel % own.kv_heads
        ):
            return False
    if arch.linear is None:
        return True
    # vLLM replicates a single group of Mamba 2, and divides any other number evenly or not at all.
    return arch.linear.heads % tensor_parallel == 0 and (
        not arch.linear.has_groups or arch.linear.groups % tensor_parallel == 0
    )


def fit(
    model: ModelSpec,
    gpu: HasMemory,
    *,
    dtype: WeightDtype | None = None,
    kv_dtype: KvDtype = "auto",
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    data_parallel: int = 1,
    expert_parallel: bool = False,
    context_tokens: int,
    concurrency: int = 1,
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION,
    extra_bytes: int = 0,
) -> Fit:
    """The memory of `model` on `tensor_parallel * pipeline_parallel * data_parallel` equal GPUs.

    `concurrency` counts sequences of the full `context_tokens` that must have their KV cache at
    once, distributed over the `data_parallel` ranks; vLLM itself requires one, and preempts those
    that do not fit. `expert_parallel` distributes whole experts over the
    `tensor_parallel * data_parallel` GPUs. `dtype` defaults to the model's own. `extra_bytes` are
    additional weights, counted in full on every GPU. `tensor_parallel` is not checked:
    `tensor_parallel_sizes` says whether the heads divide.
    """
    weights = weights_bytes_per_gpu(
        model,
        dtype or model.serve_dtype,
        tensor_parallel,
        pipeline_parallel,
        expert_parallel=expert_parallel,
        data_parallel=data_parallel,
    )
    estimate = overhead(model, weights)
    weights += extra_bytes
    budget = int(gpu.memory_bytes * gpu_memory_utilization)
    left_for_kv = budget - weights - estimate.bytes
    arch, per_rank = model.architecture, ceil(concurrency / data_parallel)
    prefill = in_flight_tokens(gpu.memory_bytes, pipeline_parallel)

    def sequence(tokens: int, in_flight: int = 0) -> int:
        return (
            kv_bytes(
                arch, tokens, kv_dtype, tensor_parallel, pipeline_parallel, in_flight=in_flight
            )
            if arch
            else 0
        )

    def cache(tokens: int) -> int:
        """KV cache of all sequences, one of which is in prefill."""
        return sequence(tokens) * (per_rank - 1) + sequence(tokens, prefill)

    kv, one = cache(context_tokens), sequence(context_tokens)
    left_for_more = max(0, left_for_kv - kv + one * per_rank)
    needed = weights + estimate.bytes + kv
    return Fit(
        weights_bytes=weights,
        kv_bytes=kv,
        overhead_bytes=estimate.bytes,
        overhead_uncertainty_bytes=estimate.uncertainty_bytes,
        per_gpu_bytes=needed,
        gpu_bytes=gpu.memory_bytes,
        budget_bytes=budget,
        headroom_bytes=budget - needed,
        fits=needed <= budget,
        kv_bytes_per_token=kv_bytes_per_token(arch, kv_dtype, tensor_parallel, pipeline_parallel)
        if arch
        else 0,
        max_context_tokens=_max_context(arch, left_for_kv, cache) if arch else 0,
        max_concurrency=left_for_more // one * data_parallel if one else None,
    )


def _max_context(arch: Architecture, left_for_kv: int, kv_of_context: Callable[[int], int]) -> int:
    """The longest context, in whole blocks unless the model's own maximum fits."""
    if left_for_kv < 0:
        return 0
    if kv_of_context(arch.max_context) <= left_for_kv:
        return arch.max_context
    blocks = range(arch.max_context // KV_BLOCK_TOKENS + 1)
    fitting = bisect_right(blocks, left_for_kv, key=lambda b: kv_of_context(b * KV_BLOCK_TOKENS))
    return max(0, fitting - 1) * KV_BLOCK_TOKENS
