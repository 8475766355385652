"""Settings of scaling: how many servers, by what waits and what runs."""

from typing import Final, Self

from pydantic import Field, field_validator, model_validator

from base.model import Model

LONGEST_STABILIZATION_SECONDS: Final = 3600
"""Kubernetes' own limit (pkg/apis/autoscaling/validation)."""


class AutoscalingSettings(Model):
    """As many servers as requests need, between two bounds; KEDA counts (https://keda.sh).

    The targets are llm-d's for the same two numbers (docs/architecture/autoscaling/keda-epp.md).
    """

    min: int = Field(default=1, le=64, description="Servers when nobody asks; at least 1.")
    max: int = Field(
        ge=2, le=64, description="Servers at most; the pool must have the GPUs of them all."
    )
    waiting_per_replica: int = Field(
        default=1, ge=1, description="Requests that wait, a server, above which one is added."
    )
    running_per_replica: int = Field(
        default=16, ge=1, description="Requests that run, a server, above which one is added."
    )
    stabilization_seconds: int | None = Field(
        default=None,
        ge=0,
        le=LONGEST_STABILIZATION_SECONDS,
        description="How long the need must last before servers are added or taken away, seconds."
        " Default: as long as the model takes to start; with less, the next server is ordered"
        " before the last one answers.",
    )

    @field_validator("min")
    @classmethod
    def _stays_above_zero(cls, servers: int) -> int:
        if servers < 1:
            message = (
                "at least 1: at zero there is no vLLM to count requests, and nothing in this stack"
                " holds a request until one is back"
            )
            raise ValueError(message)
        return servers

    @model_validator(mode="after")
    def _bounds_differ(self) -> Self:
        if self.min >= self.max:
            message = f"min {self.min} below max {self.max}; for a fixed number use `replicas`"
            raise ValueError(message)
        return self
