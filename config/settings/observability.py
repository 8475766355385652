"""Settings of what watches the stack: metrics, alerts, dashboards."""

from typing import Annotated

from pydantic import AfterValidator, Field

from base.model import Model
from base.quantity import Quantity, Resources

TTFT_BUCKETS = (0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0)
"""Bounds, in seconds, of vLLM's histogram of the time to the first token that make sense as a
target (vllm/v1/metrics of 0.33.0). A target between two bounds could not be measured."""


def _measurable(seconds: float) -> float:
    if seconds not in TTFT_BUCKETS:
        message = f"must be a bound of vLLM's histogram: {', '.join(map(str, TTFT_BUCKETS))}"
        raise ValueError(message)
    return seconds


class SloSettings(Model):
    """What is promised; alerts speak when the allowance for the rest burns too fast."""

    first_token_seconds: Annotated[float, AfterValidator(_measurable)] = Field(
        default=2.5, description="A prompt's first token comes within so many seconds."
    )
    first_token_objective: float = Field(
        default=0.95, ge=0.95, lt=1, description="For this share of the prompts."
    )
    availability_objective: float = Field(
        default=0.999,
        ge=0.95,
        lt=1,
        description="Share of requests that do not fail by our fault; the first seed's 99.9 %.",
    )


class AlertWebhook(Model):
    """Where alerts go: Alertmanager's webhook format over HTTPS."""

    url: str = Field(
        pattern=r"^https://[^@\s]+$", description="Its address; there is no place for secrets."
    )
    cidrs: list[str] = Field(min_length=1, description="The addresses it may be reached at.")
    port: int = Field(default=443, ge=1, le=65535, description="TCP port of the address.")


class ObservabilitySettings(Model):
    """Prometheus, Alertmanager and Grafana; retention and disk are the first seed's."""

    retention: str = Field(
        default="30d", pattern=r"^[1-9]\d*(h|d|w|y)$", description="How long metrics are kept."
    )
    storage: Quantity = Field(
        default="200Gi", description="Disk for metrics; the oldest leave before it is full."
    )
    scrape_seconds: int = Field(
        default=30, ge=5, le=300, description="Between two readings of a target, seconds."
    )
    slo: SloSettings = Field(default=SloSettings(), description="What is promised.")
    webhook: AlertWebhook | None = Field(
        default=None, description="Where alerts go; nowhere but Grafana when it is not given."
    )
    prometheus: Resources = Field(
        default=Resources.of("500m", "2Gi", max_cpu="2", max_memory="4Gi"),
        description="CPU, memory and ephemeral disk of Prometheus.",
    )
    alertmanager: Resources = Field(
        default=Resources.of("50m", "128Mi", max_cpu="500m", max_memory="256Mi"),
        description="CPU, memory and ephemeral disk of Alertmanager.",
    )
    grafana: Resources = Field(
        default=Resources.of("100m", "256Mi", max_cpu="1", max_memory="1Gi"),
        description="CPU, memory and ephemeral disk of Grafana.",
    )
