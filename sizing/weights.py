"""Bytes of a model's weights: nominal, computed tensor by tensor, and as published."""

from math import ceil
from typing import Final, Literal, NamedTuple

from catalog.models import ModelSpec, StoredBits, WeightDtype
from sizing.kv import stage_layers
from sizing.parameters import Parameters, parameters


class Format(NamedTuple):
    """The storage of weights by a type."""

    nominal_bits: float
    """Bits per weight in the type's name."""
    bits: float
    """Bits per quantized weight, with the scales of its group."""
    quantizes: Literal["nothing", "experts", "linears", "all"]
    """The quantized weights: none, the routed experts, every projection, embeddings too. All others
    have 16 bits."""
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
        4, 4 + 8 / 16, "linears", "NVIDIA ModelOpt: an FP8 scale for each 16, and one per tensor"
    ),
    "q8_0": Format(8, 8 + 16 / 32, "all", "llama.cpp block_q8_0: a 16-bit scale for each 32"),
    "q4_k_m": Format(
        4,
        4.85,
        "all",
        "llama.cpp tools/quantize/README.md: 4.89 bits per weight for Llama 3.1 8B, 4.83 for 70B;"
        " Q4_K (4.5), Q6_K (6.5625) for the output and half of the values and down projections",
    ),
}

_KEPT_BITS: Final = 16


class WeightSizes(NamedTuple):
    """Bytes per weight, by kind of weight."""

    everything: float
    """Embeddings, output head, norms, routers."""
    linears: float
    """Projections of attention and MLPs."""
    experts: float
    """Routed experts."""


def weight_sizes(dtype: WeightDtype) -> WeightSizes:
    """Bytes per weight of a checkpoint of this type: quantized or left at 16 bits."""
    form = FORMATS[dtype]
    kept, quantized = _KEPT_BITS / 8, form.bits / 8
    return WeightSizes(
        everything=quantized if form.quantizes == "all" else kept,
        linears=quantized if form.quantizes in ("all", "linears") else kept,
        experts=kept if form.quantizes == "nothing" else quantized,
    )


def nominal_weights_bytes(model: ModelSpec, dtype: WeightDtype) -> int:
    """Parameters times the bits in the type's name."""
    return round(model.parameters * FORMATS[dtype].nominal_bits / 8)


def computed_weights_bytes(model: ModelSpec, dtype: WeightDtype) -> int:
    """Bytes as a checkpoint of this type stores them, from the architecture.

    Quantized checkpoints keep embeddings, output head, norms, routers and vision towers at 16
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

    A placeholder's published size is a rounded statement: the larger of the two counts.
    """
    published = published_weights_bytes(model, dtype)
    computed = computed_weights_bytes(model, dtype)
    if model.placeholder:
        return max(computed, published or 0)
    return published or computed


def weights_bytes_per_gpu(
    model: ModelSpec,
    dtype: WeightDtype,
    tensor_parallel: int = 1,
    pipeline_parallel: int = 1,
    *,
    expert_parallel: bool = False,
    data_parallel: int = 1,
) -> int:
    """The fullest GPU's share of the weights.

    A pipeline stage holds its layers, the first also the input embeddings and the vision tower;
    the last holds the output head, as large, and never more layers than the first.
    `tensor_parallel` divides matrices; routed experts are divided by
    `tensor_parallel * data_parallel`, or with `expert_parallel` distributed whole over as many
    GPUs. Routers, norms and MLA's latents are replicated on every GPU.
    """
    total = weights_bytes(model, dtype)
    if model.architecture is None:
        return ceil(total / tensor_parallel)
    arch, parts = model.architecture, _bytes(model, dtype)
    expert_gpus = tensor_parallel * data_parallel
    share = (
        ceil(arch.experts / expert_gpus) / arch.experts
        if expert_parallel and arch.experts
        else None
    )
    share = 1 / expert_gpus if share is None else share
    of_all_layers = (parts.attention + parts.mlp) / tensor_parallel + parts.replicated + parts.rest
    ends_apart = pipeline_parallel > 1 and not arch.tied_embeddings
    embeddings = parts.embeddings / 2 if ends_apart else parts.embeddings
    stages: list[float] = []
    first_layer = 0
    for stage, count in enumerate(stage_layers(arch.layers, pipeline_parallel)):
        kinds = arch.layer_kinds[first_layer : first_layer + count]
        first_layer += count
        with_experts = kinds.count("M") if "M" in arch.layer_kinds else count
        held = of_all_layers * count / arch.layers
        if arch.expert_layers:
            at_most = min(with_experts, arch.expert_layers)
            held += parts.experts * share * at_most / arch.expert_layers
        held += (embeddings + parts.tower) / tensor_parallel if stage == 0 else 0
        stages.append(held)
    return ceil(max(stages) * total / sum(parts))


class _Bytes(NamedTuple):
    """Bytes by group of parameters."""

    embeddings: float
    attention: float
    replicated: float
    mlp: float
    experts: float
    rest: float
    """Routers, norms and the like."""
    tower: float
    """Vision tower and its projector."""


def _bytes(model: ModelSpec, dtype: WeightDtype) -> _Bytes:
    """Bytes by group; parameters that the architecture does not explain count with the MLPs."""
    kept = _KEPT_BITS / 8
    everything, linears, experts = weight_sizes(dtype)
    if model.architecture is None:
        return _Bytes(0, 0, 0, model.parameters * everything, 0, 0, 0)
    count: Parameters = parameters(model.architecture)
    tower = model.unquantized_parameters or 0
    unaccounted = model.parameters - count.total - tower
    bits = model.stored_bits if dtype == model.dtype else None
    size = bits or StoredBits(
        embeddings=8 * everything,
        attention=8 * linears,
        replicated=8 * linears,
        mlp=8 * linears,
        experts=8 * experts,
    )
    return _Bytes(
        embeddings=count.embeddings * size.embeddings / 8,
        attention=count.attention * size.attention / 8,
        replicated=count.replicated * size.replicated / 8,
        mlp=(count.mlp + unaccounted) * size.mlp / 8,
        experts=count.experts * size.experts / 8,
        rest=(count.router + count.vectors) * everything,
        tower=tower * (everything if dtype == "fp32" else kept),
    )
