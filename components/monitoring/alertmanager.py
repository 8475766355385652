"""Alertmanager: groups alerts and hands them to people, once each."""

import json

from pulumi import ResourceOptions
from pydantic import Field

from components.common import network, probes, secrets
from components.common.args import Args
from components.common.component import Component
from components.common.contracts import ScrapeTarget
from components.common.pod import config_files, container, pod, template_disk
from components.common.tier import Tier
from components.monitoring.prometheus_config import alertmanager_config, web_config
from config.settings.observability import ObservabilitySettings

_CONFIG = "/etc/alertmanager"
_STORAGE = "1Gi"
"""Silences and what was sent: kilobytes."""


class AlertmanagerArgs(Args):
    """One Alertmanager."""

    tier: Tier
    settings: ObservabilitySettings = Field(default_factory=ObservabilitySettings)


class Alertmanager(Component):
    """One Alertmanager; while it restarts, Prometheus keeps its alerts for it."""

    kind = "alertmanager"
    port = 9093

    metrics: ScrapeTarget
    """Also how Prometheus finds it to send alerts."""

    def __init__(
        self, name: str, args: AlertmanagerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        members = f"{name}-members"
        configuration = secrets.config(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {
                "alertmanager.yaml": json.dumps(
                    alertmanager_config(args.settings.webhook), indent=2
                ),
                "web.yaml": json.dumps(web_config(), indent=2),
            },
        )
        mounts = [
            config_files("config", configuration, _CONFIG),
            self.certificate(name, members),
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
                "--cluster.listen-address=",  # one alone: no gossip
            ],
            ports={"https": self.port},
            mounts=mounts,
            readiness=probes.https("/-/ready", self.port),
            liveness=probes.https("/-/healthy", self.port, failures=6),
        )
        headless = self.service({"https": self.port}, name=members, headless=True)
        self.service({"https": self.port})
        self.stateful_set(
            pod(
                [server],
                mounts,
                service_account=self.service_account(),
                priority_class=args.tier.priority_class,
            ),
            1,
            headless=headless,
            disks=[("data", _STORAGE)],
        )
        if webhook := args.settings.webhook:
            network.reach_cidrs(self, "webhook", self.pods, webhook.cidrs, webhook.port)
        self.metrics = ScrapeTarget(
            job="alertmanager",
            server=self.pods,
            host=self.host(members),
            server_name=self.host(),
            port=self.port,
        )
        self.register_outputs({})
