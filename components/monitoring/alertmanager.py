"""Alertmanager: groups, deduplicates and routes alerts."""

from pulumi import ResourceOptions
from pydantic import Field

from components.common import probes, secrets
from components.common.args import Args
from components.common.component import Server
from components.common.contracts import ScrapeTarget
from components.common.json_text import json_text
from components.common.pod import config_files, container, template_disk
from components.common.tier import Tier
from components.monitoring.prometheus_config import alertmanager_config, web_config
from config.settings.observability import ObservabilitySettings

_CONFIG = "/etc/alertmanager"
_STORAGE = "1Gi"
"""For silences and the notification log: kilobytes."""


class AlertmanagerArgs(Args):
    """One Alertmanager."""

    tier: Tier
    settings: ObservabilitySettings = Field(default_factory=ObservabilitySettings)


class Alertmanager(Server):
    """A single Alertmanager; while it restarts, Prometheus keeps sending its alerts."""

    kind = "alertmanager"
    port = 9093

    metrics: ScrapeTarget
    """Also the address that Prometheus sends alerts to."""

    def __init__(
        self, name: str, args: AlertmanagerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        configuration = secrets.config(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {
                "alertmanager.yaml": json_text(alertmanager_config(args.settings.webhook)),
                "web.yaml": json_text(web_config()),
            },
        )
        mounts = [
            config_files("config", configuration, _CONFIG),
            self.certificate(name, self.members),
            template_disk("data", "/alertmanager"),
        ]
        server = container(
            "alertmanager",
            args.tier.image("alertmanager"),
            args.settings.alertmanager,
            args=[
                f"--config.file={_CONFIG}/alertmanager.yaml",
                f"--web.config.file={_CONFIG}/web.yaml",
                f"--web.listen-address=:{self.port}",
                "--storage.path=/alertmanager",
                "--cluster.listen-address=",  # a single replica: no gossip
            ],
            ports={"https": self.port},
            mounts=mounts,
            readiness=probes.https("/-/ready", self.port),
            liveness=probes.https("/-/healthy", self.port, failures=6),
        )
        headless = self.service({"https": self.port}, name=self.members, headless=True)
        self.service({"https": self.port})
        self.stateful_set(
            self.pod([server], mounts),
            1,
            headless=headless,
            disks=[("data", _STORAGE)],
        )
        if webhook := args.settings.webhook:
            self.tier.firewall.reach_cidrs(self.pods, webhook.cidrs, webhook.port)
        self.metrics = self.scrape_target(self.port)
        self.register_outputs({})
