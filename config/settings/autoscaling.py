"""Settings of autoscaling: replicas by waiting and running requests."""

from typing import Final, Self

from pydantic import Field, field_validator, model_validator

from base.model import Model

LONGEST_STABILIZATION_SECONDS: Final = 3600
"""Kubernetes' own limit (pkg/apis/autoscaling/validation)."""
MOST_REQUESTS: Final = 100_000
"""Most requests that one server is given at once; an assumption, only to find mistakes."""


class AutoscalingSettings(Model):
    """Replicas by load, between two bounds; KEDA scales (https://keda.sh).

    The targets are llm-d's for the same two metrics (docs/architecture/autoscaling/keda-epp.md).
    """

    min: int = Field(default=1, le=64, description="Minimum replicas, at least 1.")
    max: int = Field(
        ge=2, le=64, description="Maximum replicas; the pool must have the GPUs for all of them."
    )
    waiting_per_replica: int = Field(
        default=1,
        ge=1,
        le=MOST_REQUESTS,
        description="Waiting requests per replica above which one is added.",
    )
    running_per_replica: int = Field(
        default=16,
        ge=1,
        le=MOST_REQUESTS,
        description="Running requests per replica above which one is added.",
    )
    stabilization_seconds: int | None = Field(
        default=None,
        ge=0,
        le=LONGEST_STABILIZATION_SECONDS,
        description="Stabilization window before replicas are added or removed, seconds. Default:"
        " the time the model takes to start; with less, another replica is added before the last"
        " one is ready.",
    )

    @field_validator("min")
    @classmethod
    def _stays_above_zero(cls, servers: int) -> int:
        if servers < 1:
            message = (
                "at least 1: with no replica no vLLM reports requests, and nothing in this stack"
                " queues a request until one is ready"
            )
            raise ValueError(message)
        return servers

    @model_validator(mode="after")
    def _bounds_differ(self) -> Self:
        if self.min >= self.max:
            message = f"min {self.min} below max {self.max}; for a fixed number use `replicas`"
            raise ValueError(message)
        return self
