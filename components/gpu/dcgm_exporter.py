"""NVIDIA's DCGM exporter: what the GPUs of a pool do, draw and suffer, as metrics."""

import json

from pulumi import ResourceOptions

from base.quantity import Resources
from components.common import probes, secrets
from components.common.args import Args
from components.common.component import TLS_PATH, Component
from components.common.contracts import GpuPlacement, ScrapeTarget
from components.common.pod import config_files, container, host_directory, pod, scratch
from components.common.tier import Tier

_POD_RESOURCES = "/var/lib/kubelet/pod-resources"
_CONFIG = "/etc/dcgm"

# None of the profiling fields (DCGM_FI_PROF_*), for which the exporter would need SYS_ADMIN. Names
# and types: etc/default-counters.csv of NVIDIA/dcgm-exporter.
COUNTERS = {
    "DCGM_FI_DEV_GPU_UTIL": ("gauge", "GPU utilization (in %)."),
    "DCGM_FI_DEV_MEM_COPY_UTIL": ("gauge", "Memory utilization (in %)."),
    "DCGM_FI_DEV_FB_USED": ("gauge", "Memory used (in MiB)."),
    "DCGM_FI_DEV_FB_FREE": ("gauge", "Memory free (in MiB)."),
    "DCGM_FI_DEV_POWER_USAGE": ("gauge", "Power draw (in W)."),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("counter", "Energy since boot (in mJ)."),
    "DCGM_FI_DEV_GPU_TEMP": ("gauge", "GPU temperature (in C)."),
    "DCGM_FI_DEV_MEMORY_TEMP": ("gauge", "Memory temperature (in C)."),
    "DCGM_FI_DEV_SM_CLOCK": ("gauge", "SM clock (in MHz)."),
    "DCGM_FI_DEV_POWER_VIOLATION": ("counter", "Throttled by the power limit (in us)."),
    "DCGM_FI_DEV_THERMAL_VIOLATION": ("counter", "Throttled by heat (in us)."),
    "DCGM_FI_DEV_XID_ERRORS": ("gauge", "The last XID error."),
    "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL": ("counter", "Single-bit ECC errors."),
    "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL": ("counter", "Double-bit ECC errors."),
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": ("counter", "Rows remapped: uncorrectable errors."),
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": ("counter", "Rows remapped: correctable errors."),
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": ("gauge", "Whether remapping rows has failed."),
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": ("counter", "PCIe retries."),
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": ("counter", "NVLink bandwidth of all lanes."),
}
"""The metrics that exist for every GPU: type and help by name."""


class DcgmExporterArgs(Args):
    """The exporter of one pool."""

    tier: Tier
    placement: GpuPlacement
    """The nodes, and the runtime that shows it their driver."""


class DcgmExporter(Component):
    """One pod on every node of the pool; it knows which pod holds which GPU."""

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
            {"web.yaml": json.dumps(web_config(), indent=2), "counters.csv": counters()},
        )
        mounts = [
            config_files("config", configuration, _CONFIG),
            self.certificate(),
            host_directory("pod-resources", _POD_RESOURCES),
            scratch("tmp", "/tmp"),  # noqa: S108 - a path inside the container
        ]
        exporter = container(
            "exporter",
            args.tier.image("dcgm-exporter"),
            Resources.of("100m", "256Mi", max_cpu="500m", max_memory="1Gi"),
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
        # The label `Hostname` of every metric, which would else be the pod's name.
        exporter["env"] = [
            {"name": "NODE_NAME", "value_from": {"field_ref": {"field_path": "spec.nodeName"}}}
        ]
        self.daemon_set(
            pod(
                [exporter],
                mounts,
                service_account=self.service_account(),
                priority_class=args.tier.priority_class,
                user=0,  # the kubelet's socket belongs to root
                node_selector=args.placement.node_selector,
                tolerations=args.placement.tolerations,
                runtime_class=args.placement.runtime_class,
            )
        )
        self.service({"https": self.port}, headless=True)
        self.metrics = ScrapeTarget(
            job="dcgm",
            server=self.pods,
            host=self.host(),
            server_name=self.host(),
            port=self.port,
        )
        self.register_outputs({})


def counters() -> str:
    """The collectors file: field, metric type, help; one a line."""
    return "".join(f"{name}, {kind}, {text}\n" for name, (kind, text) in COUNTERS.items())


def web_config() -> dict[str, dict[str, str]]:
    """The web configuration, which is YAML, as JSON is.

    https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
    """
    return {
        "tls_server_config": {
            "cert_file": f"{TLS_PATH}/tls.crt",
            "key_file": f"{TLS_PATH}/tls.key",
        }
    }
