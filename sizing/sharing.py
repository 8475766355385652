"""The sharing modes of a pool's GPUs: the same on all its nodes, as in NVIDIA's device plugin."""

from typing import Annotated, Literal

from pydantic import Field

from base.model import Model

SharingMode = Literal["exclusive", "time-slicing", "mps", "mig"]

MAX_CLIENTS = 48
"""MPS clients per device since Volta: https://docs.nvidia.com/deploy/mps/ (limitations)."""

_PROFILE = r"^[0-9]+g\.[0-9]+gb$"
"""NVIDIA's spelling of a MIG profile: compute slices and memory."""


class Exclusive(Model):
    """Each GPU belongs to one pod."""

    mode: Literal["exclusive"] = Field(default="exclusive", description="Whole GPUs.")


class TimeSlicing(Model):
    """Pods take turns on a GPU. Only each engine's `gpu_memory_utilization` divides the memory.

    A fault of one pod may stop all of them: for small models that trust each other.
    """

    mode: Literal["time-slicing"] = Field(description="Pods take turns.")
    clients: int = Field(ge=2, le=MAX_CLIENTS, description="Pods that share one GPU.")


class Mps(Model):
    """Pods compute concurrently on a GPU; each has an equal share of its memory and processors.

    NVIDIA's device plugin divides equally and calls MPS experimental; a model may take less than
    its share with `gpu_share`, never more.
    """

    mode: Literal["mps"] = Field(description="Pods compute concurrently.")
    clients: int = Field(ge=2, le=MAX_CLIENTS, description="Pods that share one GPU.")


class Mig(Model):
    """Each GPU is partitioned in hardware into instances with their own memory and processors."""

    mode: Literal["mig"] = Field(description="Hardware instances.")
    geometry: dict[Annotated[str, Field(pattern=_PROFILE)], Annotated[int, Field(ge=1, le=8)]] = (
        Field(
            min_length=1,
            description="Instances per GPU by profile, such as `1g.10gb: 7`; the card must support"
            " the profiles and fit them all.",
        )
    )


Sharing = Annotated[Exclusive | TimeSlicing | Mps | Mig, Field(discriminator="mode")]
"""The sharing mode of a pool's GPUs."""
