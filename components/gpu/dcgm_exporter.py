"""NVIDIA's DCGM exporter: utilization, power, temperature and errors of GPUs as metrics."""

from pulumi import ResourceOptions

from catalog.metrics import exporters
from components.common import probes, secrets
from components.common.args import Args
from components.common.component import Server
from components.common.contracts import GpuPlacement, ScrapeTarget
from components.common.json_text import json_text
from components.common.pki import CERT_FILE, KEY_FILE
from components.common.pod import config_files, container, host_directory, tmp
from components.common.tier import Tier
from config import footprints

_POD_RESOURCES = "/var/lib/kubelet/pod-resources"
_CONFIG = "/etc/dcgm"

_JOB = "dcgm"


class DcgmExporterArgs(Args):
    """The exporter of one pool."""

    tier: Tier
    placement: GpuPlacement
    """Nodes of the pool, and the container runtime that exposes their driver."""


class DcgmExporter(Server):
    """One pod on every node of the pool; labels each GPU with the pod that uses it."""

    kind = "dcgm-exporter"
    port = 9400

    metrics: ScrapeTarget

    def __init__(
        self, name: str, args: DcgmExporterArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        configuration = secrets.config(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {"web.yaml": json_text(web_config()), "counters.csv": counters()},
        )
        mounts = [
            config_files("config", configuration, _CONFIG),
            self.certificate(),
            host_directory("pod-resources", _POD_RESOURCES),
            tmp(),
        ]
        exporter = container(
            "exporter",
            args.tier.image("dcgm-exporter"),
            footprints.DCGM_EXPORTER,
            args=[
                f"--address=:{self.port}",
                f"--collectors={_CONFIG}/counters.csv",
                f"--web-config-file={_CONFIG}/web.yaml",
                "--kubernetes=true",
            ],
            ports={"https": self.port},
            mounts=mounts,
            readiness=probes.https("/health", self.port),
            liveness=probes.https("/health", self.port, failures=6),
            read_only_root=False,  # as for the device plugin: the runtime's hooks write into it
        )
        # The label `hostname` of every metric, which is the pod name by default.
        exporter["env"] = [
            {"name": "NODE_NAME", "value_from": {"field_ref": {"field_path": "spec.nodeName"}}}
        ]
        self.daemon_set(
            self.pod(
                [exporter],
                mounts,
                user=0,  # the kubelet's socket belongs to root
                placement=args.placement,
            )
        )
        self.service({"https": self.port}, headless=True)
        self.metrics = self.scrape_target(self.port, job=_JOB, service=name)
        self.register_outputs({})


def counters() -> str:
    """The collectors file: field, metric type, help; one per line."""
    return "".join(
        f"{name}, {metric.kind}, {metric.meaning} Unit: {metric.unit}.\n"
        for name, metric in exporters()[_JOB].existing().items()
    )


def web_config() -> dict[str, dict[str, str]]:
    """The web configuration file.

    https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
    """
    return {
        "tls_server_config": {
            "cert_file": CERT_FILE,
            "key_file": KEY_FILE,
        }
    }
