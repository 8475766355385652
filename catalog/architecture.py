"""The fields of a model's config.json that decide its memory."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from base.model import Model
from catalog.attention import AttentionHeads, LinearAttention, PerLayerInput, SparseIndex

Attention = Literal["gqa", "mla", "encoder"]
"""`gqa`: keys and values per KV head (multi-head is kv_heads = heads, multi-query kv_heads = 1);
`mla`: one compressed latent per token; `encoder`: bidirectional, so no KV cache at all."""

LayerKind = Literal["F", "S", "L", "H", "M"]
"""`F`: attention to the full context; `S`: to a sliding window of it; `L`: linear attention or a
state space (Mamba), with a state of constant size; `H`: `F` and `L` side by side (Falcon-H1); `M`:
an MLP without attention."""

Bias = Literal["none", "qkv", "attention", "all"]
"""Projections with a bias: none, queries, keys and values, the output too, the MLP too."""


class Architecture(Model):
    """The shape of a token model."""

    attention: Attention = "gqa"
    layers: int = Field(gt=0)
    """num_hidden_layers."""
    layer_pattern: str = Field(default="F", pattern=r"^[FSLHM]+$")
    """One letter per layer (`LayerKind`), repeated from its start for all layers."""
    window: int = Field(default=0, ge=0)
    """sliding_window (attention_chunk_size): tokens that an `S` layer keeps."""
    linear: LinearAttention | None = None
    """The shape of an `L` layer."""
    windowed: AttentionHeads | None = None
    """The heads of an `S` layer, where they are not those of an `F` layer."""
    index: SparseIndex | None = None
    """The index of sparse attention."""
    hidden: int = Field(gt=0)
    """hidden_size."""
    intermediate: int = Field(gt=0)
    """intermediate_size; with experts moe_intermediate_size, the width of one expert."""
    gated_mlp: bool = True
    """Whether the MLP has three matrices (gate, up, down) or two."""
    heads: int = Field(gt=0)
    """num_attention_heads."""
    kv_heads: int = Field(gt=0)
    """num_key_value_heads."""
    head_dim: int = Field(gt=0)
    """head_dim, or hidden_size / num_attention_heads where config.json has none."""
    values_are_keys: bool = False
    """Whether `F` layers compute their values with the projection of the keys (Gemma 4)."""
    shared_kv_layers: int = Field(default=0, ge=0)
    """num_kv_shared_layers: the last layers, which read the cache of earlier ones."""
    bias: Bias = "none"
    qk_norm: bool = False
    """Whether queries and keys are normalised per head."""
    gated_attention: bool = False
    """Whether queries carry a gate of their own width (Qwen3-Next)."""
    per_layer_input: PerLayerInput | None = None
    """Embeddings of a token for each layer."""
    other_parameters: int = Field(default=0, ge=0)
    """Parameters of parts that no other field describes, such as AltUp's and LAuReL's."""
    layer_norms: int = Field(default=2, ge=0)
    """Norms per layer; four where the outputs are normalised too (Gemma)."""
    vocab: int = Field(gt=0)
    """vocab_size."""
    positions: int = Field(default=0, ge=0)
    """Learned position embeddings; 0 for rotary positions."""
    tied_embeddings: bool = False
    """tie_word_embeddings: input and output embeddings are one matrix."""
    experts: int = Field(default=0, ge=0)
    """num_experts (n_routed_experts); 0 for a dense model."""
    experts_per_token: int = Field(default=0, ge=0)
    """num_experts_per_tok; 0 for a dense model."""
    shared_intermediate: int = Field(default=0, ge=0)
    """Total width of the shared experts, which process every token."""
    expert_hidden: int = Field(default=0, ge=0)
    """moe_latent_size: the width that the routed experts work in; 0 where it is hidden_size."""
    dense_layers: int = Field(default=0, ge=0)
    """Layers with an MLP instead of experts (first_k_dense_replace)."""
    dense_intermediate: int = Field(default=0, ge=0)
    """Width of the MLP of those layers."""
    mtp_layers: int = Field(default=0, ge=0)
    """num_nextn_predict_layers: further layers of the checkpoint for multi-token prediction."""
    mtp_own_embeddings: bool = True
    """Whether each of those has its own embeddings and output head (DeepSeek, GLM)."""
    mtp_dense: bool = False
    """Whether those have an MLP although the model has experts (ERNIE 4.5)."""
    q_lora_rank: int = Field(default=0, ge=0)
    """MLA only: rank of the compressed queries; 0 where they are not compressed."""
    kv_lora_rank: int = Field(default=0, ge=0)
    """MLA only: rank of the compressed keys and values."""
    qk_rope_head_dim: int = Field(default=0, ge=0)
    """MLA only: width of the rotary part of the key, shared by all heads."""
    v_head_dim: int = Field(default=0, ge=0)
    """Width of a head's values; 0 where it is head_dim (of MLA: qk_nope_head_dim)."""
    max_context: int = Field(gt=0)
    """Longest context that config.json allows without additional rope scaling, tokens."""

    @model_validator(mode="after")
    def _is_coherent(self) -> "Architecture":
        wrong = [message for broken, message in self._checks() if broken]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _checks(self) -> Iterator[tuple[bool, str]]:
        kinds = set(self.layer_kinds)
        latents = min(self.kv_lora_rank, self.qk_rope_head_dim) > 0
        yield (
            (self.attention == "mla") != latents,
            "kv_lora_rank and qk_rope_head_dim are given for attention: mla, and only for it",
        )
        yield (
            self.heads % self.kv_heads != 0,
            f"kv_heads {self.kv_heads} does not divide heads {self.heads}",
        )
        yield ("S" in kinds) != (self.window > 0), "window belongs to layers S of layer_pattern"
        linear = not kinds.isdisjoint("LH")
        yield linear != bool(self.linear), "linear belongs to layers L and H of layer_pattern"
        yield (
            self.shared_kv_layers >= self.layers,
            f"shared_kv_layers is {self.shared_kv_layers} of {self.layers} layers",
        )
        yield (
            self.dense_layers > self.mlp_layers,
            f"dense_layers is {self.dense_layers} of {self.mlp_layers} layers",
        )
        yield (
            (self.dense_layers > 0) != (self.dense_intermediate > 0),
            "dense_layers and dense_intermediate go together",
        )
        yield (
            self.experts < self.experts_per_token,
            f"experts_per_token is {self.experts_per_token} of {self.experts} experts",
        )

    @property
    def layer_kinds(self) -> str:
        """The kind of every layer, `layers` letters long."""
        repeats = -(-self.layers // len(self.layer_pattern))
        return (self.layer_pattern * repeats)[: self.layers]

    @property
    def caching_layers(self) -> str:
        """The same, with `M` for the layers that have no cache of their own."""
        own = self.layers - self.shared_kv_layers
        return self.layer_kinds[:own] + "M" * self.shared_kv_layers

    def heads_of(self, kind: LayerKind) -> AttentionHeads:
        """The heads of a layer of this kind."""
        if kind == "S" and self.windowed:
            return self.windowed
        return AttentionHeads(
            heads=self.heads,
            kv_heads=self.kv_heads,
            head_dim=self.head_dim,
            v_head_dim=self.v_head_dim or self.head_dim,
        )

    @property
    def mlp_layers(self) -> int:
        """Layers with an MLP or experts: those of kind `M` where there are any, else all."""
        return self.layer_kinds.count("M") or self.layers

    @property
    def expert_layers(self) -> int:
        """Layers with routed experts."""
        return self.mlp_layers - self.dense_layers if self.experts else 0
