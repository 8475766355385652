"""NVIDIA's device plugin: announces the GPUs of a pool's nodes to the kubelet, or parts of them."""

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from base.quantity import Resources
from components.common import probes, secrets
from components.common.args import Args
from components.common.component import Component, when_ready
from components.common.contracts import GpuPlacement
from components.common.pod import Mount, config_files, container, host_directory, pod
from components.common.tier import Tier
from components.gpu.device_plugin_config import as_yaml, mig_config, plugin_config
from sizing.sharing import Mig, Sharing

CONFIG_PATH = "/etc/nvidia-device-plugin"
CONFIG_FILE = f"{CONFIG_PATH}/config.yaml"
"""What the plugin, feature discovery and the MPS daemon all read."""
MIG_FILE = f"{CONFIG_PATH}/mig-parted.yaml"
MPS_ROOT = "/run/nvidia/mps"
"""Of the node; NVIDIA's chart uses the same."""
MPS_MOUNT = "/mps"
"""Where the plugin's and the daemon's programs look for it."""

_SOCKETS = "/var/lib/kubelet/device-plugins"
_MIG_ROOT_CAPABILITY = "SYS_ADMIN"
"""What the container toolkit asks of a container that manages or watches MIG."""


class DevicePluginArgs(Args):
    """The device plugin of one pool."""

    tier: Tier
    pool: str
    sharing: Sharing
    placement: GpuPlacement
    """The nodes, and the runtime that shows it their driver."""


class DevicePlugin(Component):
    """One pod on every node of the pool, without a port: it talks to the kubelet over a socket.

    Each pool has a plugin and a configuration of its own, so that no label of a node chooses one.
    On a MIG pool an init container first lays the node's cards out as the pool says.
    """

    kind = "nvidia-device-plugin"

    ready: Output[str]
    """Its name, known once every node offers its GPUs."""
    configuration: Output[str]
    """The ConfigMap that it reads, of which a change has another name."""

    def __init__(
        self, name: str, args: DevicePluginArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        sharing = args.sharing
        files = {"config.yaml": as_yaml(plugin_config(sharing))}
        if isinstance(sharing, Mig):
            files["mig-parted.yaml"] = as_yaml(mig_config(args.pool, sharing))
        self.configuration = secrets.config(self, name, args.tier.namespace, self.labels, files)
        configuration = config_files("config", self.configuration, CONFIG_PATH)
        mounts = [host_directory("sockets", _SOCKETS, read_only=False), configuration]
        if sharing.mode == "mps":
            mounts += [
                host_directory("mps-root", MPS_ROOT, read_only=False, at=MPS_MOUNT, create=True),
                # It asks the daemon over this whether it is well.
                host_directory("mps-shm", f"{MPS_ROOT}/shm", read_only=False, at="/dev/shm"),  # noqa: S108
            ]
        workload = self.daemon_set(
            pod(
                [self._plugin(sharing, mounts)],
                mounts,
                init=[self._layout(args.pool, configuration)] if sharing.mode == "mig" else [],
                service_account=self.service_account(),
                priority_class=args.tier.priority_class,
                user=0,  # the directory of the kubelet's sockets belongs to root
                node_selector=args.placement.node_selector,
                tolerations=args.placement.tolerations,
                runtime_class=args.placement.runtime_class,
            )
        )
        self.ready = when_ready(workload, workload.metadata.name)
        self.register_outputs({"ready": self.ready})

    def _plugin(self, sharing: Sharing, mounts: list[Mount]) -> k8s.core.v1.ContainerArgsDict:
        # https://github.com/NVIDIA/k8s-device-plugin#configuration-option-details
        environment = {
            "CONFIG_FILE": CONFIG_FILE,
            "NVIDIA_VISIBLE_DEVICES": "all",
            "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
        }
        if sharing.mode == "mig":
            environment["NVIDIA_MIG_MONITOR_DEVICES"] = "all"
        if sharing.mode == "mps":
            environment["MPS_ROOT"] = MPS_ROOT
        # It is registered as long as its socket is there: a kubelet that restarts removes it. Each
        # resource has one, named after what follows the slash.
        every = f'for each in {_SOCKETS}/nvidia-*.sock; do test -S "$each" || exit 1; done'
        registered = ["/bin/sh", "-c", every]
        return container(
            "device-plugin",
            self.tier.image("device-plugin"),
            Resources.fixed("100m", "128Mi", "64Mi"),
            command=["nvidia-device-plugin"],
            env=environment,
            mounts=mounts,
            readiness=probes.command(*registered),
            liveness=probes.command(*registered, failures=6),
            # The runtime's hooks put the driver's libraries into the container and may write its
            # linker cache; NVIDIA's own chart leaves the root file system writable.
            read_only_root=False,
            capabilities=[_MIG_ROOT_CAPABILITY] if sharing.mode == "mig" else [],
        )

    def _layout(self, pool: str, configuration: Mount) -> k8s.core.v1.ContainerArgsDict:
        """What lays the node's cards out and leaves; nothing happens where they are so already.

        NVIDIA's MIG manager does it from a DaemonSet that may do anything to the API's core
        objects, sees the whole file system of the node and follows a label. Before the plugin
        starts, on a node that has no other client yet, its tool alone is enough. It fails, and
        the roll-out with it, while something uses the cards.
        """
        return container(
            "mig-layout",
            self.tier.image("mig-manager"),
            Resources.fixed("100m", "128Mi", "64Mi"),
            command=["nvidia-mig-parted"],
            args=["apply", f"--config-file={MIG_FILE}", f"--selected-config={pool}"],
            env={
                "NVIDIA_VISIBLE_DEVICES": "all",
                "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
                "NVIDIA_MIG_CONFIG_DEVICES": "all",
            },
            mounts=[configuration],
            read_only_root=False,
            capabilities=[_MIG_ROOT_CAPABILITY],
        )
