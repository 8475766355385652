"""Prometheus: scrapes every target over TLS, evaluates rules, fires alerts."""

from collections.abc import Sequence

from pulumi import Output, ResourceOptions
from pydantic import Field

from base.quantity import parse
from components.common import probes, secrets
from components.common.args import Args
from components.common.component import Server
from components.common.contracts import ScrapeTarget, Upstream
from components.common.json_text import json_text
from components.common.labels import selector
from components.common.network import Pods
from components.common.pod import config_files, container, secret_files, template_disk
from components.common.tier import Tier
from components.monitoring.alert_rules import rules
from components.monitoring.prometheus_config import Job, prometheus_config, web_config
from config.settings.observability import ObservabilitySettings

_CONFIG = "/etc/prometheus"
_TOKENS = "/run/secrets/tokens"
_DATA_PERCENT = 85
"""Share of the disk for blocks; the rest is for the write-ahead log and for compaction."""
_START_SECONDS = 900
"""To replay hours of write-ahead log."""


class PrometheusArgs(Args):
    """One Prometheus."""

    tier: Tier
    settings: ObservabilitySettings = Field(default_factory=ObservabilitySettings)
    targets: list[ScrapeTarget]
    """Targets besides Prometheus itself."""
    alertmanager: ScrapeTarget
    """Receiver of alerts; scraped only if among the targets."""


class Prometheus(Server):
    """A single Prometheus with a disk, configured by files of the stack."""

    kind = "prometheus"
    port = 9090

    upstream: Upstream

    def __init__(
        self, name: str, args: PrometheusArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        targets = [*args.targets, self.scrape_target(self.port)]
        configuration = secrets.config(
            self, name, args.tier.namespace, self.labels, _files(args, targets)
        )
        tokens = secrets.files(
            self,
            f"{name}-tokens",
            args.tier.namespace,
            self.labels,
            {_token(target): target.bearer for target in targets if target.bearer is not None},
        )
        mounts = [
            config_files("config", configuration, _CONFIG),
            secret_files("tokens", tokens, _TOKENS),
            self.certificate(name, self.members),
            template_disk("data", "/prometheus"),
        ]
        alive = probes.https("/-/healthy", self.port, failures=6)
        server = container(
            "prometheus",
            args.tier.image("prometheus"),
            args.settings.prometheus,
            args=[
                f"--config.file={_CONFIG}/prometheus.yaml",
                f"--web.config.file={_CONFIG}/web.yaml",
                f"--web.listen-address=:{self.port}",
                "--storage.tsdb.path=/prometheus",
                f"--storage.tsdb.retention.time={args.settings.retention}",
                f"--storage.tsdb.retention.size={retention_size(args.settings.storage)}",
            ],
            ports={"https": self.port},
            mounts=mounts,
            readiness=probes.https("/-/ready", self.port),
            liveness=alive,
            startup=probes.startup(alive, _START_SECONDS),
        )
        headless = self.service({"https": self.port}, name=self.members, headless=True)
        self.service({"https": self.port})
        workload = self.stateful_set(
            self.pod([server], mounts, grace_seconds=120),
            1,
            headless=headless,
            disks=[("data", args.settings.storage)],
        )
        self._reach([*targets, args.alertmanager])
        self.upstream = self.upstream_after(workload.metadata.name)
        self.register_outputs({"url": self.upstream.url})

    def _reach(self, targets: Sequence[ScrapeTarget]) -> None:
        """One connection per component, with all its scraped ports."""
        servers = {target.server.name: target.server for target in targets}
        for name, server in servers.items():
            ports = {target.port for target in targets if target.server.name == name}
            self.tier.firewall.connect(self.pods, server, *sorted(ports))


def query_access(name: str, tier: Tier) -> Upstream:
    """The Prometheus *name* by name, for clients that it scrapes and thus depends on."""
    return Upstream(
        url=Output.format("https://{0}.{1}.svc:{2}", name, tier.namespace, Prometheus.port),
        server=Pods(name, tier.namespace, selector(Prometheus.kind, name)),
        port=Prometheus.port,
    )


def retention_size(storage: str) -> str:
    """Size limit of the blocks on a disk of *storage*, in Prometheus's units."""
    return f"{int(parse(storage) * _DATA_PERCENT / 100 / 2**20)}MB"  # its MB are MiB


def _token(target: ScrapeTarget) -> str:
    return f"{target.job}-{target.server.name}"


def _files(args: PrometheusArgs, targets: Sequence[ScrapeTarget]) -> dict[str, Output[str]]:
    configuration = Output.all(_job(args.alertmanager), *map(_job, targets)).apply(
        lambda jobs: json_text(
            prometheus_config(
                jobs[1:],
                scrape_seconds=args.settings.scrape_seconds,
                rule_files=[f"{_CONFIG}/rules.yaml"],
                alertmanager=jobs[0],
            ),
        )
    )
    alerts = rules(args.settings.slo, [(target.job, target.server.name) for target in targets])
    return {
        "prometheus.yaml": configuration,
        "rules.yaml": Output.from_input(json_text(alerts)),
        "web.yaml": Output.from_input(json_text(web_config())),
    }


def _job(target: ScrapeTarget) -> Output[Job]:
    return Output.all(target.host, target.server_name).apply(
        lambda names: Job(
            job=target.job,
            component=target.server.name,
            host=str(names[0]),
            server_name=str(names[1]),
            port=target.port,
            path=target.path,
            token_file=f"{_TOKENS}/{_token(target)}" if target.bearer is not None else None,
        )
    )
