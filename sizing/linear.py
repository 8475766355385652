"""Layers with a recurrent state: their parameters and the size of their state."""

from math import ceil

from catalog.attention import LinearAttention

_CONV_STATE_BYTES = 2
"""The convolution's state has the model's 16 bits (vLLM's `mamba_cache_dtype: auto`)."""


def linear_parameters(linear: LinearAttention, hidden: int) -> tuple[int, int]:
    """One layer's parameters: matrices, vectors.

    As in transformers 5.24's modeling files: mamba2 in modeling_granitemoehybrid.py, deltanet in
    modeling_qwen3_next.py, mamba1 in modeling_jamba.py, kda in modeling_kimi_linear.py, lightning
    in modeling_minimax.py, convolution in modeling_lfm2.py.
    """
    inner, heads, rank = linear.inner, linear.heads, linear.rank
    channels = _channels(linear, linear.groups)
    conv = channels * linear.conv_kernel if linear.conv_kernel > 1 else 0
    match linear.kind:
        case "mamba2":  # a step size per head; A, D and its bias; a norm over the values
            matrices = hidden * (2 * inner + channels + heads)
            vectors = channels + 3 * heads + inner
        case "deltanet":  # a forget and a write gate per head; A and a bias; a norm over a head
            matrices = hidden * (2 * inner + channels + 2 * heads)
            vectors = 2 * heads + linear.head_dim
        case "mamba1":  # B, C and the step size from the values; A for each of their states
            state = linear.state_size
            matrices = 3 * hidden * inner + inner * (2 * rank + 2 * state)
            vectors = inner * (3 + state) + rank + 2 * state
        case "kda":  # a forget gate and an output gate of low rank, a write gate per head
            matrices = hidden * (channels + inner + heads) + 2 * rank * (hidden + inner)
            vectors = inner + heads + linear.head_dim
        case "lightning":  # queries, keys, values; a gate and a norm of the output
            matrices, vectors = 5 * hidden * inner, inner
        case "convolution":  # two gates and the values
            matrices, vectors = 4 * hidden * inner, 0
    return matrices, conv + vectors


def state_bytes(linear: LinearAttention, tensor_parallel: int) -> int:
    """One layer's state: the last inputs of its convolution, and a matrix for each head.

    Shapes as in vLLM 0.33.0's `MambaStateShapeCalculator`; groups are replicated where
    `tensor_parallel` does not divide them.
    """
    groups = linear.groups if linear.groups % tensor_parallel == 0 else tensor_parallel
    channels = ceil(_channels(linear, groups) / tensor_parallel)
    conv = channels * (linear.conv_kernel - 1) * _CONV_STATE_BYTES
    recurrent = ceil(linear.heads / tensor_parallel) * linear.head_dim * linear.state_size
    return conv + recurrent * linear.state_bytes


def _channels(linear: LinearAttention, groups: int) -> int:
    """Inputs of the convolution."""
    if linear.kind in ("mamba1", "convolution", "lightning"):
        return linear.inner
    if linear.kind == "kda":
        return 3 * linear.inner
    return linear.inner + 2 * groups * linear.state_size
