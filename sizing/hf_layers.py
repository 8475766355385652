"""The kinds of a model's layers, from the various fields of config.json that state them."""

from collections.abc import Iterator, Mapping
from typing import Final

from catalog.architecture import LayerKind
from sizing.hf_fields import Fields
from sizing.hf_types import Code

MOST_LAYERS: Final = 1000
"""No model has as many; layers are looked at one by one."""

_LAYER_TYPES: Final[dict[str, LayerKind]] = {
    "full_attention": "F",
    "attention": "F",
    "indexed_attention": "F",
    "deepseek_sparse_attention": "F",
    "sliding_attention": "S",
    "chunked_attention": "S",
    "linear_attention": "L",
    "mamba": "L",
    "conv": "L",
    "hybrid": "H",
    "moe": "M",
    "mlp": "M",
}
"""Values of `layer_types` (transformers' configuration_utils.py) and of `layers_block_type`."""

_NEMOTRON: Final[dict[str, LayerKind]] = {"M": "L", "*": "F", "-": "M", "E": "M"}
"""Letters of `hybrid_override_pattern`: Mamba, attention, MLP, experts."""

_EXAONE: Final[dict[str, LayerKind]] = {"L": "S", "G": "F"}
"""Letters of a `sliding_window_pattern` in words: local, global."""

_ALL_WINDOWED: Final = frozenset({"mistral", "ministral", "ministral3", "mixtral", "phi3"}) | {
    "starcoder2"
}
"""Types whose layers all have the window, where the file has one and does not say which."""

_BY_SWITCH: Final = ("qwen", "smollm3", "dots1")
"""Types whose windows are off unless `use_sliding_window` says otherwise."""


def layer_count(fields: Fields) -> int:
    """num_hidden_layers, or the length of the list that names every layer's kind."""
    names = ("num_hidden_layers", "n_layer", "num_layers")
    if any(fields.has(name) for name in names):
        return fields.number(*names, least=1, most=MOST_LAYERS)
    listed = fields.items("layers_block_type") or fields.text("hybrid_override_pattern")
    return min(len(listed), MOST_LAYERS) or fields.number(*names, least=1)


