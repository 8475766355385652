"""The size of a multimodal model's vision tower and of its projector."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, cast

from sizing.hf_fields import Fields
from sizing.hf_unread import judge

_SPLITS: Final = dict.fromkeys(
    (
        *("num_heads", "num_attention_heads", "num_key_value_heads", "head_dim", "global_head_dim"),
        *("vt_num_attention_heads", "attention_heads", "window_size", "fullatt_block_indexes"),
        *("tokens_per_second", "max_position_embeddings", "pooling_kernel_size", "standardize"),
        *("init_pos_emb_time", "merge_type", "mm_projector_type", "projector_hidden_act"),
        *("text_hidden_size", "mm_hidden_size", "projector_ln_eps", "vision_use_head"),
        *("projector_input_dim", "projection_dim", "pixel_shuffle_ratio", "use_clipped_linears"),
        *("spatial_patch_size", "vision_feature_layer", "attention_type", "video_attn_type"),
    ),
    "how the same width is split and read",
)


class _Whole(NamedTuple):
    """A tower's sizes and what its model puts around it."""

    vision: Fields
    outer: Fields
    text_hidden: int


def tower_parameters(outer: Fields, text_hidden: int, notes: list[str]) -> int:
    """Parameters of the tower and of its projector to a decoder of width *text_hidden*.

    A tower that is not known, or that has keys which are not, is left out by name in *notes*.
    """
    values = outer.value("vision_config")
    if not isinstance(values, Mapping) or not values:
        return 0
    outer.ignore("vision_config")
    vision = Fields(cast("Mapping[str, object]", values), "vision_config.", [])
    kind = vision.text("model_type") or outer.text("model_type")
    tower = _TOWERS.get(kind) or _TOWERS.get(outer.text("model_type"))
    if tower is None:
        notes.append(f"text model only: vision_config is left out, its type {kind} is not known")
        return 0
    found = tower(_Whole(vision, outer, text_hidden))
    open_questions = [problem.path for problem in vision.problems]
    open_questions += [problem.path for problem in judge(vision, _SPLITS)]
    if open_questions:
        paths = ", ".join(open_questions)
        notes.append(f"text model only: vision_config is left out, for {paths} is not understood")
        return 0
    return found


def _layers(vision: Fields, hidden: int, width: int, matrices: int, *names: str) -> int:
    """The layers, with the vectors that their biases and norms are."""
    count = vision.number(*(names or ("num_hidden_layers", "depth")))
    return count * (4 * hidden**2 + matrices * hidden * width + 9 * hidden + width)


def _patches(vision: Fields, hidden: int, frames: int = 1) -> int:
    """The embedding of a patch of pixels."""
    channels = vision.number("in_channels", "in_chans", "num_channels", default=3)
    return channels * frames * vision.number("patch_size") ** 2 * hidden


def _qwen(whole: _Whole) -> int:
    """Modeling_qwen3_vl.py, modeling_qwen3_5.py: mergers of neighboring patches, more if deep."""
    vision = whole.vision
    hidden, frames = vision.number("hidden_size"), vision.number("temporal_patch_size", default=2)
    merged = hidden * vision.number("spatial_merge_size", default=2) ** 2
    mergers = 1 + len(vision.items("deepstack_visual_indexes"))
    return (
        _layers(vision, hidden, vision.number("intermediate_size"), 2)
        + _patches(vision, hidden, frames)
        + vision.number("num_position_embeddings") * hidden
        + mergers * (merged**2 + merged * vision.number("out_hidden_size"))
    )


def _qwen2_5(whole: _Whole) -> int:
    """Modeling_qwen2_5_vl.py: a gated MLP, rotary positions."""
    vision = whole.vision
    hidden, frames = vision.number("hidden_size"), vision.number("temporal_patch_size", default=2)
    merged = hidden * vision.number("spatial_merge_size", default=2) ** 2
    patch = vision.number("patch_size", "spatial_patch_size", default=14)
    channels = vision.number("in_channels", "in_chans", default=3)
    return (
        _layers(vision, hidden, vision.number("intermediate_size"), 3)
        + channels * frames * patch**2 * hidden
        + merged**2
        + merged * vision.number("out_hidden_size")
    )


