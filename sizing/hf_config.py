"""A model that is not in the catalog, from its config.json."""

from collections.abc import Mapping
from typing import Final

from pydantic import ValidationError

from catalog.architecture import Architecture, Bias
from catalog.models import Checkpoint, Family, ModelSpec, Task, WeightDtype
from sizing.hf_experts import experts
from sizing.hf_fields import ConfigUnreadableError, Fields
from sizing.hf_layers import layer_pattern, linear_attention, window
from sizing.hf_quantization import stored_dtype
from sizing.hf_vision import tower_parameters
from sizing.parameters import parameters

_TEXT: Final = ("text_config", "llm_config", "language_config")
_ENCODERS: Final = frozenset(
    {"bert", "roberta", "xlm-roberta", "nomic_bert", "modernbert", "camembert"}
)
_ROTARY_ENCODERS: Final = frozenset({"nomic_bert", "modernbert"})
_TWO_MATRICES: Final = frozenset(
    {
        *("bert", "roberta", "xlm-roberta", "camembert", "nemotron", "nemotron_h"),
        *("gpt2", "gpt_bigcode", "starcoder2"),
    }
)
"""Model types whose MLP has no gate."""

_LEARNED_POSITIONS: Final = frozenset({"gpt2", "gpt_bigcode"})
_TIED: Final = frozenset({"gpt2", "gpt_bigcode", "gemma", "gemma2", "gemma3_text", "cohere2"})
"""Model types whose embeddings are tied unless the file says otherwise."""

_QKV_BIAS: Final = frozenset({"qwen2", "qwen2_moe", "qwen2_vl", "qwen2_5_vl", "qwen2_5_vl_text"})
"""Model types whose code adds the bias although their config.json does not mention it."""

_QK_NORM: Final = ("qwen3", "gemma3")
_LAYER_NORMS: Final = {"gemma2": 4, "gemma3_text": 4, "glm4": 4, "nemotron_h": 1, "cohere2": 1}

_DEFAULTS: Final[dict[str, dict[str, object]]] = {
    # Gemma3TextConfig of transformers: its config.json files omit values equal to the class's.
    "gemma3_text": {
        "vocab_size": 262208,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "max_position_embeddings": 131072,
        "sliding_window": 4096,
        "sliding_window_pattern": 6,
    },
}

_UNSUPPORTED: Final = {
    "index_topk": "sparse attention with a separate index",
    "compress_ratios": "compressed attention",
    "num_kv_shared_layers": "layers that share their KV cache",
    "global_head_dim": "heads of several widths",
    "swa_num_key_value_heads": "windowed layers with different KV heads",
    "swa_head_dim": "windowed layers with different heads",
    "linear_attn_config": "Kimi's linear attention",
    "attn_type_list": "lightning attention",
    "mamba_dt_rank": "first-generation Mamba layers",
    "is_encoder_decoder": "encoder beside the decoder",
    "cross_attention_layers": "cross attention",
    "audio_config": "audio tower",
}
"""Keys whose presence (not null, false or 0) changes the memory in a way that is not modelled."""


def model_from_config(
    config: Mapping[str, object], name: str, index: Mapping[str, object] | None = None
) -> ModelSpec:
    """The model that a Hugging Face `config.json` describes, with *name* as key and title.

    *index* is its `model.safetensors.index.json`, whose `metadata.total_size` is the size of the
    weights; without one they are computed tensor by tensor. Raises ConfigUnreadableError with
    every field that is missing, wrong or not supported.
    """
    outer = Fields(config, "", [])
    text = _text_fields(outer)
    for fields in (outer, text) if text.where else (text,):
        for key, what in _UNSUPPORTED.items():
            if fields.values.get(key):
                fields.unsupported(key, what)
    _no_mamba_of_unknown_heads(text)
    dtype = stored_dtype(outer, text)
    shape = _architecture(text, outer)
    if outer.problems:
        raise ConfigUnreadableError(name, outer.problems)
    try:
        arch = Architecture.model_validate(shape)
    except ValidationError as error:
        for detail in error.errors():
            text.wrong(".".join(map(str, detail["loc"])) or "config", detail["msg"], "coherent")
        raise ConfigUnreadableError(name, outer.problems) from None
    vision = Fields(outer.child("vision_config"), "vision_config.", outer.problems)
    tower = tower_parameters(vision, arch.hidden) if vision.values else 0
    published = _total_size(index)
    served: WeightDtype = "bf16" if dtype == "fp32" else dtype
    return ModelSpec(
        key=name,
        title=name,
        license="see its model card",
        task=_task(outer, arch),
        family=_family(arch, tower),
        parameters=parameters(arch).total + tower,
        unquantized_parameters=tower or None,
        dtype=dtype,
        serve_dtype=served,
        checkpoints={
            served: Checkpoint(
                repository=name,
                published_bytes=published,
                source="metadata.total_size of model.safetensors.index.json" if published else None,
            )
        },
        architecture=arch,
        sources=[f"config.json of {name}"],
    )