def layer_pattern(
    fields: Fields, model_type: str, code: Code, layers: int, max_context: int
) -> str:
    """The shortest pattern whose repetition gives each layer its kind."""
    kinds = _kinds(fields, model_type, code, layers)
    if window(fields, model_type) >= max_context or not window(fields, model_type):
        kinds = kinds.replace("S", "F")
    for period in range(1, len(kinds) + 1):
        pattern = kinds[:period]
        if (pattern * (len(kinds) // period + 1))[: len(kinds)] == kinds:
            return pattern
    return kinds


def window(fields: Fields, model_type: str) -> int:
    """Window of the layers with one, tokens; 0 where no layer has one."""
    if not fields.flag("use_sliding_window", default=not model_type.startswith(_BY_SWITCH)):
        return 0
    return fields.number("sliding_window", "sliding_window_size", "attention_chunk_size", default=0)


def _kinds(fields: Fields, model_type: str, code: Code, layers: int) -> str:
    """One letter per layer; what the file says twice must agree."""
    found = {name: kinds for name, kinds in _stated(fields, model_type, layers) if kinds}
    whole = {name: _fitting(fields, name, kinds, layers) for name, kinds in found.items()}
    if whole:
        (first, kinds), *others = whole.items()
        for name, other in others:
            if other != kinds:
                fields.wrong(name, other[:60], f"the same layers as {first}: {kinds[:60]}")
        return _with_window(fields, kinds)
    if code.pattern == "?":
        fields.missing(("layer_types",), "the kind of each layer")
    elif code.pattern:
        return _with_window(fields, (code.pattern * layers)[:layers])
    if model_type not in _ALL_WINDOWED and not model_type.startswith(_BY_SWITCH):
        return "F" * layers
    # Qwen: the layers from this one on have the window; elsewhere all have.
    full = min(fields.number("max_window_layers", default=0), layers)
    return "F" * full + "S" * (layers - full)


def _with_window(fields: Fields, kinds: str) -> str:
    """*kinds*, whose windowed layers need a window; null is one: all of the context."""
    if "S" in kinds and fields.flag("use_sliding_window", default=True):
        fields.require("sliding_window", "sliding_window_size", "attention_chunk_size")
    return kinds


def _fitting(fields: Fields, name: str, kinds: str, layers: int) -> str:
    """*kinds* of all *layers*; some lists go on with the layers for multi-token prediction."""
    further = fields.value("num_nextn_predict_layers")
    if len(kinds) not in (layers, layers + (further if isinstance(further, int) else 0)):
        fields.wrong(name, f"{len(kinds)} entries", f"{layers}, one for each layer")
    return (kinds + "F" * layers)[:layers]


def _stated(fields: Fields, model_type: str, layers: int) -> Iterator[tuple[str, str]]:
    """What each of the fields that may state the kinds of the layers says."""
    for name in ("layer_types", "layers_block_type"):
        yield name, _named(fields, name, _LAYER_TYPES)
    yield "hybrid_override_pattern", _letters(fields, "hybrid_override_pattern", _NEMOTRON)
    yield "hybrid_layer_pattern", _switched(fields, "hybrid_layer_pattern", "S", "F")
    yield "attn_type_list", _switched(fields, "attn_type_list", "F", "L")
    if model_type == "llama4_text":
        # 1: rotary positions, attention in chunks; 0: none, attention to everything.
        yield "no_rope_layers", _switched(fields, "no_rope_layers", "S", "F")
        yield "no_rope_layer_interval", _interval(fields, "no_rope_layer_interval", "S", layers)
    for name in ("attn_layer_indices", "full_attn_idxs"):
        yield name, _at(fields, name, layers)
    yield "attn_layer_period", _periodic(fields, layers)
    yield "linear_attn_config", _kimi(fields, layers)
    yield "full_attention_interval", _interval(fields, "full_attention_interval", "L", layers)
    name = "sliding_window_pattern"
    if letters := _letters(fields, name, _EXAONE):
        yield name, (letters * layers)[:layers]
    else:
        yield name, _interval(fields, name, "S", layers)


def _named(fields: Fields, name: str, kinds: Mapping[str, LayerKind]) -> str:
    names = [str(kind) for kind in fields.items(name)]
    for unknown in sorted(set(names) - set(kinds)):
        fields.wrong(name, unknown[:60], f"one of {', '.join(kinds)}")
    return "".join(kinds.get(kind, "F") for kind in names)


def _letters(fields: Fields, name: str, kinds: Mapping[str, LayerKind]) -> str:
    letters = fields.text(name)
    for unknown in sorted(set(letters) - set(kinds)):
        fields.wrong(name, unknown, f"letters {' '.join(kinds)}")
    return "".join(kinds.get(letter, "F") for letter in letters)


def _switched(fields: Fields, name: str, true: LayerKind, false: LayerKind) -> str:
    return "".join(true if layer else false for layer in fields.items(name))


def _at(fields: Fields, name: str, layers: int) -> str:
    """Full attention in the layers listed, linear in all others."""
    listed = fields.items(name)
    if not listed or fields.has("layer_types"):
        return ""
    return "".join("F" if layer in listed else "L" for layer in range(layers))


def _periodic(fields: Fields, layers: int) -> str:
    """Jamba: attention in one layer of each period."""
    if not fields.has("attn_layer_period"):
        return ""
    period = fields.number("attn_layer_period", least=1)
    offset = fields.number("attn_layer_offset", default=0)
    return "".join("F" if layer % period == offset else "L" for layer in range(layers))


def _kimi(fields: Fields, layers: int) -> str:
    """Kimi Linear: both kinds are listed, and the first layer is number 1."""
    if not fields.has("linear_attn_config"):
        return ""
    own = fields.child("linear_attn_config")
    full, linear = own.items("full_attn_layers"), own.items("kda_layers")
    for layer in range(1, layers + 1):
        if (layer in full) == (layer in linear):
            own.wrong("kda_layers", f"layer {layer}", "each layer here or in full_attn_layers")
            return ""
    return "".join("F" if layer in full else "L" for layer in range(1, layers + 1))


def _interval(fields: Fields, name: str, others: LayerKind, layers: int) -> str:
    return _every(fields.number(name, least=1), others, layers) if fields.has(name) else ""


def _every(interval: int, others: LayerKind, layers: int) -> str:
    """Full attention in the last layer of each *interval*."""
    return ((others * (interval - 1) + "F") * (layers // interval + 1))[:layers]
