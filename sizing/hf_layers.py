"""The kinds of a model's layers, from the various fields of config.json that state them."""

from typing import Final

from catalog.architecture import LayerKind, LinearAttention
from sizing.hf_fields import Fields

_LAYER_TYPES: Final[dict[str, LayerKind]] = {
    "full_attention": "F",
    "attention": "F",
    "sliding_attention": "S",
    "chunked_attention": "S",
    "linear_attention": "L",
    "mamba": "L",
}
"""Values of `layer_types`, as transformers' configuration_utils.py lists them."""

_NEMOTRON: Final[dict[str, LayerKind]] = {"M": "L", "*": "F", "-": "M", "E": "M"}
"""Letters of `hybrid_override_pattern`: Mamba, attention, MLP, experts."""

_INTERVALS: Final = {"gemma2": 2, "gpt_oss": 2, "llama4_text": 4}
"""Interval of full attention where the model's code defines it and its config.json does not."""


def layer_pattern(fields: Fields, model_type: str, layers: int, max_context: int) -> str:
    """The shortest pattern whose repetition gives each layer its kind."""
    kinds = _kinds(fields, model_type, layers)
    if window(fields) >= max_context or not window(fields):
        kinds = kinds.replace("S", "F")
    for period in range(1, len(kinds) + 1):
        pattern = kinds[:period]
        if (pattern * (len(kinds) // period + 1))[: len(kinds)] == kinds:
            return pattern
    return "F"


def window(fields: Fields) -> int:
    """Window of the layers with one, tokens; 0 where no layer has one."""
    if not fields.flag("use_sliding_window", default=True):
        return 0
    return fields.number("sliding_window", "attention_chunk_size", default=0)


def linear_attention(fields: Fields, model_type: str) -> LinearAttention:
    """The shape of a layer of kind `L`.

    Its recurrent state has the model's 16 bits unless the file states more; Nemotron-H's has 32
    unless the file states less (`NemotronHForCausalLMConfig` of vLLM 0.33.0).
    """
    usual = "float32" if model_type == "nemotron_h" else ""
    wide = "float32" in (
        fields.text("mamba_ssm_cache_dtype", usual),
        fields.text("mamba_ssm_dtype"),
    )
    if "linear_num_value_heads" in fields.values:
        return LinearAttention(
            kind="deltanet",
            heads=fields.number("linear_num_value_heads"),
            head_dim=fields.number("linear_value_head_dim"),
            state_size=fields.number("linear_key_head_dim"),
            groups=fields.number("linear_num_key_heads"),
            conv_kernel=fields.number("linear_conv_kernel_dim", default=4),
            state_bytes=4 if wide else 2,
        )
    return LinearAttention(
        kind="mamba2",
        heads=fields.number("mamba_num_heads", "mamba_n_heads"),
        head_dim=fields.number("mamba_head_dim", "mamba_d_head"),
        state_size=fields.number("ssm_state_size", "mamba_d_state"),
        groups=fields.number("n_groups", "mamba_n_groups"),
        conv_kernel=max(2, fields.number("conv_kernel", "mamba_d_conv", default=4)),
        state_bytes=4 if wide else 2,
    )


def _kinds(fields: Fields, model_type: str, layers: int) -> str:
    """One letter per layer."""
    return _listed(fields) or _by_interval(fields, model_type, layers)


def _listed(fields: Fields) -> str:
    """The letters where the file names the kind of each layer; else empty."""
    if types := fields.items("layer_types"):
        for unknown in sorted({str(kind) for kind in types} - set(_LAYER_TYPES)):
            fields.wrong("layer_types", unknown, f"one of {', '.join(_LAYER_TYPES)}")
        return "".join(_LAYER_TYPES.get(str(kind), "F") for kind in types)
    letters = fields.text("hybrid_override_pattern")
    for unknown in sorted(set(letters) - set(_NEMOTRON)):
        fields.wrong("hybrid_override_pattern", unknown, f"letters {' '.join(_NEMOTRON)}")
    if letters:
        return "".join(_NEMOTRON.get(letter, "F") for letter in letters)
    # Llama 4. 1: rotary positions, attention in chunks; 0: none, attention to everything.
    return "".join("S" if layer else "F" for layer in fields.items("no_rope_layers"))


def _by_interval(fields: Fields, model_type: str, layers: int) -> str:
    """The letters where the file or the model's code puts full attention in every n-th layer."""
    for name in ("sliding_window_pattern", "no_rope_layer_interval"):
        if name in fields.values:
            return _every(fields.number(name), "S", layers)
    if "full_attention_interval" in fields.values:
        return _every(fields.number("full_attention_interval"), "L", layers)
    if model_type in _INTERVALS:
        return _every(_INTERVALS[model_type], "S", layers)
    # Qwen: the layers from this one on have the window; elsewhere all have.
    full = min(fields.number("max_window_layers", default=0), layers)
    return "F" * full + "S" * (layers - full)


def _every(interval: int, others: LayerKind, layers: int) -> str:
    """Full attention in the last layer of each *interval*."""
    return ((others * (max(1, interval) - 1) + "F") * layers)[:layers]
