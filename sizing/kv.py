"""KV cache of a token model: bytes per token and per sequence, on the fullest of its GPUs."""

from math import ceil
from typing import Final, Literal

from base.units import GIB
from catalog.architecture import Architecture, LayerKind
from sizing.linear import state_bytes

KvDtype = Literal["auto", "fp8", "q8_0"]
"""`auto` is the model's 16 bits; `fp8` vLLM's `--kv-cache-dtype`; `q8_0` that of llama.cpp and
Ollama."""

_BITS: Final[dict[KvDtype, float]] = {
    "auto": 16,
    "fp8": 8,
    # Blocks of 32 signed bytes and a 16-bit scale: block_q8_0 in ggml-common.h.
    "q8_0": 8 + 16 / 32,
}
_CACHING: Final[tuple[LayerKind, LayerKind]] = ("F", "S")
_BATCHED_TOKENS: Final = ((160 * GIB, 16384), (70 * GIB, 8192), (0, 2048))
"""Tokens per prefill batch by the GPU's memory, from the largest; see `in_flight_tokens`."""


def kv_bytes_per_token(
    arch: Architecture,
    kv_dtype: KvDtype = "auto",
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
) -> int:
    """KV cache bytes per token that every caching layer still holds, on the fullest GPU.

    Grouped-query (and multi-head) attention: 2 * layers * kv_heads * head_dim * size, the heads
    divided over `tensor_parallel` and replicated where there are fewer of them than GPUs. MLA:
    layers * (kv_lora_rank + qk_rope_head_dim) * size on every GPU, for any `tensor_parallel`.
    Layers with a window count until it is full (see `kv_bytes`); linear layers and encoders do not.
    """
    full, windowed = (_layer_bytes(arch, kind, kv_dtype, tensor_parallel) for kind in _CACHING)
    return max(
        ceil(
            full * _full(kinds)
            + windowed * kinds.count("S")
            + _index_bytes(arch, len(kinds), kv_dtype)
        )
        for kinds in _stages(arch, pipeline_parallel)
    )


def index_bytes_per_token(arch: Architecture, kv_dtype: KvDtype = "auto") -> int:
    """Bytes per token of the keys of sparse attention's index, which `kv_bytes_per_token` holds."""
    return ceil(_index_bytes(arch, arch.layers, kv_dtype))


def kv_bytes(
    arch: Architecture,
    context_tokens: int,
    kv_dtype: KvDtype = "auto",
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    *,
    in_flight: int = 0,
) -> int:
    """Bytes that one sequence of `context_tokens` holds on the fullest GPU.

    Layers with a window hold at most the window, linear ones a state of constant size. During
    prefill, layers with a window hold up to `in_flight` tokens more.
    """
    full, narrow = (_layer_bytes(arch, kind, kv_dtype, tensor_parallel) for kind in _CACHING)
    state = state_bytes(arch.linear, tensor_parallel) if arch.linear else 0
    windowed = min(context_tokens, arch.window + in_flight)
    return max(
        ceil(
            context_tokens * (full * _full(kinds) + _index_bytes(arch, len(kinds), kv_dtype))
            + narrow * kinds.count("S") * windowed
        )
        + (kinds.count("L") + kinds.count("H")) * state
        for kinds in _stages(arch, pipeline_parallel)
    )


def in_flight_tokens(gpu_bytes: int, pipeline_parallel: int = 1) -> int:
    """Tokens that vLLM may prefill at once on a GPU of this size.

    vLLM 0.33.0: `--max-num-batched-tokens` by the GPU's memory (vllm/engine/arg_utils.py, for the
    API server), in one batch more than there are pipeline stages (vllm/config/vllm.py).
    """
    batch = next(tokens for memory, tokens in _BATCHED_TOKENS if gpu_bytes >= memory)
    return batch * (pipeline_parallel + 1)


def stage_layers(layers: int, pipeline_parallel: int) -> list[int]:
    """Layers of each pipeline stage, first to last.

    The rule of vLLM 0.33.0 (`get_pp_indices` in vllm/distributed/utils.py): equal; the remainder
    goes to the stages before the last, from the end.
    """
    counts = [layers // pipeline_parallel] * pipeline_parallel
    for i in range(2, layers % pipeline_parallel + 2):
        counts[-i] += 1
    return counts


def _stages(arch: Architecture, pipeline_parallel: int) -> list[str]:
    """The kinds of the layers of each stage, as far as they have a cache."""
    kinds, stages = arch.caching_layers, list[str]()
    for count in stage_layers(arch.layers, pipeline_parallel):
        stages.append(kinds[:count])
        kinds = kinds[count:]
    return stages


def _full(kinds: str) -> int:
    """Layers that keep every token."""
    return kinds.count("F") + kinds.count("H")


def _layer_bytes(
    arch: Architecture, kind: LayerKind, kv_dtype: KvDtype, tensor_parallel: int
) -> float:
    """Bytes per token in one layer of this kind."""
    if arch.attention == "encoder":
        return 0
    if arch.attention == "mla":
        return (arch.kv_lora_rank + arch.qk_rope_head_dim) * _BITS[kv_dtype] / 8
    own = arch.heads_of(kind)
    heads = ceil(own.kv_heads / tensor_parallel)
    return heads * (own.head_dim + own.v_head_dim) * _BITS[kv_dtype] / 8


def _index_bytes(arch: Architecture, layers: int, kv_dtype: KvDtype) -> float:
    """Bytes per token of the index in this many of the layers, whole on every GPU.

    At 8 bits a key has a 32-bit scale for each 128 (vLLM 0.33.0's `DeepseekV32IndexerCache`).
    """
    if not arch.index:
        return 0
    width = arch.index.head_dim
    key = width * _BITS["auto"] / 8 if kv_dtype == "auto" else width + 4 * ceil(width / 128)
    return ceil(arch.index.layers * layers / arch.layers) * key
