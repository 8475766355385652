"""Roofline: upper bounds of a model's speed from memory bandwidth and arithmetic, not forecasts.

A decode step reads every weight it uses and the whole KV cache, and performs two operations per
weight and token (a multiplication and an addition). No server is faster than either allows; real
ones reach perhaps half to three quarters of it. Left out, each of which makes a bound higher than
the truth: links between GPUs, the arithmetic of attention itself, vectors, sampling, waiting.
"""

from typing import Final, Literal

from base.model import Model
from catalog.architecture import Architecture
from catalog.gpus import GpuSpec, TensorDtype
from catalog.models import ModelSpec, WeightDtype
from sizing.kv import KvDtype, kv_bytes
from sizing.parameters import Parameters, parameters
from sizing.weights import weight_sizes

_ARITHMETIC: Final[dict[WeightDtype, TensorDtype]] = {
    "fp32": "bf16",  # served at 16 bits
    "bf16": "bf16",
    "fp16": "bf16",
    "fp8": "fp8",
    "int8": "int8",
    "int4": "bf16",  # AWQ and GPTQ unpack to 16 bits
    "mxfp4": "fp4",
    "nvfp4": "fp4",
    "q8_0": "int8",  # llama.cpp quantizes activations to 8 bits on the fly
    "q4_k_m": "int8",
}
"""The fastest arithmetic that weights of a type allow; 16 bits where the card lacks it."""


class Roofline(Model):
    """Upper bounds of one replica, in tokens per second."""

    prefill_tokens_per_second: float
    """Prompt tokens, all requests together."""
    decode_tokens_per_second: float | None
    """Generated tokens, all requests together; None for a model that generates no text."""
    decode_tokens_per_second_per_request: float | None
    """Generated tokens of each of the concurrent requests."""
    decode_limit: Literal["bandwidth", "arithmetic"] | None
    """The bottleneck of decoding."""


def roofline(
    model: ModelSpec,
    gpu: GpuSpec,
    *,
    dtype: WeightDtype | None = None,
    kv_dtype: KvDtype = "auto",
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    context_tokens: int,
    concurrency: int = 1,
) -> Roofline | None:
    """The bounds with `concurrency` requests at `context_tokens`; None for speech and images.

    `tensor_parallel` GPUs share a layer and work at once. `pipeline_parallel` stages follow each
    other: a request is in one of them at a time, so a token takes as many steps as there are
    stages, and fewer requests than stages leave stages idle.
    """
    if model.architecture is None:
        return None
    served = dtype or model.serve_dtype
    # Multi-token prediction layers are in the checkpoint; vLLM skips them unless asked.
    arch = model.architecture.model_copy(update={"mtp_layers": 0})
    flops = gpu.tensor_flops.get(_ARITHMETIC[served], gpu.tensor_flops["bf16"]) * tensor_parallel
    if arch.attention == "encoder":
        prefill = flops * pipeline_parallel / (2 * _multiplied(arch, head=False))
        return Roofline(
            prefill_tokens_per_second=prefill,
            decode_tokens_per_second=None,
            decode_tokens_per_second_per_request=None,
            decode_limit=None,
        )
    in_a_stage = max(1.0, concurrency / pipeline_parallel)
    cache = kv_bytes(arch, context_tokens, kv_dtype, tensor_parallel) * tensor_parallel * in_a_stage
    read = _weights_read(arch, served, in_a_stage) + cache
    reading = read / pipeline_parallel / (gpu.bandwidth_bytes_per_second * tensor_parallel)
    multiplying = 2 * _multiplied(arch, head=True) * in_a_stage / pipeline_parallel / flops
    step = max(reading, multiplying)
    return Roofline(
        prefill_tokens_per_second=flops * pipeline_parallel / (2 * _multiplied(arch, head=False)),
        decode_tokens_per_second=concurrency / (step * pipeline_parallel),
        decode_tokens_per_second_per_request=1 / (step * pipeline_parallel),
        decode_limit="bandwidth" if reading >= multiplying else "arithmetic",
    )


def distinct_experts(experts: int, per_token: int, tokens: float) -> float:
    """Expected number of a layer's experts that a step of `tokens` uses.

    Assumes that each token chooses `per_token` of them uniformly and independently; real routing
    prefers some, and uses fewer.
    """
    return experts * (1 - (1 - per_token / experts) ** tokens)


def _multiplied(arch: Architecture, *, head: bool) -> float:
    """Weights that one token is multiplied by; of a prompt only the last token needs the head."""
    count = parameters(arch)
    active = count.experts * arch.experts_per_token / arch.experts if arch.experts else 0
    projections = count.attention + count.replicated + count.mlp + count.router
    return projections + active + (_head(arch) if head else 0)


def _weights_read(arch: Architecture, dtype: WeightDtype, tokens: float) -> float:
    """Bytes of weights that a step of `tokens` reads; without the input embeddings."""
    count: Parameters = parameters(arch)
    size = weight_sizes(dtype)
    touched = (
        distinct_experts(arch.experts, arch.experts_per_token, tokens) / arch.experts
        if arch.experts
        else 0
    )
    return (
        (count.attention + count.replicated + count.mlp) * size.linears
        + count.experts * touched * size.experts
        + (_head(arch) + count.router) * size.everything
    )


def _head(arch: Architecture) -> int:
    """Weights of the output head, which may be tied to the input embeddings."""
    return arch.vocab * arch.hidden
