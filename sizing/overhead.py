"""Memory of a serving engine besides weights and KV cache: measured constants with their sources.

Published measurements disagree, so each is kept as it was published and the larger of the two that
apply is used. That errs towards refusing; the difference from the smaller one is reported as the
uncertainty.
"""

from typing import Final, NamedTuple

from base.units import GIB
from catalog.models import Family, ModelSpec


class Measured(NamedTuple):
    """A measured number and its source."""

    value: float
    source: str


KAITO_FIXED_BYTES: Final = Measured(2.3 * GIB, "KAITO: 2.3 GiB fixed, per GPU")
KAITO_WEIGHTS_SHARE: Final = Measured(0.05, "KAITO: 5 % of the weights on the GPU")
KAITO_LOADED_SHARE: Final = Measured(0.02, "KAITO: loaded weights are 2 % over the checkpoint")


class Activations(NamedTuple):
    """The range of a published measurement."""

    low: float
    high: float
    source: str


ACTIVATION_BYTES: Final[dict[Family, Activations]] = {
    "dense": Activations(
        4.76 * GIB, 5.56 * GIB, "llm-d-planner: 4.76-5.56 GiB dense, CUDA graphs inside"
    ),
    "moe": Activations(7.38 * GIB, 7.38 * GIB, "llm-d-planner: 7.38 GiB mixture of experts"),
    "multimodal": Activations(
        2.12 * GIB,
        5.56 * GIB,
        "llm-d-planner says 2.12 GiB for the multimodal models it measured; the dense figure is "
        "used, because the catalog's are dense decoders with a vision tower",
    ),
    # Nothing is published for pooling models; only KAITO's terms, which scale with size, apply.
    "encoder": Activations(0, 0, "no figure published; KAITO's terms apply"),
}
"""Activation memory by family, for those that vLLM serves; the others have `working_bytes`."""


class Overhead(NamedTuple):
    """An estimate, and its difference from the lowest published figure."""

    bytes: int
    uncertainty_bytes: int


def overhead(model: ModelSpec, weights_bytes_per_gpu: int) -> Overhead:
    """Bytes per GPU for activations, CUDA graphs, runtime context and loading.

    `weights_bytes_per_gpu` is the GPU's share of the checkpoint, in bytes.
    """
    if model.working_bytes is not None:
        return Overhead(model.working_bytes, 0)
    return family_overhead(model.family, weights_bytes_per_gpu)


def family_overhead(family: Family, weights_bytes_per_gpu: int) -> Overhead:
    """The same for a family of token models, without a catalog entry."""
    share = KAITO_WEIGHTS_SHARE.value + KAITO_LOADED_SHARE.value
    kaito = KAITO_FIXED_BYTES.value + share * weights_bytes_per_gpu
    planner = ACTIVATION_BYTES[family]
    high = round(max(kaito, planner.high))
    low = round(min(kaito, planner.low) if planner.low else kaito)
    return Overhead(high, high - low)
