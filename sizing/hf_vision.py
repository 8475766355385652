"""The size of a multimodal model's vision tower."""

from typing import Final

from sizing.hf_fields import Fields

_GATED: Final = frozenset({"pixtral", "qwen2_5_vl"})
_PIXEL_CHANNELS: Final = 3


def tower_parameters(vision: Fields, text_hidden: int) -> int:
    """Parameters of the tower and of its projector to a decoder of width `text_hidden`.

    A transformer of `num_hidden_layers` (`depth`) layers; the projector is assumed to be an MLP of
    two layers, as most have. The config does not describe a few per cent of a tower's size.
    """
    layers = vision.number("num_hidden_layers", "depth")
    hidden = vision.number("hidden_size", "embed_dim")
    width = vision.number("intermediate_size", default=4 * hidden)
    patch = vision.number("patch_size", "spatial_patch_size", default=14)
    matrices = 3 if vision.text("model_type") in _GATED else 2
    layer = 4 * hidden**2 + matrices * hidden * width
    embedding = _PIXEL_CHANNELS * patch**2 * hidden
    return layers * layer + embedding + (hidden + text_hidden) * text_hidden
