"""Monitoring of the stack: Prometheus, Alertmanager and Grafana, each with its own certificate."""

from pulumi import ComponentResource, Output, ResourceOptions
from pydantic import Field

from components.common.args import Args
from components.common.contracts import OidcClient, Route, ScrapeTarget, Upstream
from components.common.tier import Tier
from components.monitoring.alertmanager import Alertmanager, AlertmanagerArgs
from components.monitoring.grafana import Grafana, GrafanaArgs, scrape_target
from components.monitoring.prometheus import Prometheus, PrometheusArgs
from config.settings.observability import ObservabilitySettings

_GRAFANA = "grafana"
PROMETHEUS = "prometheus"


class ObservabilityArgs(Args):
    """Metrics, alerts and dashboards of one stack."""

    tier: Tier
    settings: ObservabilitySettings = Field(default_factory=ObservabilitySettings)
    targets: list[ScrapeTarget]
    """Scrape targets; those of monitoring itself are added."""
    host: str
    """Public host of the dashboards, such as `monitoring.entreprise.fr`."""
    oidc: OidcClient
    """OIDC client of Grafana."""
    webhook_url: Output[str] | None = None
    """URL of the receiver of alerts: a secret."""


class Observability(ComponentResource):
    """Metrics of every target, generated alerts, and dashboards."""

    upstream: Upstream
    """Grafana; the others are reachable from inside the cluster only."""
    admin_secret: Output[str]
    """`namespace/name` of the Secret with the password of Grafana's `admin`."""

    def __init__(
        self, name: str, args: ObservabilityArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("private-ai:index:Observability", name, {}, opts)
        child_opts = ResourceOptions(parent=self)
        tier, settings = args.tier, args.settings
        alertmanager = Alertmanager(
            "alertmanager",
            AlertmanagerArgs(tier=tier, settings=settings, webhook_url=args.webhook_url),
            child_opts,
        )
        prometheus = Prometheus(
            PROMETHEUS,
            PrometheusArgs(
                tier=tier,
                settings=settings,
                targets=[*args.targets, alertmanager.metrics, scrape_target(_GRAFANA, tier)],
                alertmanager=alertmanager.metrics,
            ),
            child_opts,
        )
        self._grafana = Grafana(
            _GRAFANA,
            GrafanaArgs(
                tier=tier,
                settings=settings,
                host=args.host,
                oidc=args.oidc,
                prometheus=prometheus.upstream,
            ),
            child_opts,
        )
        self.upstream = self._grafana.upstream
        self.admin_secret = self._grafana.admin_secret
        self.register_outputs({"url": self.upstream.url})

    def route(self, host: str) -> Route:
        """Grafana on *host*."""
        return self._grafana.route(host)
