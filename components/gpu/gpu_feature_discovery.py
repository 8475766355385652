"""NVIDIA's GPU feature discovery: node labels that describe the GPUs."""

from pulumi import Output, ResourceOptions

from components.common import probes
from components.common.args import Args
from components.common.component import Component
from components.common.contracts import GpuPlacement
from components.common.pod import config_files, container, host_directory
from components.common.tier import Tier
from components.gpu.device_plugin import CONFIG_FILE, CONFIG_PATH
from config import footprints

_FEATURES = "/etc/kubernetes/node-feature-discovery/features.d"


class GpuFeatureDiscoveryArgs(Args):
    """The feature discovery of one pool."""

    tier: Tier
    placement: GpuPlacement
    configuration: Output[str]
    """ConfigMap with the device plugin's configuration, which it reads too."""


class GpuFeatureDiscovery(Component):
    """One pod on every node of the pool, which writes a file for Node Feature Discovery.

    Node Feature Discovery sets the labels; this component has no API token.
    """

    kind = "gpu-feature-discovery"

    def __init__(
        self, name: str, args: GpuFeatureDiscoveryArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        mounts = [
            config_files("config", args.configuration, CONFIG_PATH),
            host_directory("features", _FEATURES, read_only=False, create=True),
            host_directory("sys", "/sys"),
        ]
        mig = args.placement.sharing == "mig"
        environment = {
            "CONFIG_FILE": CONFIG_FILE,
            "GFD_NO_TIMESTAMP": "true",  # a timestamp would change the labels on every run
            "NVIDIA_VISIBLE_DEVICES": "all",
            "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
        }
        if mig:
            environment["NVIDIA_MIG_MONITOR_DEVICES"] = "all"
        written = ["/bin/sh", "-c", f"test -f {_FEATURES}/gfd"]
        discovery = container(
            "gpu-feature-discovery",
            args.tier.image("device-plugin"),
            footprints.FEATURE_DISCOVERY,
            command=["gpu-feature-discovery"],
            env=environment,
            mounts=mounts,
            readiness=probes.command(*written),
            liveness=probes.command(*written, failures=6),
            read_only_root=False,  # as for the device plugin: the runtime's hooks write into it
            capabilities=["SYS_ADMIN"] if mig else [],
        )
        self.daemon_set(
            self.pod(
                [discovery],
                mounts,
                user=0,  # root owns the directory
                placement=args.placement,
            )
        )
        self.register_outputs({})
