"""Shapes of attention beside the usual one: recurrent states, windows, sparse indexes."""

from typing import Literal

from pydantic import Field

from base.model import Model

LinearKind = Literal["mamba2", "deltanet", "mamba1", "kda", "lightning", "convolution"]
"""Mamba 2 and 1; gated DeltaNet (Qwen3-Next); Kimi Delta Attention; lightning attention (MiniMax);
a short gated convolution without further state (LFM2)."""


class LinearAttention(Model):
    """A layer with a recurrent state of constant size."""

    kind: LinearKind
    heads: int = Field(gt=0)
    """mamba_num_heads; linear_num_value_heads; the width itself where there are no heads."""
    head_dim: int = Field(gt=0)
    """mamba_head_dim; linear_value_head_dim; 1 where there are no heads."""
    state_size: int = Field(ge=0)
    """ssm_state_size (mamba_d_state); linear_key_head_dim; 0 for a convolution."""
    groups: int = Field(gt=0)
    """n_groups (mamba_n_groups); linear_num_key_heads."""
    conv_kernel: int = Field(gt=0)
    """conv_kernel (mamba_d_conv); linear_conv_kernel_dim; 1 where there is no convolution."""
    rank: int = Field(default=0, ge=0)
    """mamba_dt_rank; the rank of Kimi's gates."""
    state_bytes: Literal[2, 4] = 2
    """Bytes per number of the recurrent state: 4 where config.json (mamba_ssm_cache_dtype,
    mamba_ssm_dtype) or the model's code asks for float32, else the model's 16 bits, as in vLLM."""

    @property
    def inner(self) -> int:
        """Width of the values."""
        return self.heads * self.head_dim

    @property
    def keys(self) -> int:
        """Width of the keys (of B and of C in Mamba's terms)."""
        return self.groups * self.state_size

    @property
    def has_groups(self) -> bool:
        """Whether tensor parallelism must divide the groups: a single one is replicated."""
        return self.kind == "deltanet" or (self.kind == "mamba2" and self.groups > 1)


class AttentionHeads(Model):
    """The heads of one kind of layer."""

    heads: int = Field(gt=0)
    kv_heads: int = Field(gt=0)
    head_dim: int = Field(gt=0)
    """Width of a query and of a key."""
    v_head_dim: int = Field(gt=0)
    """Width of a value."""


class SparseIndex(Model):
    """The index by which sparse attention finds its tokens: a key of its own for each of them."""

    heads: int = Field(gt=0)
    """index_n_heads."""
    head_dim: int = Field(gt=0)
    """index_head_dim, the width of the key that all of them share."""
    layers: int = Field(gt=0)
    """Layers with an index of their own; the others use that of the layer before."""


class PerLayerInput(Model):
    """Embeddings of a token for each layer (Gemma 3n, Gemma 4 E2B and E4B)."""

    width: int = Field(gt=0)
    """hidden_size_per_layer_input."""
    vocab: int = Field(gt=0)
    """vocab_size_per_layer_input."""
