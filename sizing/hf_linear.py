"""The shape of a layer with a recurrent state, from the various fields of config.json."""

from typing import Final, Literal

from catalog.attention import LinearAttention
from sizing.hf_fields import Fields

STATE_KEYS: Final = (
    *("mamba_num_heads", "mamba_n_heads", "mamba_head_dim", "mamba_d_head", "ssm_state_size"),
    *("mamba_d_state", "n_groups", "mamba_n_groups", "conv_kernel", "mamba_d_conv", "mamba_expand"),
    *("mamba_dt_rank", "mamba_ssm_cache_dtype", "mamba_ssm_dtype", "conv_L_cache"),
)
"""Keys of layers with a state, which mean nothing where there is no such layer."""


def linear_attention(fields: Fields, model_type: str) -> LinearAttention:
    """The shape of a layer of kind `L`."""
    if model_type == "kimi_linear":
        return _kda(fields)
    if model_type == "minimax":
        return _lightning(fields)
    if fields.has("conv_L_cache"):
        return _convolution(fields)
    if fields.has("linear_num_value_heads"):
        return LinearAttention(
            kind="deltanet",
            heads=fields.number("linear_num_value_heads", least=1),
            head_dim=fields.number("linear_value_head_dim", least=1),
            state_size=fields.number("linear_key_head_dim"),
            groups=fields.number("linear_num_key_heads", least=1),
            conv_kernel=fields.number("linear_conv_kernel_dim", default=4, least=1),
            state_bytes=_state_bytes(fields, model_type),
        )
    if fields.has("mamba_dt_rank"):
        return _mamba1(fields, model_type)
    heads, head_dim = (
        fields.number("mamba_num_heads", "mamba_n_heads", least=1),
        _mamba_head_dim(fields),
    )
    if fields.number("mamba_d_ssm", default=heads * head_dim) != heads * head_dim:
        fields.wrong(
            "mamba_d_ssm", str(fields.value("mamba_d_ssm")), f"{heads} heads of {head_dim}"
        )
    return LinearAttention(
        kind="mamba2",
        heads=heads,
        head_dim=head_dim,
        state_size=fields.number("ssm_state_size", "mamba_d_state"),
        groups=fields.number("n_groups", "mamba_n_groups", least=1),
        conv_kernel=fields.number("conv_kernel", "mamba_d_conv", default=4, least=1),
        state_bytes=_state_bytes(fields, model_type),
    )


def _mamba_head_dim(fields: Fields) -> int:
    """Width of a head, which some files leave to be computed (`"auto"`)."""
    if fields.text("mamba_d_head") != "auto":
        return fields.number("mamba_head_dim", "mamba_d_head", least=1)
    heads = fields.number("mamba_num_heads", "mamba_n_heads", least=1)
    return max(1, fields.number("mamba_expand") * fields.number("hidden_size") // heads)


def _state_bytes(fields: Fields, model_type: str) -> Literal[2, 4]:
    """The state has the model's 16 bits unless the file states more.

    Nemotron-H's has 32 unless the file states less (`NemotronHForCausalLMConfig` of vLLM 0.33.0).
    """
    usual = "float32" if model_type == "nemotron_h" else ""
    types = (fields.text("mamba_ssm_cache_dtype", usual), fields.text("mamba_ssm_dtype"))
    return 4 if "float32" in types else 2


def _mamba1(fields: Fields, model_type: str) -> LinearAttention:
    hidden = fields.number("hidden_size")
    rank = -(-hidden // 16) if fields.text("mamba_dt_rank") == "auto" else None
    return LinearAttention(
        kind="mamba1",
        heads=max(1, fields.number("mamba_expand") * hidden),
        head_dim=1,
        state_size=fields.number("mamba_d_state"),
        groups=1,
        conv_kernel=fields.number("mamba_d_conv", least=1),
        rank=fields.number("mamba_dt_rank") if rank is None else rank,
        state_bytes=_state_bytes(fields, model_type),
    )


def _kda(fields: Fields) -> LinearAttention:
    """Kimi Delta Attention: square states, in float32 (vLLM 0.33.0's `kda_state_dtype`)."""
    own = fields.child("linear_attn_config") if fields.has("linear_attn_config") else fields
    dim = own.number("head_dim", "linear_head_dim", least=1) if own is not fields else 0
    dim = dim or fields.number("linear_head_dim", least=1)
    heads = own.number("num_heads", "linear_num_heads", least=1)
    return LinearAttention(
        kind="kda",
        heads=heads,
        head_dim=dim,
        state_size=dim,
        groups=heads,
        conv_kernel=own.number(
            "short_conv_kernel_size", "linear_conv_kernel_dim", default=4, least=1
        ),
        rank=dim,
        state_bytes=4,
    )


def _lightning(fields: Fields) -> LinearAttention:
    """Lightning attention, with as many heads as the full one; states in float32, as in vLLM."""
    heads = fields.number("num_attention_heads", least=1)
    dim = fields.number("head_dim", default=max(1, fields.number("hidden_size") // heads), least=1)
    return LinearAttention(
        kind="lightning",
        heads=heads,
        head_dim=dim,
        state_size=dim,
        groups=heads,
        conv_kernel=1,
        state_bytes=4,
    )


def _convolution(fields: Fields) -> LinearAttention:
    return LinearAttention(
        kind="convolution",
        heads=fields.number("hidden_size", least=1),
        head_dim=1,
        state_size=0,
        groups=1,
        conv_kernel=fields.number("conv_L_cache", least=1),
    )
