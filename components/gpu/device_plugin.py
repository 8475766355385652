"""NVIDIA's device plugin: advertises GPUs, or partitions of them, to the kubelet."""

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.common import probes, secrets
from components.common.args import Args
from components.common.component import Component
from components.common.contracts import GpuPlacement
from components.common.pod import Mount, config_files, container, host_directory
from components.common.tier import Tier
from components.gpu.device_plugin_config import as_yaml, mig_config, plugin_config
from config import footprints
from sizing.sharing import Mig, Sharing

CONFIG_PATH = "/etc/nvidia-device-plugin"
CONFIG_FILE = f"{CONFIG_PATH}/config.yaml"
"""Configuration of the plugin, GPU feature discovery and the MPS daemon."""
MIG_FILE = f"{CONFIG_PATH}/mig-parted.yaml"
MPS_ROOT = "/run/nvidia/mps"
"""Directory on the node, the same as in NVIDIA's chart."""
MPS_MOUNT = "/mps"
"""Mount path of it that the plugin and the daemon expect."""

_SOCKETS = "/var/lib/kubelet/device-plugins"
_MIG_ROOT_CAPABILITY = "SYS_ADMIN"
"""Capability that the container toolkit requires to manage or monitor MIG."""


class DevicePluginArgs(Args):
    """The device plugin of one pool."""

    tier: Tier
    pool: str
    sharing: Sharing
    placement: GpuPlacement
    """Nodes of the pool, and the container runtime that exposes their driver."""


class DevicePlugin(Component):
    """One pod on every node of the pool, without a port: it serves the kubelet over a socket.

    Each pool has a plugin and a configuration of its own, so that no node label selects one.
    On a MIG pool an init container first partitions the GPUs of the node.
    """

    kind = "nvidia-device-plugin"

    ready: Output[str]
    """Name of the DaemonSet, known once every node advertises its GPUs."""
    configuration: Output[str]
    """Name of its ConfigMap, new with new content."""

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
                # It checks the health of the daemon through this.
                host_directory("mps-shm", f"{MPS_ROOT}/shm", read_only=False, at="/dev/shm"),  # noqa: S108
            ]
        workload = self.daemon_set(
            self.pod(
                [self._plugin(sharing, mounts)],
                mounts,
                init=[self._layout(args.pool, configuration)] if sharing.mode == "mig" else [],
                user=0,  # root owns the directory of the kubelet's sockets
                placement=args.placement,
            )
        )
        self.ready = workload.metadata.name
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
        # It is registered while its sockets exist: a restarted kubelet removes them. Each resource
        # has one, named after the part behind the slash.
        every = f'for each in {_SOCKETS}/nvidia-*.sock; do test -S "$each" || exit 1; done'
        registered = ["/bin/sh", "-c", every]
        return container(
            "device-plugin",
            self.tier.image("device-plugin"),
            footprints.DEVICE_PLUGIN,
            command=["nvidia-device-plugin"],
            env=environment,
            mounts=mounts,
            readiness=probes.command(*registered),
            liveness=probes.command(*registered, failures=6),
            # The runtime's hooks inject the driver's libraries and may update the linker cache;
            # NVIDIA's chart keeps the root file system writable too.
            read_only_root=False,
            capabilities=[_MIG_ROOT_CAPABILITY] if sharing.mode == "mig" else [],
        )

    def _layout(self, pool: str, configuration: Mount) -> k8s.core.v1.ContainerArgsDict:
        """An init container that partitions the GPUs of the node; idempotent.

        NVIDIA's MIG manager does this from a DaemonSet with write access to all core objects of
        the API and to the whole file system of the node, triggered by a label. Before the plugin
        starts, with no other client on the node yet, its command-line tool is sufficient. It fails,
        and the rollout with it, while a process uses the GPUs.
        """
        return container(
            "mig-layout",
            self.tier.image("mig-manager"),
            footprints.MIG_LAYOUT,
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
