"""The types of a checkpoint's weights, from torch_dtype and quantization_config."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from catalog.architecture import Architecture
from catalog.models import StoredBits, WeightDtype
from sizing.hf_fields import Fields
from sizing.hf_modules import Module, Part, Patterns, canonical, modules

_TORCH: Final[dict[str, WeightDtype]] = {
    "bfloat16": "bf16",
    "float16": "fp16",
    "float32": "fp32",
}
_INTEGERS: Final[dict[int, WeightDtype]] = {4: "int4", 8: "int8"}
_KEPT: Final = 16


class Scheme(NamedTuple):
    """How a quantized weight is stored."""

    dtype: WeightDtype
    bits: float
    """Bits per weight, with its share of the scales."""


_FP8: Final = Scheme("fp8", 8)
_MODELOPT: Final[Mapping[str, Scheme]] = {
    "FP8": _FP8,
    "FP8_PER_CHANNEL_PER_TOKEN": _FP8,
    "FP8_PB_WO": Scheme("fp8", 8 + 32 / 128**2),
    "MXFP8": Scheme("fp8", 8 + 8 / 32),
    "NVFP4": Scheme("nvfp4", 4 + 8 / 16),
    "W4A16_NVFP4": Scheme("nvfp4", 4 + 8 / 16),
    "NVFP4_AWQ": Scheme("nvfp4", 4 + 8 / 16),
    "W4A8_AWQ": Scheme("int4", 4 + 16 / 128),
    "W4A16_AWQ": Scheme("int4", 4 + 16 / 128),
    "MXFP4": Scheme("mxfp4", 4 + 8 / 32),
    "W8A8_SQ_PER_CHANNEL": Scheme("int8", 8),
    "INT8_SQ": Scheme("int8", 8),
}
"""NVIDIA ModelOpt's algorithms (modelopt/torch/export/model_config.py), with their scales."""

_FORMATS: Final[Mapping[str, Scheme]] = {
    "nvfp4-pack-quantized": _MODELOPT["NVFP4"],
    "mxfp4-pack-quantized": _MODELOPT["MXFP4"],
    "mxfp8-quantized": _MODELOPT["MXFP8"],
}
_ELSEWHERE: Final = (
    *("activation_scheme", "fmt", "scale_fmt", "quantization_status", "kv_cache_scheme"),
    *("kv_cache_quant_algo", "producer", "version", "backend", "desc_act", "sym", "zero_point"),
    *(
        "global_compression_ratio",
        "sparsity_config",
        "transform_config",
        "dequantize",
        "use_exllama",
    ),
    *("damp_percent", "true_sequential", "static_groups", "checkpoint_format", "quantizer", "meta"),
    *("do_fuse", "fuse_max_seq_len", "exllama_config", "activation_scale_ub", "model_seqlen"),
    *(
        "model_file_base_name",
        "model_name_or_path",
        "dataset",
        "block_name_to_quantize",
        "tokenizer",
    ),
    *("module_name_preceding_first_block", "batch_size", "pad_token_id", "use_cuda_fp16"),
    *(
        "cache_block_outputs",
        "max_input_length",
        "use_triton",
        "pack_dtype",
        "format",
        "is_marlin_format",
    ),
)
"""Keys about activations, the cache and the tool that quantized: nothing about stored weights."""


class Stored(NamedTuple):
    """The types of a checkpoint's weights."""

    dtype: WeightDtype
    scheme: Scheme | None
    """Of the quantized weights; None where there are none."""
    kept: Sequence[str]
    """Modules that keep 16 bits."""
    named: Mapping[str, Scheme]
    """Modules that have a type of their own; where there are any, all others keep 16 bits."""
    notes: Sequence[str] = ()


def stored_dtype(outer: Fields, text: Fields) -> Stored:
    """The types in the checkpoint; records an unknown quantization as a problem."""
    plain = _plain(outer) or _plain(text) or "bf16"
    own = next(
        (each for each in (outer, text) if each.has("quantization_config")),
        None,
    )
    if own is None or not own.child("quantization_config"):
        return Stored(plain, None, (), {})
    fields = own.child("quantization_config")
    fields.ignore(*_ELSEWHERE)
    found = _quantized(fields)
    return found or Stored(plain, None, (), {})


