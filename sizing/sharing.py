"""How the GPUs of a pool are shared: one way on all its nodes, as NVIDIA's plugin has it."""

from typing import Annotated, Literal

from pydantic import Field

from base.model import Model

SharingMode = Literal["exclusive", "time-slicing", "mps", "mig"]

_MAX_CLIENTS = 48
"""MPS clients of one device, from Volta on: https://docs.nvidia.com/deploy/mps/ (limitations)."""

_PROFILE = r"^\d+g\.\d+gb$"
"""How NVIDIA spells a MIG profile: compute slices and memory."""


class Exclusive(Model):
    """Each GPU belongs to one pod."""

    mode: Literal["exclusive"] = Field(default="exclusive", description="Whole GPUs.")


class TimeSlicing(Model):
    """Pods take turns on a GPU. Nothing divides its memory but what each of them is told to take.

    An error of one may end them all: for small models that trust each other.
    """

    mode: Literal["time-slicing"] = Field(description="Pods take turns.")
    clients: int = Field(ge=2, le=_MAX_CLIENTS, description="Pods that share one GPU.")


class Mps(Model):
    """Pods compute at once on a GPU; each has an equal part of its memory and processors.

    NVIDIA's device plugin divides equally and calls it experimental; a model may take less of its
    part with `gpu_share`, never more.
    """

    mode: Literal["mps"] = Field(description="Pods compute side by side.")
    clients: int = Field(ge=2, le=_MAX_CLIENTS, description="Pods that share one GPU.")


class Mig(Model):
    """Each GPU is cut in hardware into instances with memory and processors of their own."""

    mode: Literal["mig"] = Field(description="Hardware instances.")
    geometry: dict[Annotated[str, Field(pattern=_PROFILE)], Annotated[int, Field(ge=1, le=8)]] = (
        Field(
            min_length=1,
            description="Instances of each GPU by profile, such as `1g.10gb: 7`; the card must have"
            " the profile and room for them all.",
        )
    )


Sharing = Annotated[Exclusive | TimeSlicing | Mps | Mig, Field(discriminator="mode")]
"""How the GPUs of one pool are shared."""
