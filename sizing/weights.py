"""Bytes of a model's weights: nominal, computed tensor by tensor, and as published."""

from math import ceil
from typing import Final, Literal, NamedTuple

from catalog.models import ModelSpec, WeightDtype
from sizing.kv import stage_layers
from sizing.parameters import Parameters, parameters


class Format(NamedTuple):
    """How a type stores weights."""

    nominal_bits: float
    """What its name says."""
    bits: float
    """Bits of a quantised weight, the scales of its group included."""
    quantises: Literal["nothing", "experts", "linears", "all"]
    """Which weights: none, the routed experts, every projection, embeddings too. What it leaves
    has 16 bits."""
    source: str


FORMATS: Final[dict[WeightDtype, Format]] = {
    "fp32": Format(32, 32, "all", "IEEE 754 single precision"),
    "bf16": Format(16, 16, "nothing", "bfloat16"),
    "fp16": Format(16, 16, "nothing", "IEEE 754 half precision"),
    "fp8": Format(
        8,
        8 + 32 / (128 * 128),
        "linears",
        "a 32-bit scale for each 128 x 128 block (weight_block_size of DeepSeek-V3's config.json);"
        " checkpoints with a scale per channel have less",
    ),
    "int8": Format(8, 8, "linears", "compressed-tensors W8A8: a scale per channel, under 0.1 %"),
    "int4": Format(
        4,
        4 + (16 + 4) / 128,
        "linears",
        "AWQ and GPTQ: a 16-bit scale and a 4-bit zero point for each group of 128",
    ),
    "mxfp4": Format(
        4,
        4 + 8 / 32,
        "experts",
        "OCP Microscaling: an 8-bit scale for each 32; gpt-oss's config.json converts only experts",
    ),
    "nvfp4": Format(
        4, 4 + 8 / 16, "linears", "NVIDIA ModelOpt: an FP8 scale for each 16, one per tensor beside"
    ),
    "q8_0": Format(8, 8 + 16 / 32, "all", "llama.cpp block_q8_0: a 16-bit scale for each 32"),
    "q4_k_m": Format(
        4,
        4.85,
        "all",
        "llama.cpp tools/quantize/README.md: 4.89 bits a weight for Llama 3.1 8B, 4.83 for 70B;"
        " Q4_K (4.5), Q6_K (6.5625) for the output and half of the values and down projections",
    ),
}

_KEPT_BITS: Final = 16


class WeightSizes(NamedTuple):
    """Bytes of one weight, by what becomes of it."""

    everything: float
    """Embeddings, output head, norms, routers."""
    linears: float
    """Projections of attention and MLPs."""
    experts: float
    """Routed experts."""


def weight_sizes(dtype: WeightDtype) -> WeightSizes:
    """Bytes of one weight of a checkpoint of this type: quantised or left at 16 bits."""
    form = FORMATS[dtype]
    kept, quantised = _KEPT_BITS / 8, form.bits / 8
    return WeightSizes(
        everything=quantised if form.quantises == "all" else kept,
        linears=quantised if form.quantises in ("all", "linears") else kept,
        experts=kept if form.quantises == "nothing" else quantised,
    )


def nominal_weights_bytes(model: ModelSpec, dtype: WeightDtype) -> int:
    """Parameters times the bits in the type's name: what one says in conversation."""
    return round(model.parameters * FORMATS[dtype].nominal_bits / 8)


def computed_weights_bytes(model: ModelSpec, dtype: WeightDtype) -> int:
    """Bytes as a checkpoint of this type stores them, from the architecture.

    Quantised checkpoints keep embeddings, output head, norms, routers and vision towers at 16
    bits, so 72.7 billion parameters in FP8 are 75.2 GB and not 72.7.
    """
    return round(sum(_bytes(model, dtype)))


def published_weights_bytes(model: ModelSpec, dtype: WeightDtype) -> int | None:
    """Bytes of the published checkpoint that stores this type; None where none is known."""
    for served, checkpoint in model.checkpoints.items():
        stored = model.dtype if served == model.serve_dtype else served
        if stored == dtype:
            return checkpoint.published_bytes
    return None


def weights_bytes(model: ModelSpec, dtype: WeightDtype) -> int:
    """Bytes of all weights of `model` served as `dtype`: as published, else computed.

    A placeholder's published size is what somebody said of it in round numbers: the larger counts.
    """
    published = published_weights_bytes(model, dtype)
    computed = computed_weights_bytes(model, dtype)
    if model.placeholder:
        return max(computed, published or 0)
    return published or computed


def weights_bytes_per_gpu(
    model: ModelSpec, dtype: WeightDtype, tp: int = 1, pp: int = 1, *, ep: bool = False, dp: int = 1
) -> int:
    """The fullest GPU's share of the weights.

    A pipeline stage holds its layers, the first the input embeddings and the vision tower too;
    the last holds the output head, as large, and never more layers than the first. `tp` cuts
    matrices; the routed experts are cut by `tp * dp`, or with
    `ep` dealt out whole over as many GPUs. Routers, norms and MLA's latents are on every GPU.
    """
    total = weights_bytes(model, dtype)
    if model.architecture is None:
        return ceil(total / tp)
    arch, parts = model.architecture, _bytes(model, dtype)
    expert_gpus = tp * dp
    share = ceil(arch.experts / expert_gpus) / arch.experts if ep and arch.experts else None
    share = 1 / expert_gpus if share is None else share
    of_all_layers = (parts.attention + parts.mlp) / tp + parts.replicated + parts.rest
    ends_apart = pp > 1 and not arch.tied_embeddings
    embeddings = parts.embeddings / 2 if ends_apart else parts.embeddings
    stages: list[float] = []
    first_layer = 0
    for stage, count in enumerate(stage_layers(arch.layers, pp)):
        kinds = arch.layer_kinds[first_layer : first_layer + count]
        first_layer += count
        with_experts = kinds.count("M") if "M" in arch.layer_kinds else count
        held = of_all_layers * count / arch.layers
        if arch.expert_layers:
            at_most = min(with_experts, arch.expert_layers)
            held += parts.experts * share * at_most / arch.expert_layers
        held += (embeddings + parts.tower) / tp if stage == 0 else 0
        stages.append(held)
    return ceil(max(stages) * total / sum(parts))


class _Bytes(NamedTuple):
    """Bytes of each group of parameters."""

    embeddings: float
    attention: float
    replicated: float
    mlp: float
    experts: float
    rest: float
    """Routers, norms and the like."""
    tower: float
    """Vision tower and what joins it to the decoder."""


def _bytes(model: ModelSpec, dtype: WeightDtype) -> _Bytes:
    """Bytes of each group; what the architecture does not account for is counted with the MLPs."""
    kept = _KEPT_BITS / 8
    everything, linears, experts = weight_sizes(dtype)
    if model.architecture is None:
        return _Bytes(0, 0, 0, model.parameters * everything, 0, 0, 0)
    count: Parameters = parameters(model.architecture)
    tower = model.unquantised_parameters or 0
    unaccounted = model.parameters - count.total - tower
    return _Bytes(
        embeddings=count.embeddings * everything,
        attention=count.attention * linears,
        replicated=count.replicated * linears,
        mlp=(count.mlp + unaccounted) * linears,
        experts=count.experts * experts,
        rest=(count.router + count.vectors) * everything,
        tower=tower * (everything if dtype == "fp32" else kept),
    )
