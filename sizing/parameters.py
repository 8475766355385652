"""The parameter count of a token model, tensor by tensor, from its architecture."""

from typing import NamedTuple

from catalog.architecture import Architecture, LinearAttention


class Parameters(NamedTuple):
    """Parameters by group: quantized or not, divided by tensor parallelism or not."""

    embeddings: int
    """Token and position embeddings, and the output head where it is a separate matrix."""
    attention: int
    """Projections of attention and of linear attention that tensor parallelism divides."""
    replicated: int
    """MLA's projections into the latents, replicated on every GPU."""
    mlp: int
    """MLPs and shared experts."""
    experts: int
    """Routed experts."""
    router: int
    """Gates that choose the experts; never quantized."""
    vectors: int
    """Norms, biases, convolutions, state-space constants; never quantized."""

    @property
    def total(self) -> int:
        """Sum of all groups."""
        return sum(self)


def parameters(arch: Architecture) -> Parameters:
    """The parameters of `arch`.

    Exact for matrices; leaves out vectors that config.json does not describe (attention sinks,
    score corrections, token types, poolers), less than 0.2 % of any model of the catalog.
    """
    kinds = arch.layer_kinds
    cached = kinds.count("F") + kinds.count("S")
    dense = arch.dense_layers if arch.experts else arch.mlp_layers + arch.mtp_layers
    dense_width = arch.dense_intermediate if arch.experts else arch.intermediate
    norm = arch.hidden * (2 if arch.attention == "encoder" else 1)
    own_head = arch.attention != "encoder" and not arch.tied_embeddings
    expert_layers = arch.expert_layers + arch.mtp_layers if arch.experts else 0
    attention_layers = cached + arch.mtp_layers
    attention, replicated, attention_vectors = _attention(arch)
    linear, linear_vectors = _linear(arch.linear, arch.hidden) if arch.linear else (0, 0)
    heads = 1 + own_head
    copies = 1 + (arch.mtp_layers if arch.mtp_own_embeddings else 0)
    return Parameters(
        embeddings=(arch.vocab * heads * copies + arch.positions) * arch.hidden,
        attention=attention_layers * attention + kinds.count("L") * linear,
        replicated=attention_layers * replicated,
        # A multi-token prediction layer also projects the token's embedding and the hidden state.
        mlp=dense * _mlp(arch, dense_width)
        + expert_layers * _mlp(arch, arch.shared_intermediate)
        + arch.mtp_layers * 2 * arch.hidden**2,
        experts=expert_layers * arch.experts * _mlp(arch, arch.intermediate),
        router=expert_layers * arch.experts * arch.hidden,
        vectors=attention_layers * attention_vectors
        + kinds.count("L") * linear_vectors
        + (arch.layers + arch.mtp_layers) * arch.layer_norms * norm
        + norm
        + _mlp_biases(arch, dense, expert_layers),
    )


def _attention(arch: Architecture) -> tuple[int, int, int]:
    """One layer's parameters: divided by tensor parallelism, replicated, vectors."""
    hidden, heads = arch.hidden, arch.heads
    if arch.attention == "mla":
        query = arch.head_dim + arch.qk_rope_head_dim
        value = arch.v_head_dim or arch.head_dim
        latent, q_rank = arch.kv_lora_rank, arch.q_lora_rank
        cut = heads * ((q_rank or hidden) * query + latent * (arch.head_dim + value))
        cut += heads * value * hidden
        return cut, hidden * (q_rank + latent + arch.qk_rope_head_dim), q_rank + latent
    queries = heads * (2 if arch.gated_attention else 1)
    width = (queries + 2 * arch.kv_heads) * arch.head_dim
    biases = {"none": 0, "qkv": width, "attention": width + hidden, "all": width + hidden}
    norms = 2 * arch.head_dim if arch.qk_norm else 0
    return (width + heads * arch.head_dim) * hidden, 0, biases[arch.bias] + norms


def _linear(linear: LinearAttention, hidden: int) -> tuple[int, int]:
    """One linear layer's parameters: matrices, vectors."""
    channels = linear.inner + 2 * linear.keys
    if linear.kind == "mamba2":  # a step size per head; A, D and its bias; a norm over the values
        gates, vectors = 1, channels + 3 * linear.heads + linear.inner
    else:  # a forget and a write gate per head; A and a bias; a norm over a head
        gates, vectors = 2, 2 * linear.heads + linear.head_dim
    projected = linear.inner + channels + gates * linear.heads
    return hidden * (projected + linear.inner), channels * linear.conv_kernel + vectors


def _mlp(arch: Architecture, width: int) -> int:
    return (3 if arch.gated_mlp else 2) * arch.hidden * width


def _mlp_biases(arch: Architecture, dense_layers: int, expert_layers: int) -> int:
    if arch.bias != "all":
        return 0
    one = (2 if arch.gated_mlp else 1) * arch.intermediate + arch.hidden
    return dense_layers * one + expert_layers * arch.experts * (one + 1)
