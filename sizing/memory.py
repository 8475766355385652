"""Memory of one model on its GPUs: weights, KV cache, overhead, and whether they fit.

Everything here is per GPU unless its name says otherwise, in bytes and tokens. With tensor
parallelism `tp` and pipeline parallelism `pp` a replica takes `tp * pp` GPUs; figures are of the
fullest of them.
"""

from math import ceil
from typing import Final, Literal

from pydantic import Field

from catalog.gpus import GpuSpec
from catalog.models import Architecture, ModelSpec, WeightDtype
from config.base import Model
from sizing.overhead import overhead_bytes

KvDtype = Literal["auto", "fp8"]
"""vLLM's `--kv-cache-dtype`: `auto` is the model's 16 bits."""

GPU_MEMORY_UTILIZATION: Final = 0.92
"""vLLM's own default: vllm/config/cache.py of the 0.33.0 wheel."""

KV_BLOCK_TOKENS: Final = 16
"""vLLM hands out KV cache in blocks of this many tokens."""

_UNQUANTISED_BITS: Final = 16
_WEIGHT_BITS: Final[dict[WeightDtype, float]] = {
    "fp32": 32,
    "bf16": 16,
    "fp16": 16,
    "fp8": 8,
    "int8": 8,
    # 4 bits, and per group of 128 weights a 16-bit scale and a 4-bit zero point (AWQ, GPTQ).
    "int4": 4 + (16 + 4) / 128,
}
_KV_BYTES: Final[dict[KvDtype, int]] = {"auto": 2, "fp8": 1}


class Fit(Model):
    """How a model sits on its GPUs; all but `max_context_tokens` and counts are bytes per GPU."""

    weights_bytes: int
    """This GPU's share of the weights."""
    kv_bytes: int
    """KV cache that `concurrency` sequences of the asked context take on this GPU."""
    overhead_bytes: int
    """Activations, CUDA graphs, runtime."""
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
    """KV cache of one token on this GPU; 0 for a model without a cache."""
    max_context_tokens: int = Field(ge=0)
    """Longest context that fits for the asked concurrency, at most the model's own; 0: not even
    one block fits beside the weights."""
    max_concurrency: int | None = Field(ge=0)
    """Sequences of the asked context that fit at once; None: no KV cache limits them."""


def weights_bytes(model: ModelSpec, dtype: WeightDtype) -> int:
    """Bytes of all weights of `model` served as `dtype`.

    Quantised checkpoints keep embeddings, output head and what the catalog names at 16 bits, so
    72.7 billion parameters in FP8 are 75.2 GB and not 72.7.
    """
    bits = _WEIGHT_BITS[dtype]
    if bits >= _UNQUANTISED_BITS:
        return round(model.parameters * bits / 8)
    arch = model.architecture
    embeddings = arch.vocab * arch.hidden * (1 if arch.tied_embeddings else 2)
    kept = embeddings + (model.unquantised_parameters or 0)
    return round((model.parameters - kept) * bits / 8) + kept * _UNQUANTISED_BITS // 8


def weights_bytes_per_gpu(model: ModelSpec, dtype: WeightDtype, tp: int = 1, pp: int = 1) -> int:
    """The fullest GPU's share of the weights: its pipeline stage's layers, cut `tp` ways."""
    layers = model.architecture.layers
    return ceil(weights_bytes(model, dtype) * ceil(layers / pp) / layers / tp)


def kv_bytes_per_token(arch: Architecture, kv_dtype: KvDtype = "auto", tp: int = 1) -> int:
    """KV cache bytes of one token over all layers, on one GPU of a tensor-parallel group.

    Grouped-query (and multi-head) attention: 2 * layers * kv_heads * head_dim * size, the heads
    shared out over `tp` and replicated where there are fewer of them than GPUs. MLA:
    layers * (kv_lora_rank + qk_rope_head_dim) * size on every GPU, whatever `tp` is. Encoders: 0.
    """
    size = _KV_BYTES[kv_dtype]
    if arch.attention == "encoder":
        return 0
    if arch.attention == "mla":
        return arch.layers * (arch.kv_lora_rank + arch.qk_rope_head_dim) * size
    return 2 * arch.layers * max(1, arch.kv_heads // tp) * arch.head_dim * size


def tensor_parallel_sizes(arch: Architecture, at_most: int) -> list[int]:
    """Tensor-parallel sizes up to `at_most` that this architecture can be cut into.

    The attention heads must divide, and KV heads must either divide or be replicated evenly.
    """
    return [
        tp
        for tp in range(1, at_most + 1)
        if arch.heads % tp == 0
        and (arch.attention != "gqa" or arch.kv_heads % tp == 0 or tp % arch.kv_heads == 0)
    ]


def fit(
    model: ModelSpec,
    gpu: GpuSpec,
    *,
    dtype: WeightDtype | None = None,
    kv_dtype: KvDtype = "auto",
    tp: int = 1,
    pp: int = 1,
    context_tokens: int,
    concurrency: int = 1,
    gpu_memory_utilization: float = GPU_MEMORY_UTILIZATION,
) -> Fit:
    """How `model` sits on `tp * pp` GPUs of this kind.

    `concurrency` counts sequences of the full `context_tokens` that must have their KV cache at
    once; vLLM itself insists on one, and preempts beyond what fits. `dtype` defaults to the
    model's own. `tp` is taken as given: ask `tensor_parallel_sizes` whether the heads divide.
    """
    arch = model.architecture
    weights = weights_bytes_per_gpu(model, dtype or model.serve_dtype, tp, pp)
    overhead = overhead_bytes(model.family, weights)
    per_token = ceil(kv_bytes_per_token(arch, kv_dtype, tp) * ceil(arch.layers / pp) / arch.layers)
    kv = per_token * context_tokens * concurrency
    budget = int(gpu.memory_bytes * gpu_memory_utilization)
    left_for_kv = budget - weights - overhead
    needed = weights + overhead + kv
    return Fit(
        weights_bytes=weights,
        kv_bytes=kv,
        overhead_bytes=overhead,
        per_gpu_bytes=needed,
        gpu_bytes=gpu.memory_bytes,
        budget_bytes=budget,
        headroom_bytes=budget - needed,
        fits=needed <= budget,
        kv_bytes_per_token=per_token,
        max_context_tokens=_max_context(arch, left_for_kv, per_token * concurrency),
        max_concurrency=max(0, left_for_kv) // (per_token * context_tokens) if per_token else None,
    )


def _max_context(arch: Architecture, left_for_kv: int, kv_bytes_a_token: int) -> int:
    if left_for_kv < 0:
        return 0
    if not kv_bytes_a_token:
        return arch.max_context
    blocks = left_for_kv // (kv_bytes_a_token * KV_BLOCK_TOKENS)
    return min(arch.max_context, blocks * KV_BLOCK_TOKENS)