def _text_fields(outer: Fields) -> Fields:
    """The decoder's fields, which multimodal models keep in an object of their own."""
    for key in _TEXT:
        if values := outer.child(key):
            kind = str(values.get("model_type", ""))
            return Fields(values, f"{key}.", outer.problems, _DEFAULTS.get(kind))
    defaults = _DEFAULTS.get(outer.text("model_type"))
    return Fields(outer.values, "", outer.problems, defaults)


def _no_mamba_of_unknown_heads(text: Fields) -> None:
    names = ("mamba_d_state", "mamba_num_heads", "mamba_n_heads")
    if names[0] in text.values and not any(name in text.values for name in names[1:]):
        text.missing(names[1:], "a whole number: only Mamba 2 is known")


def _architecture(text: Fields, outer: Fields) -> dict[str, object]:
    """The fields of an Architecture; records missing ones as problems."""
    kind = text.text("model_type") or outer.text("model_type")
    layers = text.number("num_hidden_layers", "n_layer", "num_layers")
    hidden = text.number("hidden_size", "n_embd", "d_model")
    heads = max(1, text.number("num_attention_heads", "n_head"))
    max_context = text.number("max_position_embeddings", "n_positions", "seq_length")
    encoder, mla = kind in _ENCODERS, text.number("kv_lora_rank", default=0) > 0
    pattern = "F" if encoder else layer_pattern(text, kind, layers, max_context)
    head_dim = text.number("head_dim", default=hidden // heads)
    return {
        "attention": "encoder" if encoder else "mla" if mla else "gqa",
        "layers": layers,
        "layer_pattern": pattern,
        "window": window(text) if "S" in pattern else 0,
        "linear": linear_attention(text, kind) if "L" in pattern else None,
        "hidden": hidden,
        "gated_mlp": kind not in _TWO_MATRICES,
        "heads": heads,
        "kv_heads": text.number("num_key_value_heads", default=_kv_heads(text, heads)),
        "head_dim": text.number("qk_nope_head_dim") if mla else head_dim,
        "bias": _bias(text, kind),
        "qk_norm": text.flag("use_qk_norm", default=kind.startswith(_QK_NORM))
        and kind != "llama4_text",  # Llama 4 normalises without weights
        "gated_attention": kind.startswith(("qwen3_next", "qwen3_5")),
        "layer_norms": _LAYER_NORMS.get(kind, 2),
        "vocab": text.number("vocab_size"),
        "positions": max_context if _has_positions(kind) else 0,
        "tied_embeddings": encoder
        or text.flag(
            "tie_word_embeddings", default=outer.flag("tie_word_embeddings", default=kind in _TIED)
        ),
        **experts(text, kind, layers),
        "mtp_layers": text.number("num_nextn_predict_layers", "mtp_num_hidden_layers", default=0),
        "mtp_own_embeddings": text.flag("mtp_use_dedicated_embeddings", default=True),
        "q_lora_rank": text.number("q_lora_rank", default=0) if mla else 0,
        "kv_lora_rank": text.number("kv_lora_rank", default=0),
        "qk_rope_head_dim": text.number("qk_rope_head_dim") if mla else 0,
        "v_head_dim": text.number("v_head_dim") if mla else 0,
        "max_context": max_context,
    }


def _kv_heads(text: Fields, heads: int) -> int:
    return 1 if text.flag("multi_query", default=False) else heads


def _has_positions(kind: str) -> bool:
    return kind in _LEARNED_POSITIONS or kind in _ENCODERS - _ROTARY_ENCODERS


def _bias(text: Fields, kind: str) -> Bias:
    if kind in ("gpt_oss", "starcoder2") or _has_positions(kind):
        return "all"
    if kind in _QKV_BIAS:
        return "qkv"
    if not text.flag("attention_bias", default=False):
        return "none"
    if kind == "glm4_moe" or not text.flag("attention_out_bias", default=True):
        return "qkv"
    return "attention"


def _task(outer: Fields, arch: Architecture) -> Task:
    if arch.attention != "encoder":
        return "chat"
    classes = " ".join(str(name) for name in outer.items("architectures"))
    return "rerank" if "SequenceClassification" in classes else "embed"


def _family(arch: Architecture, tower: int) -> Family:
    if arch.attention == "encoder":
        return "encoder"
    if arch.experts:
        return "moe"
    return "multimodal" if tower else "dense"


def _total_size(index: Mapping[str, object] | None) -> int | None:
    """`metadata.total_size`, which some writers store as a float."""
    fields = Fields(index or {}, "", [])
    size = fields.child("metadata").get("total_size")
    return round(size) if isinstance(size, int | float) and size > 0 else None
