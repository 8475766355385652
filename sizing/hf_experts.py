"""The widths of a model's MLPs and experts, and the number of layers with each."""

from collections.abc import Iterator
from typing import Final

from sizing.hf_fields import Fields

_PER_TOKEN: Final = (
    *("num_experts_per_tok", "experts_per_token", "num_experts_per_token"),
    *("moe_k", "moe_topk", "top_k_experts"),
)
_SHARED_WIDTHS: Final = ("shared_expert_intermediate_size", "shared_intermediate_size")
_SHARED: Final = (
    *("n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert"),
)
_EVERY_LAYER_HAS_AN_MLP_TOO: Final = "gemma4_text"


def experts(text: Fields, model_type: str, layers: int) -> dict[str, object]:
    """The MLP and expert fields of the Architecture of a model with this many *layers*."""
    count = text.number(
        "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", default=0
    )
    if not count:
        return {"intermediate": _dense_width(text)}
    width = text.number(
        "moe_intermediate_size" if text.has("moe_intermediate_size") else "intermediate_size"
    )
    dense = _dense_layers(text, layers)
    with_experts = text.text("hybrid_override_pattern").count("E") or [
        *text.items("layers_block_type")
    ].count("moe")
    if model_type == "nemotron_h" and not with_experts:
        return {"intermediate": _dense_width(text)}
    if model_type == "nemotron_h":
        text.require("n_shared_experts")
    # Of dense layers, of which there may be none; whether there are experts, which count says.
    text.ignore("intermediate_size", "intermediate_size_mlp", "dense_intermediate_size")
    text.ignore("enable_moe_block")
    return {
        "intermediate": width,
        "experts": count,
        "experts_per_token": text.number(*_PER_TOKEN, least=1),
        "shared_intermediate": _shared_width(text, model_type, width),
        "expert_hidden": text.number("moe_latent_size", default=0),
        "dense_layers": dense,
        "dense_intermediate": _dense_layers_width(text) if dense else 0,
    }


def _dense_layers_width(text: Fields) -> int:
    for name in ("dense_intermediate_size", "intermediate_size_mlp"):
        if text.has(name):
            return text.number(name)
    return text.number("intermediate_size")


def _dense_width(text: Fields) -> int:
    """Width of the MLP; a dense Granite 4 states it where its siblings have the shared expert."""
    if text.number("shared_intermediate_size", default=0):
        text.ignore("intermediate_size")
        return text.number("shared_intermediate_size")
    hidden = text.number("hidden_size", "n_embd", "d_model", default=1)
    four_times = 4 * hidden if text.has("n_embd") else None  # GPT-2's n_inner: null
    width = text.number("intermediate_size", "n_inner", "ffn_dim", default=four_times)
    if not text.flag("block_auto_adjust_ff_dim", default=False):
        text.ignore("block_multiple_of", "block_ffn_dim_multiplier", "block_ff_dim")
        return width
    # Lfm2MLP of modeling_lfm2.py: two thirds, times the multiplier, in whole blocks.
    text.ignore("block_ff_dim")
    times, block = text.value("block_ffn_dim_multiplier"), text.number("block_multiple_of", least=1)
    text.ignore("block_ffn_dim_multiplier")
    width = 2 * width // 3
    if isinstance(times, int | float):
        if not 0 < times < _MOST:
            text.wrong("block_ffn_dim_multiplier", str(times), "a number between 0 and 100")
            times = 1
        width = int(times * width)
    return -(-width // block) * block


_MOST: Final = 100


def _shared_width(text: Fields, model_type: str, width: int) -> int:
    """Total width of what processes every token beside the routed experts."""
    if model_type == _EVERY_LAYER_HAS_AN_MLP_TOO:
        return text.number("intermediate_size")
    if model_type == "llama4_text":  # one, as wide as the routed ones
        return width
    for name in _SHARED_WIDTHS:
        if text.has(name):
            text.ignore(*_SHARED)
            return text.number(name)
    shared = text.number(*_SHARED, default=0)
    own = text.number("moe_shared_expert_intermediate_size", default=width)
    return shared * own


def _dense_layers(text: Fields, layers: int) -> int:
    """Number of layers that have an MLP although the model has experts."""
    return len({layer for layer in _dense(text, layers) if layer < layers})


def _dense(text: Fields, layers: int) -> Iterator[int]:
    """Each layer that one of the fields takes the experts from."""
    yield from range(min(layers, text.number("first_k_dense_replace", default=0)))
    yield from range(min(layers, text.number("num_dense_layers", default=0)))
    yield from (layer for layer in text.items("mlp_only_layers") if isinstance(layer, int))
    for name in ("decoder_sparse_step", "interleave_moe_layer_step"):
        step = text.number(name, default=1, least=1)
        yield from (layer for layer in range(layers) if (layer + 1) % step)
    yield from _by_frequency(text, layers)
    yield from _periodic(text, layers)
    yield from _between(text, layers)
    if sparse := text.items("moe_layers"):
        yield from (layer for layer in range(layers) if layer not in sparse)
    for layer, kind in enumerate(text.items("mlp_layer_types")):
        if kind == "dense":
            yield layer
        elif kind != "sparse":
            text.wrong("mlp_layer_types", str(kind)[:60], "dense or sparse")
            return
    letters = text.text("hybrid_override_pattern")
    yield from (layer for layer, letter in enumerate(letters) if letter == "-")
    kinds = text.items("layers_block_type")
    yield from (layer for layer, kind in enumerate(kinds) if kind == "mlp")


def _by_frequency(text: Fields, layers: int) -> Iterator[int]:
    """`moe_layer_freq`: an interval from layer 0 on, or a switch for each layer."""
    value = text.value("moe_layer_freq")
    if isinstance(value, list):
        switches = text.items("moe_layer_freq")
        if len(switches) < layers:
            text.wrong("moe_layer_freq", f"{len(switches)} entries", f"{layers}, one for each")
        yield from (layer for layer, switch in enumerate(switches) if not switch)
        return
    interval = text.number("moe_layer_freq", default=1, least=1)
    yield from (layer for layer in range(layers) if layer % interval)


def _periodic(text: Fields, layers: int) -> Iterator[int]:
    """Jamba: experts in one layer of each period."""
    if text.has("expert_layer_period"):
        period = text.number("expert_layer_period", least=1)
        offset = text.number("expert_layer_offset", default=0)
        yield from (layer for layer in range(layers) if layer % period != offset)


def _between(text: Fields, layers: int) -> Iterator[int]:
    """ERNIE: experts from one layer to another, and between them at an interval."""
    if text.has("moe_layer_start_index"):
        first = text.number("moe_layer_start_index")
        if text.value("moe_layer_end_index") == -1:
            text.ignore("moe_layer_end_index")
            last = layers - 1
        else:
            last = text.number("moe_layer_end_index", default=layers - 1)
        step = text.number("moe_layer_interval", default=1, least=1)
        yield from (
            layer for layer in range(layers) if not first <= layer <= last or (layer + 1) % step
        )
