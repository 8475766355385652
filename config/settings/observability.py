"""Settings of the monitoring tier: metrics, alerts, dashboards."""

from typing import Annotated

from pydantic import AfterValidator, Field

from base.cidrs import Cidr
from base.model import Model
from base.quantity import Disk, Resources
from base.words import Words
from catalog.metrics import exporters

_TTFT = exporters()["vllm"].metrics["vllm:time_to_first_token_seconds"]
_SENSIBLE_SECONDS = (0.25, 40)
TTFT_BUCKETS = tuple(
    edge for edge in _TTFT.edges if _SENSIBLE_SECONDS[0] <= edge <= _SENSIBLE_SECONDS[1]
)
"""Bounds of vLLM's TTFT histogram that make sense as a target, seconds. A target between two bounds
could not be measured."""

_RETENTION = Words(
    "[1-9][0-9]{0,3}[hd]|[1-9][0-9]{0,2}w|[1-9][0-9]?y",
    "hours, days, weeks or years, such as 720h, 30d, 8w or 1y",
    5,
)
WEBHOOK_URL = Words(
    r"https://[A-Za-z0-9\[][!-?A-~]*",
    "an HTTPS URL such as https://alerts.example.org/hook, without user and password",
    2000,
    secret=True,  # the path is a credential of many receivers
)


def _measurable(seconds: float) -> float:
    if seconds not in TTFT_BUCKETS:
        message = f"must be a bound of vLLM's TTFT histogram: {', '.join(map(str, TTFT_BUCKETS))}"
        raise ValueError(message)
    return seconds


class SloSettings(Model):
    """The service level objectives; alerts fire when an error budget burns too fast."""

    first_token_seconds: Annotated[float, AfterValidator(_measurable)] = Field(
        default=2.5, description="Target of the time to first token (TTFT), seconds."
    )
    first_token_objective: float = Field(
        default=0.95,
        ge=0.95,
        lt=1,
        description="Fraction of requests that must meet the TTFT target.",
    )
    availability_objective: float = Field(
        default=0.999,
        ge=0.95,
        lt=1,
        description="Fraction of requests that must not fail with a 5xx status.",
    )


class AlertWebhook(Model):
    """A receiver of alerts in Alertmanager's webhook format over HTTPS."""

    url: Annotated[str, WEBHOOK_URL] | None = Field(
        default=None,
        description="URL, if it holds no token. One that does is a secret: leave this out, and run"
        " `pulumi config set --secret alert-webhook-url`.",
    )
    cidrs: list[Cidr] = Field(min_length=1, description="CIDRs of the receiver.")
    port: int = Field(default=443, ge=1, le=65535, description="TCP port of the receiver.")


class ObservabilitySettings(Model):
    """Prometheus, Alertmanager and Grafana."""

    retention: Annotated[str, _RETENTION] = Field(
        default="30d", description="Retention of metrics."
    )
    storage: Disk = Field(
        default="200Gi",
        description="Disk for metrics; the oldest are deleted before it is full.",
    )
    scrape_seconds: int = Field(default=30, ge=5, le=300, description="Scrape interval, seconds.")
    slo: SloSettings = Field(default=SloSettings(), description="Service level objectives.")
    webhook: AlertWebhook | None = Field(
        default=None, description="Receiver of alerts; without it they are shown in Grafana only."
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
