"""The shape of a text model, from the fields of its config.json and what its type's code adds."""

from catalog.architecture import Bias
from catalog.attention import AttentionHeads, PerLayerInput, SparseIndex
from sizing.hf_experts import experts
from sizing.hf_fields import Fields
from sizing.hf_layers import MOST_LAYERS, layer_count, layer_pattern, window
from sizing.hf_linear import STATE_KEYS, linear_attention
from sizing.hf_types import ENCODERS, Code

_UNSUPPORTED = {
    "compress_ratios": "compressed attention",
    "cross_attention_layers": "cross attention",
    "is_encoder_decoder": "encoder beside the decoder",
    "add_cross_attention": "cross attention",
    "use_cla": "caches shared across layers",
}
"""Keys whose presence (not null, false or 0) changes the memory in a way that is not modeled."""


def architecture(text: Fields, outer: Fields, kind: str, code: Code) -> dict[str, object]:
    """The fields of an Architecture; records what is missing or wrong as problems."""
    for fields in (outer, text) if text.where else (text,):
        for key, what in _UNSUPPORTED.items():
            if fields.value(key):
                fields.unsupported(key, what)
    for names in code.required:
        text.require(*names)
    layers = layer_count(text)
    hidden = text.number("hidden_size", "n_embd", "d_model", least=1)
    heads = text.number("num_attention_heads", "n_head", least=1)
    max_context = text.number(
        "max_position_embeddings", "n_positions", "seq_length", "model_max_length", least=1
    )
    encoder, mla = kind in ENCODERS, text.number("kv_lora_rank", default=0) > 0
    if encoder:
        pattern = "F"
        # No cache, so that it does not matter which layers see how much.
        text.ignore("layer_types", "global_attn_every_n_layers", "local_attention")
    else:
        pattern = layer_pattern(text, kind, code, layers, max_context)
    usual = code.head_dim or max(1, hidden // heads)
    head_dim = 0
    if mla:
        # Of some files head_dim is the rotary part, of others the whole key.
        text.ignore("head_dim", "qk_head_dim", "num_key_value_heads")
    else:
        head_dim = text.number("head_dim", "attention_head_dim", default=usual, least=1)
        if not code.own_head_dim and head_dim != usual:
            text.wrong(
                "head_dim", str(head_dim), f"{usual}, which is all that this type's code has"
            )
    linear = not {"L", "H"}.isdisjoint(pattern)
    if not linear and code.pattern == "?":  # such as the smallest of Granite 4
        text.ignore(*STATE_KEYS)
    shape: dict[str, object] = {
        "attention": "encoder" if encoder else "mla" if mla else "gqa",
        "layers": layers,
        "layer_pattern": pattern,
        "window": window(text, kind) if "S" in pattern else 0,
        "linear": linear_attention(text, kind) if linear else None,
        "hidden": hidden,
        "gated_mlp": code.gated_mlp,
        "heads": heads,
        "kv_heads": heads if mla else _kv_heads(text, kind, heads),
        "head_dim": text.number("qk_nope_head_dim", least=1) if mla else head_dim,
        "bias": _bias(text, code),
        "qk_norm": text.flag("use_qk_norm", default=code.qk_norm) and code.qk_norm,
        "gated_attention": code.gated_attention,
        "layer_norms": code.layer_norms,
        "vocab": text.number("vocab_size", least=1),
        "positions": max_context if code.positions else 0,
        "tied_embeddings": encoder or _tied(text, outer, code),
        **experts(text, kind, layers),
        **_mtp(text, kind, code),
        "q_lora_rank": text.number("q_lora_rank", default=0) if mla else 0,
        "kv_lora_rank": text.number("kv_lora_rank", default=0),
        "qk_rope_head_dim": text.number("qk_rope_head_dim", least=1) if mla else 0,
        "v_head_dim": text.number("v_head_dim", default=None if mla else 0),
        "index": _index(text, layers),
        "max_context": max_context,
    }
    return shape | _windowed(text, kind, shape) | _gemma(text)


def _kv_heads(text: Fields, kind: str, heads: int) -> int:
    if kind == "gpt_bigcode":
        return 1 if text.flag("multi_query", default=True) else heads
    return text.number("num_key_value_heads", default=heads, least=1)


def _tied(text: Fields, outer: Fields, code: Code) -> bool:
    """Whether there is no output head of its own: one matrix with the embeddings, or none."""
    classes = [str(name) for name in outer.items("architectures")]
    usual = outer.flag("tie_word_embeddings", default=text.flag("tie_embedding", default=code.tied))
    tied = text.flag("tie_word_embeddings", default=usual)
    return tied or any(name.endswith(("Model", "SequenceClassification")) for name in classes)


def _bias(text: Fields, code: Code) -> Bias:
    if code.bias is not None:
        text.ignore("attention_bias", "use_bias")
        return code.bias
    biased = text.flag("attention_bias", default=False)
    if not biased:
        return "none"
    return code.biased if text.flag("attention_out_bias", default=True) else "qkv"


def _mtp(text: Fields, kind: str, code: Code) -> dict[str, object]:
    """Layers for multi-token prediction, each of attention and of experts or an MLP."""
    if kind == "nemotron_h":
        letters = text.text("mtp_hybrid_override_pattern", "*E")
        named = [*text.items("mtp_layers_block_type")] or ["attention", "moe"]
        if letters not in ("*E", "*-"):
            text.wrong("mtp_hybrid_override_pattern", letters[:60], "*E")
        if named[0] != "attention" or len(named) != len(letters):
            text.wrong("mtp_layers_block_type", str(named)[:60], "attention, then moe")
    names = ("num_nextn_predict_layers", "mtp_num_hidden_layers") if code.mtp_known else ()
    layers = text.number(*names, default=code.mtp_layers, most=MOST_LAYERS)
    own = text.flag("mtp_use_dedicated_embeddings", default=code.mtp_own_embeddings)
    return {
        "mtp_layers": layers,
        "mtp_own_embeddings": own or not layers,
        "mtp_dense": code.mtp_dense and layers > 0,
    }


def _index(text: Fields, layers: int) -> SparseIndex | None:
    """The index of DeepSeek's sparse attention; layers that share an earlier one have none."""
    if not text.number("index_topk", default=0):
        return None
    kinds = text.items("indexer_types")
    for kind in kinds:
        if kind not in ("full", "shared"):
            text.wrong("indexer_types", str(kind)[:60], "full or shared")
            break
    if kinds and len(kinds) < layers:
        text.wrong("indexer_types", f"{len(kinds)} entries", f"{layers}, one for each layer")
    own = list(kinds)[:layers].count("full") if kinds else layers
    return SparseIndex(
        heads=text.number("index_n_heads", least=1),
        head_dim=text.number("index_head_dim", least=1),
        layers=max(1, own),
    )


def _windowed(text: Fields, kind: str, shape: dict[str, object]) -> dict[str, object]:
    """The heads of layers with a window, where they differ (MiMo-V2-Flash)."""
    if not text.has("swa_num_key_value_heads"):
        if kind == "mimo_v2_flash":
            text.missing(("swa_num_key_value_heads",), "a whole number")
        return {}
    width = text.number("head_dim", least=1)
    own = AttentionHeads(
        heads=text.number(
            "swa_num_attention_heads", default=text.number("num_attention_heads"), least=1
        ),
        kv_heads=text.number("swa_num_key_value_heads", least=1),
        head_dim=text.number("swa_head_dim", default=width, least=1),
        v_head_dim=text.number("swa_v_head_dim", default=width, least=1),
    )
    return {"windowed": own if shape["window"] else None}


def _gemma(text: Fields) -> dict[str, object]:
    """Gemma 4's wider heads of full attention, and the parts for small devices of it and of 3n."""
    changed: dict[str, object] = {}
    hidden, layers = text.number("hidden_size", "n_embd", "d_model"), layer_count(text)
    if wide := text.number("global_head_dim", default=0):
        changed["windowed"] = AttentionHeads(
            heads=text.number("num_attention_heads", least=1),
            kv_heads=text.number("num_key_value_heads", least=1),
            head_dim=text.number("head_dim", least=1),
            v_head_dim=text.number("head_dim", least=1),
        )
        changed["head_dim"] = wide
    if text.flag("attention_k_eq_v", default=False):
        changed["values_are_keys"] = True
        changed["kv_heads"] = text.number(
            "num_global_key_value_heads", default=text.number("num_key_value_heads"), least=1
        )
    else:
        text.ignore("num_global_key_value_heads")
    shared = text.number("num_kv_shared_layers", default=0)
    changed["shared_kv_layers"] = shared
    other = 0
    if text.flag("use_double_wide_mlp", default=False):
        other += shared * 3 * hidden * text.number("intermediate_size")
    if width := text.number("hidden_size_per_layer_input", default=0):
        changed["per_layer_input"] = PerLayerInput(
            width=width, vocab=text.number("vocab_size_per_layer_input", least=1)
        )
    else:
        text.ignore("vocab_size_per_layer_input")
    if inputs := text.number("altup_num_inputs", default=0):  # AltUp, and LAuReL beside the layer
        other += 2 * max(0, inputs - 1) * hidden**2 + layers * inputs * hidden
        other += layers * 2 * hidden * text.number("laurel_rank", least=1)
    return changed | {"other_parameters": other}
