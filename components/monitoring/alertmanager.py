"""Alertmanager: groups, deduplicates and routes alerts."""

from pulumi import Output, ResourceOptions
from pydantic import Field

from components.common import probes, secrets
from components.common.args import Args
from components.common.component import Server
from components.common.contracts import ScrapeTarget
from components.common.json_text import json_text, secret_json
from components.common.pod import Mount, config_files, container, secret_files, template_disk
from components.common.tier import Tier
from components.monitoring.prometheus_config import alertmanager_config, web_config
from config.settings.observability import ObservabilitySettings

_CONFIG = "/etc/alertmanager"
_SECRETS = "/run/secrets/alertmanager"
_ROUTING = "alertmanager.yaml"
_STORAGE = "1Gi"
"""For silences and the notification log: kilobytes."""


class AlertmanagerArgs(Args):
    """One Alertmanager."""

    tier: Tier
    settings: ObservabilitySettings = Field(default_factory=ObservabilitySettings)
    webhook_url: Output[str] | None = None
    """URL of the receiver of alerts, which may hold its token."""


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
        routing = args.webhook_url and self._secret_routing(args.webhook_url)
        files = {"web.yaml": json_text(web_config())}
        if routing is None:
            files = {_ROUTING: json_text(alertmanager_config(None)), **files}
        configuration = secrets.config(self, name, args.tier.namespace, self.labels, files)
        mounts = [
            config_files("config", configuration, _CONFIG),
            *([routing] if routing else []),
            self.certificate(name, self.members),
            template_disk("data", "/alertmanager"),
        ]
        server = container(
            "alertmanager",
            args.tier.image("alertmanager"),
            args.settings.alertmanager,
            args=[
                f"--config.file={routing.path if routing else _CONFIG}/{_ROUTING}",
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

    def _secret_routing(self, url: Output[str]) -> Mount:
        """The configuration with *url*, whose path may be all the authority that a sender needs.

        A Secret with the whole file, not `url_file`, so that amtool checks what is deployed: the
        one that the tests run (0.25) has no such key yet.
        """
        content = url.apply(lambda plain: secret_json(alertmanager_config(plain)))
        name = secrets.files(
            self, f"{self.name}-routing", self.tier.namespace, self.labels, {_ROUTING: content}
        )
        return secret_files("routing", name, _SECRETS)
