"""NVIDIA's MPS control daemon: limits each client of a shared GPU to its share."""

from pulumi import Output, ResourceOptions

from components.common import probes
from components.common.args import Args
from components.common.component import Component
from components.common.contracts import GpuPlacement
from components.common.pod import config_files, container, host_directory
from components.common.tier import Tier
from components.gpu.device_plugin import CONFIG_FILE, CONFIG_PATH, MPS_MOUNT, MPS_ROOT
from config import footprints


class MpsControlDaemonArgs(Args):
    """The MPS daemon of one pool."""

    tier: Tier
    placement: GpuPlacement
    configuration: Output[str]
    """ConfigMap with the device plugin's configuration, including the clients per GPU."""


class MpsControlDaemon(Component):
    """One pod on every node of an MPS pool, from the device plugin's image.

    It sets the GPUs to exclusive-process mode and mounts a shared-memory file system on the node,
    for which it is privileged, and finds the MPS server by its process on the node: as in NVIDIA's
    own chart (k8s-device-plugin v0.20.0, its values.yaml, line 166).
    """

    kind = "nvidia-mps-control-daemon"

    def __init__(
        self, name: str, args: MpsControlDaemonArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        image = args.tier.image("device-plugin")
        root = host_directory("mps-root", MPS_ROOT, read_only=False, at=MPS_MOUNT, create=True)
        shared_memory = host_directory("mps-shm", f"{MPS_ROOT}/shm", read_only=False, at="/dev/shm")  # noqa: S108
        mounts = [root, shared_memory, config_files("config", args.configuration, CONFIG_PATH)]
        # Mounts the shared-memory file system of the daemon and its clients on the node.
        mount_shm = container(
            "mount-shm",
            image,
            footprints.MPS_MOUNT,
            command=["mps-control-daemon", "mount-shm"],
            mounts=[root.shared_with_node()],
            read_only_root=False,
            privileged=True,
        )
        # The daemon creates the file once its limits are set, and removes it at startup.
        started = ["/bin/sh", "-c", f"test -f {MPS_MOUNT}/.ready"]
        daemon = container(
            "mps-control-daemon",
            image,
            footprints.MPS_DAEMON,
            command=["mps-control-daemon"],
            env={
                "CONFIG_FILE": CONFIG_FILE,
                "NVIDIA_VISIBLE_DEVICES": "all",
                "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
            },
            mounts=mounts,
            readiness=probes.command(*started),
            liveness=probes.command(*started, failures=6),
            read_only_root=False,  # as for the device plugin: the runtime's hooks write into it
            privileged=True,
        )
        self.daemon_set(
            self.pod(
                [daemon],
                mounts,
                init=[mount_shm],
                user=0,
                placement=args.placement,
                host_pid=True,
            )
        )
        self.register_outputs({})