def stored_bits(arch: Architecture, stored: Stored) -> tuple[StoredBits | None, list[str]]:
    """Average bits of each group of weights, where the file says which modules are quantized.

    None: the groups that a checkpoint of this type usually quantizes. Beside it, what was not
    understood.
    """
    if not stored.scheme or not (stored.kept or stored.named):
        return (_usual(stored.scheme) if stored.scheme else None), []
    listed = list(modules(arch))
    patterns = Patterns(stored.kept)
    named = {canonical(name): scheme for name, scheme in stored.named.items()}
    bits: dict[Part, float] = {}
    total: dict[Part, int] = {}
    for module in listed:
        per_weight = _bits(module, stored.scheme, patterns, named)
        bits[module.part] = bits.get(module.part, 0) + module.parameters * per_weight
        total[module.part] = total.get(module.part, 0) + module.parameters
    notes = [
        f"quantization_config keeps {entry} at 16 bits, which is no module that pai size knows"
        for entry in [*patterns.strange(listed), *patterns.unreadable][:3]
    ]
    average = {part: bits[part] / total[part] if total[part] else _KEPT for part in bits}
    return StoredBits.model_validate(average), notes


def _bits(module: Module, scheme: Scheme, kept: Patterns, named: Mapping[str, Scheme]) -> float:
    if named:
        steps = module.name.split(".")
        names = (".".join(steps[:end]) for end in range(len(steps), 0, -1))
        return next((named[name].bits for name in names if name in named), _KEPT)
    if module.name == "embed_tokens" or module.name in kept:
        return _KEPT
    # A head is quantized only where the file names it; a tied one never is.
    if module.part == "embeddings":
        return _KEPT
    if scheme.dtype == "mxfp4" and module.part != "experts":
        return _KEPT
    return scheme.bits


def _usual(scheme: Scheme) -> StoredBits:
    linears = _KEPT if scheme.dtype == "mxfp4" else scheme.bits
    return StoredBits(
        embeddings=_KEPT,
        attention=linears,
        replicated=linears,
        mlp=linears,
        experts=scheme.bits,
    )


def _plain(fields: Fields) -> WeightDtype | None:
    stated = fields.text("torch_dtype") or fields.text("dtype")
    return _TORCH.get(stated.removeprefix("torch."))


def _quantized(fields: Fields) -> Stored | None:
    method = fields.text("quant_method")
    algorithm = fields.text("quant_algo")
    if method == "modelopt" or (algorithm and method in ("", "modelopt_fp4", "modelopt_mixed")):
        return _modelopt(fields, algorithm)
    if method == "compressed-tensors":
        return _compressed_tensors(fields)
    kept = [*_names(fields, "modules_to_not_convert"), *_names(fields, "ignored_layers")]
    if method in ("awq", "gptq", "auto-round", "intel/auto-round"):
        scheme = _integers(fields)
    elif method in ("fp8", "fbgemm_fp8"):
        scheme = Scheme("fp8", 8 + 32 / _area(fields.items("weight_block_size")))
    elif method == "mxfp4":
        scheme = _MODELOPT["MXFP4"]
    else:
        known = "fp8, fbgemm_fp8, mxfp4, awq, gptq, auto-round, compressed-tensors or modelopt"
        fields.wrong("quant_method", method or "missing", known)
        return None
    return Stored(scheme.dtype, scheme, kept, {}) if scheme else None


def _integers(fields: Fields) -> Scheme | None:
    """AWQ and GPTQ: a 16-bit scale and a zero point for each group."""
    bits = fields.number("bits", "w_bit")
    if bits not in _INTEGERS:
        fields.wrong("bits", str(bits), "4 or 8")
        return None
    group = fields.value("group_size")
    size = group if isinstance(group, int) and group > 0 else 0
    fields.ignore("group_size", "q_group_size")
    if fields.flag("lm_head", default=False) or fields.value("dynamic"):
        fields.wrong("dynamic" if fields.value("dynamic") else "lm_head", "set", "one type for all")
    return Scheme(_INTEGERS[bits], bits + ((16 + bits) / size if size else 0))


def _area(block: Sequence[object]) -> float:
    """Weights that share a scale; without blocks so many that the scale does not matter."""
    sizes = [each for each in block if isinstance(each, int) and each > 0]
    return float(sizes[0] * sizes[1]) if len(sizes) == 2 else float("inf")  # noqa: PLR2004 - a block has two sides


def _names(fields: Fields, key: str) -> list[str]:
    return [name for name in fields.items(key) if isinstance(name, str)]


def _modelopt(fields: Fields, algorithm: str) -> Stored | None:
    """NVIDIA ModelOpt: one algorithm for all but some modules, or one for each module named."""
    kept = [*_names(fields, "ignore"), *_names(fields, "exclude_modules")]
    fields.ignore("group_size", "config_groups", "block_size")
    if algorithm == "MIXED_PRECISION":
        return _mixed(fields, kept)
    if algorithm not in _MODELOPT:
        known = ", ".join(_MODELOPT)
        fields.wrong("quant_algo", algorithm or "missing", f"{known} or MIXED_PRECISION")
        return None
    scheme = _MODELOPT[algorithm]
    return Stored(scheme.dtype, scheme, kept, {})


