"""The widths of a model's MLPs and experts, and the number of layers with each."""

from sizing.hf_fields import Fields


def experts(text: Fields, model_type: str, layers: int) -> dict[str, object]:
    """The MLP and expert fields of the Architecture of a model with this many *layers*."""
    count = text.number(
        "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", default=0
    )
    if not count:
        return {"intermediate": _dense_width(text)}
    width = text.number("moe_intermediate_size", "intermediate_size")
    dense = _dense_layers(text, layers)
    return {
        "intermediate": width,
        "experts": count,
        "experts_per_token": text.number(
            "num_experts_per_tok", "experts_per_token", "num_experts_per_token", "moe_k"
        ),
        "shared_intermediate": _shared_width(text, model_type, width),
        "dense_layers": dense,
        "dense_intermediate": text.number("intermediate_size_mlp", "intermediate_size")
        if dense
        else 0,
    }


def _dense_width(text: Fields) -> int:
    """Width of the MLP; a dense Granite 4 states it where its siblings have the shared expert."""
    if "shared_intermediate_size" in text.values:
        return text.number("shared_intermediate_size")
    hidden = text.number("hidden_size", "n_embd", "d_model", default=1)
    four_times = 4 * hidden if "n_embd" in text.values else None  # GPT-2's n_inner: null
    return text.number("intermediate_size", "n_inner", "ffn_dim", default=four_times)


def _shared_width(text: Fields, model_type: str, width: int) -> int:
    if model_type == "llama4_text":  # one, as wide as the routed ones
        return width
    for name in ("shared_expert_intermediate_size", "shared_intermediate_size"):
        if name in text.values:
            return text.number(name)
    shared = text.number("n_shared_experts", "num_shared_experts", default=0)
    return shared * text.number("moe_shared_expert_intermediate_size", default=width)


def _dense_layers(text: Fields, layers: int) -> int:
    """Number of layers that have an MLP although the model has experts."""
    first = text.number("first_k_dense_replace", default=0)
    named = {layer for layer in text.items("mlp_only_layers") if isinstance(layer, int)}
    step = text.number("decoder_sparse_step", "interleave_moe_layer_step", default=1)
    between = {layer for layer in range(layers) if (layer + 1) % max(1, step)}
    return len(named | between | set(range(first)))
