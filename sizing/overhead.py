"""What a serving engine needs besides weights and KV cache: measured constants, with provenance.

Published measurements disagree (facts, serving 14), so each is kept as it was published and the
larger of the two that apply is taken. That errs towards refusing.
"""

from typing import Final, NamedTuple

from catalog.models import Family

GIB: Final = 1024**3


class Measured(NamedTuple):
    """A measured number and where it was published."""

    value: float
    source: str


KAITO_FIXED_BYTES: Final = Measured(2.3 * GIB, "KAITO: 2.3 GiB fixed, per GPU")
KAITO_WEIGHTS_SHARE: Final = Measured(0.05, "KAITO: 5 % of the weights on the GPU")
KAITO_LOADED_SHARE: Final = Measured(0.02, "KAITO: loaded weights are 2 % over the checkpoint")

ACTIVATION_BYTES: Final[dict[Family, Measured]] = {
    "dense": Measured(5.56 * GIB, "llm-d-planner: 4.76-5.56 GiB dense, CUDA graphs inside"),
    "moe": Measured(7.38 * GIB, "llm-d-planner: 7.38 GiB mixture of experts"),
    "multimodal": Measured(
        5.56 * GIB,
        "llm-d-planner says 2.12 GiB for the multimodal models it measured; the dense figure is "
        "taken, because ours are dense decoders with a vision tower",
    ),
    # Nothing is published for pooling models; KAITO's terms, which scale with size, stand alone.
    "encoder": Measured(0, "no figure published; KAITO's terms apply"),
}


def overhead_bytes(family: Family, weights_bytes_per_gpu: int) -> int:
    """Bytes per GPU for activations, CUDA graphs, runtime context and loading.

    `weights_bytes_per_gpu` is the GPU's share of the checkpoint, in bytes.
    """
    share = KAITO_WEIGHTS_SHARE.value + KAITO_LOADED_SHARE.value
    kaito = KAITO_FIXED_BYTES.value + share * weights_bytes_per_gpu
    return round(max(kaito, ACTIVATION_BYTES[family].value))