def _mixed(fields: Fields, kept: Sequence[str]) -> Stored | None:
    layers = fields.child("quantized_layers")
    named: dict[str, Scheme] = {}
    for name in layers.open_keys():
        algorithm = layers.child(name).text("quant_algo")
        layers.child(name).ignore("group_size", "block_size")
        if algorithm not in _MODELOPT:
            known = ", ".join(_MODELOPT)
            layers.child(name).wrong("quant_algo", algorithm or "missing", f"one of {known}")
            return None
        named[name] = _MODELOPT[algorithm]
    if not named:
        fields.missing(("quantized_layers",), "the modules and the algorithm of each")
        return None
    widths = {scheme.dtype for scheme in named.values()}
    notes = [
        f"quantization_config names {len(named)} modules; the weights of all others are counted at"
        f" 16 bits, an upper bound: {group} ({bits} bits) names none of its own"
        for group, bits in _unnamed(fields.value("config_groups"), widths)
    ]
    narrowest = min(named.values(), key=lambda scheme: scheme.bits)
    return Stored(narrowest.dtype, narrowest, kept, named, notes)


def _unnamed(groups: object, widths: set[WeightDtype]) -> list[tuple[str, int]]:
    """Groups of a width that no named module has: the list of modules was cut."""
    if not isinstance(groups, dict):
        return []
    found: list[tuple[str, int]] = []
    for name, group in groups.items():
        weights = group.get("weights") if isinstance(group, dict) else None
        bits = weights.get("num_bits") if isinstance(weights, dict) else None
        if bits == 4 and widths.isdisjoint({"nvfp4", "mxfp4", "int4"}):  # noqa: PLR2004 - bits
            found.append((str(name), 4))
    return found


def _compressed_tensors(fields: Fields) -> Stored | None:
    """The format of vLLM: groups of modules, each with a scheme."""
    kept = _names(fields, "ignore")
    packed = fields.text("format")
    groups = fields.child("config_groups")
    schemes: dict[str, Scheme] = {}
    targets: dict[str, Scheme] = {}
    for name in groups.open_keys():
        group = groups.child(name)
        group.ignore("input_activations", "output_activations")
        scheme = _scheme(group.child("weights"), group.text("format") or packed)
        if scheme is None:
            return None
        schemes[name] = scheme
        for target in _names(group, "targets"):
            targets[target] = scheme
    if not schemes and packed in _FORMATS:
        return Stored(_FORMATS[packed].dtype, _FORMATS[packed], kept, {})
    if not schemes:
        fields.missing(("config_groups",), "a group of modules and their weights")
        return None
    first = next(iter(schemes.values()))
    if len(set(schemes.values())) > 1:
        if "Linear" in targets or any(target.startswith("re:") for target in targets):
            groups.wrong("targets", ", ".join(targets)[:60], "names of modules, or one scheme")
            return None
        narrowest = min(schemes.values(), key=lambda scheme: scheme.bits)
        return Stored(narrowest.dtype, narrowest, kept, targets)
    return Stored(first.dtype, first, kept, {})


def _scheme(weights: Fields, packed: str) -> Scheme | None:
    """The scheme of a group: its bits, and a scale for each group, channel or block of them."""
    weights.ignore(*weights.open_keys())
    if packed in _FORMATS:
        return _FORMATS[packed]
    bits, kind = weights.number("num_bits"), weights.text("type", "int")
    group = weights.value("group_size")
    size = group if isinstance(group, int) and group > 0 else 0
    if kind == "float" and bits == 8:  # noqa: PLR2004 - eight bits are what FP8 has
        return Scheme("fp8", 8 + 32 / _area(weights.items("block_structure")))
    if kind == "float" and bits == 4:  # noqa: PLR2004 - four are what NVFP4 and MXFP4 have
        return _MODELOPT["MXFP4" if size == 32 else "NVFP4"]  # noqa: PLR2004 - MXFP4's groups
    if kind == "int" and bits in _INTEGERS:
        zero = 0 if weights.flag("symmetric", default=True) else bits
        return Scheme(_INTEGERS[bits], bits + ((16 + zero) / size if size else 0))
    weights.wrong("num_bits", f"{bits} bits, {kind}", "4 or 8 bits, int or float")
    return None