def _siglip(whole: _Whole) -> int:
    """Modeling_siglip.py behind Gemma 3's projector, a single matrix."""
    vision = whole.vision
    hidden = vision.number("hidden_size")
    side = vision.number("image_size") // max(1, vision.number("patch_size"))
    return (
        _layers(vision, hidden, vision.number("intermediate_size"), 2)
        + _patches(vision, hidden)
        + side**2 * hidden
        + hidden * whole.text_hidden
    )


def _lfm2(whole: _Whole) -> int:
    """Modeling_siglip2.py behind the projector of modeling_lfm2_vl.py, which merges patches."""
    vision, outer = whole.vision, whole.outer
    hidden, inner = vision.number("hidden_size"), outer.number("projector_hidden_size")
    merged = hidden * outer.number("downsample_factor") ** 2
    return (
        _layers(vision, hidden, vision.number("intermediate_size"), 2)
        + _patches(vision, hidden)
        + vision.number("num_patches") * hidden
        + inner * (merged + whole.text_hidden)
    )


def _pixtral(whole: _Whole) -> int:
    """Modeling_pixtral.py behind Mistral 3's projector, which merges patches."""
    vision, text = whole.vision, whole.text_hidden
    hidden = vision.number("hidden_size")
    merged = hidden * whole.outer.number("spatial_merge_size", default=2) ** 2
    return (
        _layers(vision, hidden, vision.number("intermediate_size"), 3)
        + _patches(vision, hidden)
        + merged * hidden
        + text * (hidden + text)
    )


def _llama4(whole: _Whole) -> int:
    """Modeling_llama4.py: an adapter after the pixel shuffle, then a matrix."""
    vision = whole.vision
    hidden, width = vision.number("hidden_size"), vision.number("intermediate_size")
    inner, out = vision.number("projector_output_dim"), vision.number("vision_output_dim")
    side = vision.number("image_size") // max(1, vision.number("patch_size"))
    return (
        _layers(vision, hidden, width, 2)
        + _patches(vision, hidden)
        + (side**2 + 1) * hidden
        + inner * (width + inner)
        + out * whole.text_hidden
    )


def _kimi(whole: _Whole) -> int:
    """Modeling_kimi_k25.py: MoonViT, learned positions, a projector of four merged patches."""
    vision = whole.vision
    hidden, width = vision.number("vt_hidden_size"), vision.number("vt_intermediate_size")
    merge = [side for side in vision.items("merge_kernel_size") if isinstance(side, int)]
    merged = hidden * (merge[0] * merge[1] if len(merge) > 1 else 4)
    positions = vision.number("init_pos_emb_height") * vision.number("init_pos_emb_width")
    return (
        _layers(vision, hidden, width, 2, "vt_num_hidden_layers")
        + _patches(vision, hidden)
        + positions * hidden
        + merged * (merged + whole.text_hidden)
    )


def _gemma4(whole: _Whole) -> int:
    """Modeling_gemma4.py: a gated MLP, positions of rows and of columns."""
    vision = whole.vision
    hidden = vision.number("hidden_size")
    return (
        _layers(vision, hidden, vision.number("intermediate_size"), 3)
        + _patches(vision, hidden)
        + 2 * vision.number("position_embedding_size") * hidden
        + hidden * whole.text_hidden
    )


_TOWERS: Final[Mapping[str, Callable[[_Whole], int]]] = {
    **dict.fromkeys(
        (
            *("qwen3_vl", "qwen3_vl_vision", "qwen3_vl_moe", "qwen3_vl_moe_vision"),
            *("qwen3_5", "qwen3_5_vision", "qwen3_5_moe", "qwen3_5_moe_vision"),
        ),
        _qwen,
    ),
    "qwen2_5_vl": _qwen2_5,
    "qwen2_5_vl_vision": _qwen2_5,
    "siglip_vision_model": _siglip,
    "siglip2_vision_model": _lfm2,
    "pixtral": _pixtral,
    "llama4_vision_model": _llama4,
    "kimi_k25": _kimi,
    "gemma4_vision": _gemma4,
}
"""By the tower's `model_type`, or by the model's where the tower has none."""
