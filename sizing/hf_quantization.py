"""The type of a checkpoint's weights, from torch_dtype and quantization_config."""

from typing import Final

from catalog.models import WeightDtype
from sizing.hf_fields import Fields

_TORCH: Final[dict[str, WeightDtype]] = {
    "bfloat16": "bf16",
    "float16": "fp16",
    "float32": "fp32",
}
_METHODS: Final[dict[str, WeightDtype]] = {"fp8": "fp8", "mxfp4": "mxfp4", "fbgemm_fp8": "fp8"}
_INTEGERS: Final[dict[int, WeightDtype]] = {4: "int4", 8: "int8"}
_MODELOPT: Final[dict[str, WeightDtype]] = {"FP8": "fp8", "NVFP4": "nvfp4"}
_PACKED_4_BIT_FLOATS: Final[dict[str, WeightDtype]] = {
    "nvfp4-pack-quantized": "nvfp4",
    "mxfp4-pack-quantized": "mxfp4",
}


def stored_dtype(outer: Fields, text: Fields) -> WeightDtype:
    """The type of the checkpoint; records an unknown quantization as a problem."""
    plain = _plain(outer) or _plain(text) or "bf16"
    values = outer.child("quantization_config") or text.child("quantization_config")
    if not values:
        return plain
    fields = Fields(values, f"{outer.where}quantization_config.", outer.problems)
    found = _quantized(fields)
    if found is None:
        fields.unsupported(
            "quant_method", "method besides fp8, mxfp4, awq, gptq, compressed-tensors, modelopt"
        )
        return plain
    return found


def _plain(fields: Fields) -> WeightDtype | None:
    return _TORCH.get(fields.text("torch_dtype") or fields.text("dtype"))


def _quantized(fields: Fields) -> WeightDtype | None:
    method = fields.text("quant_method")
    if method in ("awq", "gptq"):
        return _INTEGERS.get(fields.number("bits"))
    if method == "modelopt":
        return _MODELOPT.get(fields.text("quant_algo"))
    if method == "compressed-tensors":
        return _compressed_tensors(fields)
    return _METHODS.get(method)


def _compressed_tensors(fields: Fields) -> WeightDtype | None:
    """The type of the first group of layers: checkpoints with different groups are rare."""
    if packed := _PACKED_4_BIT_FLOATS.get(fields.text("format")):
        return packed
    groups = Fields(fields.child("config_groups"), "", fields.problems)
    for name in groups.values:
        group = Fields(groups.child(name), f"{fields.where}config_groups.{name}.", fields.problems)
        weights = Fields(group.child("weights"), f"{group.where}weights.", fields.problems)
        bits = weights.number("num_bits")
        if weights.text("type") == "float":
            return "fp8" if bits == 8 else None  # noqa: PLR2004 - eight bits are what FP8 has
        return _INTEGERS.get(bits)
    return None
