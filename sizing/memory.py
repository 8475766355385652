"""Memory of one model on its GPUs: weights, KV cache, overhead, and whether they fit.

Everything here is per GPU unless its name says otherwise, in bytes and tokens. With tensor
parallelism `tp`, pipeline parallelism `pp` and data parallelism `dp` a replica takes
`tp * pp * dp` GPUs; figures are of the fullest of them.
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
    "Device",
    "Fit",
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


class Device(Protocol):
    """Something with memory of its own: a GPU, or a share of one."""

    @property
    def memory_bytes(self) -> int:
        """Its memory in bytes."""
        ...


class Fit(Model):
    """How a model sits on its GPUs; all but `max_context_tokens` and counts are bytes per GPU."""

    weights_bytes: int
    """This GPU's share of the weights."""
    kv_bytes: int
    """KV cache that `concurrency` sequences of the asked context take on this GPU, with what
    layers with a window hold besides while a sequence is being read."""
    overhead_bytes: int
    """Activations, CUDA graphs, runtime: the larger of the published figures."""
    overhead_uncertainty_bytes: int
    """How far below `overhead_bytes` the lowest published figure is."""
    per_gpu_bytes: int
    """The three together: what the GPU must grant."""
    gpu_bytes: int
    """The card's whole memory."""
    budget_bytes: int
    """What the engine may use of it (`--gpu-memory-utilization`)."""
    headroom_bytes: int
    """budget_bytes - per_gpu_bytes; negative where it does not fit."""
    fits: bool
    kv_bytes_per_token: int
    """KV cache of one token on this GPU, while it is inside every layer's window; 0 for a model
    without a cache."""
    max_context_tokens: int = Field(ge=0)
    """Longest context that fits for the asked concurrency, at most the model's own; 0: not even
    one block fits beside the weights, or the model knows no tokens (speech, images)."""
    max_concurrency: int | None = Field(ge=0)
    """Sequences of the asked context that fit at once; None: no KV cache limits them."""


def tensor_parallel_sizes(arch: Architecture | None, at_most: int) -> list[int]:
    """Tensor-parallel sizes up to `at_most` that this architecture can be cut into.

    The attention heads must divide, KV heads must either divide or be replicated evenly, and so
    must the heads and groups of linear layers. A model without token architecture is never cut.
    """
    if arch is None:
        return [1]
    return [tp for tp in range(1, at_most + 1) if _can_be_cut(arch, tp)]


def _can_be_cut(arch: Architecture, tp: int) -> bool:
    if arch.heads % tp:
        return False
    if arch.attention != "mla" and arch.kv_heads % tp and tp % arch.kv_heads:
        return False
    if arch.linear is None:
        return True
    # vLLM replicates a single group of Mamba 2, and cuts no other number unevenly.
    one_group = arch.linear.kind == "mamba2" and arch.linear.groups == 1
    return arch.linear.heads % tp == 0 and (one_group or arch.linear.groups % tp == 0)


def fit(
    model: ModelSpec,
    gpu: Device,
    *,
    dtype: WeightDtype | None = None,
    kv_dtype: KvDtype = "auto",
    tp: int = 1,
    pp: int = 1,
    dp: int = 1,
    ep: bool = False,
    context_tokens: int,
    concurrency: int = 1,
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION,
    extra_bytes: int = 0,
) -> Fit:
    """How `model` sits on `tp * pp * dp` GPUs of this kind.

    `concurrency` counts sequences of the full `context_tokens` that must have their KV cache at
    once, dealt out over the `dp` ranks; vLLM itself insists on one, and preempts beyond what
    fits. `ep` deals whole experts out over the `tp * dp` GPUs. `dtype` defaults to the model's
    own. `extra_bytes` are of weights besides, on every GPU: how an engine cuts those is its own
    affair. `tp` is taken as given: ask `tensor_parallel_sizes` whether the heads divide.
    """
    weights = weights_bytes_per_gpu(model, dtype or model.serve_dtype, tp, pp, ep=ep, dp=dp)
    estimate = overhead(model, weights)
    weights += extra_bytes
    budget = int(gpu.memory_bytes * gpu_memory_utilization)
    left_for_kv = budget - weights - estimate.bytes
    arch, per_rank = model.architecture, ceil(concurrency / dp)
    in_flight = in_flight_tokens(gpu.memory_bytes, pp)

    def sequence(tokens: int, reading: int = 0) -> int:
        return kv_bytes(arch, tokens, kv_dtype, tp, pp, reading=reading) if arch else 0

    def cache(tokens: int) -> int:
        """Of all sequences, one of which is just being read."""
        return sequence(tokens) * (per_rank - 1) + sequence(tokens, in_flight)

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
        kv_bytes_per_token=kv_bytes_per_token(arch, kv_dtype, tp, pp) if arch else 0,
        max_context_tokens=_max_context(arch, left_for_kv, cache) if arch else 0,
        max_concurrency=left_for_more // one * dp if one else None,
    )


def _max_context(arch: Architecture, left_for_kv: int, kv_of_context: Callable[[int], int]) -> int:
    """The longest context, in whole blocks unless all the model knows fits."""
    if left_for_kv < 0:
        return 0
    if kv_of_context(arch.max_context) <= left_for_kv:
        return arch.max_context
    blocks = range(arch.max_context // KV_BLOCK_TOKENS + 1)
    fitting = bisect_right(blocks, left_for_kv, key=lambda b: kv_of_context(b * KV_BLOCK_TOKENS))
    return max(0, fitting - 1) * KV_BLOCK_TOKENS
