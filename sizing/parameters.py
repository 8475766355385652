"""The parameter count of a token model, tensor by tensor, from its architecture."""

from typing import NamedTuple

from catalog.architecture import Architecture, LayerKind
from sizing.linear import linear_parameters


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
    full, windowed = kinds.count("F") + kinds.count("H"), kinds.count("S")
    linear_layers = kinds.count("L") + kinds.count("H")
    mtp_dense = arch.mtp_layers if arch.mtp_dense or not arch.experts else 0
    dense = mtp_dense + (arch.dense_layers if arch.experts else arch.mlp_layers)
    dense_width = arch.dense_intermediate if arch.experts else arch.intermediate
    norm = arch.hidden * (2 if arch.attention == "encoder" else 1)
    own_head = arch.attention != "encoder" and not arch.tied_embeddings
    expert_layers = arch.expert_layers + arch.mtp_layers - mtp_dense if arch.experts else 0
    attention, replicated, attention_vectors = _attention(arch, "F")
    narrow, _, narrow_vectors = _attention(arch, "S")
    linear, linear_vectors = linear_parameters(arch.linear, arch.hidden) if arch.linear else (0, 0)
    index, index_vectors = _index(arch)
    layer_input, layer_embeddings = _per_layer_input(arch)
    heads = 1 + own_head
    copies = 1 + (arch.mtp_layers if arch.mtp_own_embeddings else 0)
    latent = 2 * arch.hidden * arch.expert_hidden  # into the experts' own width and out of it
    return Parameters(
        embeddings=(arch.vocab * heads * copies + arch.positions) * arch.hidden + layer_embeddings,
        attention=(full + arch.mtp_layers) * attention
        + windowed * narrow
        + linear_layers * linear
        - _shared_projections(arch),
        replicated=(full + windowed + arch.mtp_layers) * replicated + index,
        # A multi-token prediction layer also projects the token's embedding and the hidden state.
        mlp=dense * _mlp(arch, dense_width)
        + expert_layers * (_mlp(arch, arch.shared_intermediate) + latent)
        + arch.mtp_layers * 2 * arch.hidden**2
        + layer_input
        + arch.other_parameters,
        experts=expert_layers
        * arch.experts
        * _matrices(arch)
        * (arch.expert_hidden or arch.hidden)
        * arch.intermediate,
        router=expert_layers * arch.experts * arch.hidden,
        vectors=(full + arch.mtp_layers) * attention_vectors
        + windowed * narrow_vectors
        + linear_layers * linear_vectors
        + index_vectors
        + (arch.layers + arch.mtp_layers) * arch.layer_norms * norm
        + norm
        + _mlp_biases(arch, dense, expert_layers),
    )


def mtp_parameters(arch: Architecture) -> int:
    """The parameters of the layers for multi-token prediction, which are in the total."""
    without = arch.model_copy(update={"mtp_layers": 0})
    return parameters(arch).total - parameters(without).total


def _attention(arch: Architecture, kind: LayerKind) -> tuple[int, int, int]:
    """One layer's parameters: divided by tensor parallelism, replicated, vectors."""
    hidden, own = arch.hidden, arch.heads_of(kind)
    if arch.attention == "mla":
        query, value = own.head_dim + arch.qk_rope_head_dim, own.v_head_dim
        latent, q_rank = arch.kv_lora_rank, arch.q_lora_rank
        cut = own.heads * ((q_rank or hidden) * query + latent * (own.head_dim + value))
        cut += own.heads * value * hidden
        return cut, hidden * (q_rank + latent + arch.qk_rope_head_dim), q_rank + latent
    values = 0 if arch.values_are_keys and kind != "S" else own.kv_heads * own.v_head_dim
    queries = own.heads * (2 if arch.gated_attention else 1)
    width = (queries + own.kv_heads) * own.head_dim + values
    biases = {"none": 0, "qkv": width, "attention": width + hidden, "all": width + hidden}
    norms = 2 * own.head_dim if arch.qk_norm else 0
    return (width + own.heads * own.v_head_dim) * hidden, 0, biases[arch.bias] + norms


def _shared_projections(arch: Architecture) -> int:
    """Keys and values that layers without a cache of their own do not project."""
    shared = arch.layer_kinds[arch.layers - arch.shared_kv_layers :]
    projections = 0
    for kind in ("F", "S"):
        own = arch.heads_of(kind)
        values = 0 if arch.values_are_keys and kind == "F" else own.v_head_dim
        projections += shared.count(kind) * own.kv_heads * (own.head_dim + values)
    return projections * arch.hidden


def _index(arch: Architecture) -> tuple[int, int]:
    """The indexes of sparse attention: matrices, which are replicated; vectors.

    Queries from MLA's compressed ones (`wq_b`), one key (`wk`), a weight for each head.
    """
    if not arch.index:
        return 0, 0
    width = arch.index.heads * arch.index.head_dim
    one = (arch.q_lora_rank or arch.hidden) * width
    one += arch.hidden * (arch.index.head_dim + arch.index.heads)
    # The layers for multi-token prediction have one each.
    layers = arch.index.layers + arch.mtp_layers
    return layers * one, layers * 2 * arch.index.head_dim


def _per_layer_input(arch: Architecture) -> tuple[int, int]:
    """Embeddings for each layer: projections; the embeddings themselves."""
    if not arch.per_layer_input:
        return 0, 0
    width = arch.per_layer_input.width * arch.layers
    return 3 * arch.hidden * width, arch.per_layer_input.vocab * width


def _mlp(arch: Architecture, width: int) -> int:
    return _matrices(arch) * arch.hidden * width


def _matrices(arch: Architecture) -> int:
    return 3 if arch.gated_mlp else 2


def _mlp_biases(arch: Architecture, dense_layers: int, expert_layers: int) -> int:
    if arch.bias != "all":
        return 0
    one = (2 if arch.gated_mlp else 1) * arch.intermediate + arch.hidden
    return dense_layers * one + expert_layers * arch.experts * (one + 1)
