"""NVIDIA's device plugin: announces the GPUs of a pool's nodes to the kubelet."""

from pulumi import Output, ResourceOptions

from components import probes
from components.args import Args
from components.component import Component, when_ready
from components.contracts import GpuPlacement
from components.pod import container, host_directory, pod
from components.tier import Tier
from config.quantity import Resources

_SOCKETS = "/var/lib/kubelet/device-plugins"


class DevicePluginArgs(Args):
    """The device plugin of one pool."""

    tier: Tier
    placement: GpuPlacement
    """The nodes, and the runtime that shows it their driver."""


class DevicePlugin(Component):
    """One pod on every node of the pool, without a port: it talks to the kubelet over a socket."""

    kind = "nvidia-device-plugin"

    ready: Output[str]
    """Its name, known once every node offers its GPUs."""

    def __init__(
        self, name: str, args: DevicePluginArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        mounts = [host_directory("sockets", _SOCKETS, read_only=False)]
        # It is registered as long as its socket is there: a kubelet that restarts removes it.
        registered = ["/bin/sh", "-c", f"test -S {_SOCKETS}/nvidia-gpu.sock"]
        plugin = container(
            "device-plugin",
            args.tier.image("device-plugin"),
            Resources.fixed("100m", "128Mi", "64Mi"),
            command=["nvidia-device-plugin"],
            # https://github.com/NVIDIA/k8s-device-plugin#configuration-option-details
            env={
                "MIG_STRATEGY": "none",
                "FAIL_ON_INIT_ERROR": "true",
                "NVIDIA_VISIBLE_DEVICES": "all",
                "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
            },
            mounts=mounts,
            readiness=probes.command(*registered),
            liveness=probes.command(*registered, failures=6),
            # The runtime's hooks put the driver's libraries into the container and may write its
            # linker cache; NVIDIA's own chart leaves the root file system writable.
            read_only_root=False,
        )
        workload = self.daemon_set(
            pod(
                [plugin],
                mounts,
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
