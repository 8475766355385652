"""A pool of identical GPU nodes: provisioning, advertising of the GPUs, metrics."""

from dataclasses import replace

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Output, ResourceOptions

from base.units import MIB
from components.common.args import Args
from components.common.component import after
from components.common.contracts import GpuPlacement, ScrapeTarget
from components.common.labels import labels
from components.common.tier import Tier
from components.gpu.cluster_api_nodes import ClusterApiMachines, ClusterApiMachinesArgs
from components.gpu.dcgm_exporter import DcgmExporter, DcgmExporterArgs
from components.gpu.device_plugin import DevicePlugin, DevicePluginArgs
from components.gpu.gpu_feature_discovery import GpuFeatureDiscovery, GpuFeatureDiscoveryArgs
from components.gpu.karpenter_nodes import KarpenterPool, KarpenterPoolArgs
from components.gpu.mps_control_daemon import MpsControlDaemon, MpsControlDaemonArgs
from components.gpu.operator_config import OperatorConfig, OperatorConfigArgs
from config.node_labels import GPU_POOL, TAINT
from config.settings.node_sources import ClusterApiNodes, KarpenterNodes
from config.settings.pools import GpuPoolSettings
from sizing.devices import Device

_HANDLER = "nvidia"
"""Name of the runtime of NVIDIA's container toolkit, and of its operator's RuntimeClass."""


class GpuNodePoolArgs(Args):
    """A pool of GPU nodes."""

    tier: Tier
    settings: GpuPoolSettings


class GpuNodePool(ComponentResource):
    """The nodes that carry the label `private-ai.dev/gpu-pool` with the pool's name as value.

    The nodes provide the driver and a container runtime with a handler called `nvidia`; existing
    machines are labeled and tainted by their owner (see config.node_labels).
    """

    metrics: ScrapeTarget
    """GPU metrics."""

    def __init__(
        self, name: str, args: GpuNodePoolArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("private-ai:index:GpuNodePool", name, {}, opts)
        self._name, self._args, self._child_opts = name, args, ResourceOptions(parent=self)
        self._provision()
        self._runtime_class = self._runtime()
        # Besides the GPU operator's own exporter too: that one has no TLS.
        exporter = DcgmExporter(
            f"{name}-dcgm",
            DcgmExporterArgs(tier=args.tier, placement=self._nodes()),
            self._child_opts,
        )
        self.metrics = exporter.metrics
        if args.settings.operator == "already-there":
            self._configure_operator()
        elif args.settings.allocation == "device-plugin":
            self._runtime_class = self._advertise()
        self.register_outputs({"gpus": args.settings.gpus})

    def place(self, mig_profile: str | None = None, gpu_share: float | None = None) -> GpuPlacement:
        """Placement of pods on devices of *mig_profile*, or on the *gpu_share* of an MPS client.

        Neither is needed where the pool has one kind of device with equal shares.
        """
        settings = self._args.settings
        device = settings.device(mig_profile, gpu_share)
        claimed = settings.allocation == "dra"
        return replace(
            self._nodes(device),
            environment=mps_environment(device, gpu_share) if gpu_share else {},
            device_class=device.device_class if claimed else None,
            device_selector=_profile_is(device.profile) if claimed and device.profile else None,
        )

    def _nodes(self, device: Device | None = None) -> GpuPlacement:
        return GpuPlacement(
            device=device or self._args.settings.devices[0],
            node_selector={GPU_POOL: self._name},
            taint=TAINT,
            runtime_class=self._runtime_class,
            driver=self._args.settings.driver,
            sharing=self._args.settings.sharing.mode,
        )

    def _provision(self) -> None:
        settings = self._args.settings
        source = settings.nodes_from
        if isinstance(source, ClusterApiNodes):
            ClusterApiMachines(
                self._name,
                ClusterApiMachinesArgs(settings=settings, source=source),
                self._child_opts,
            )
        elif isinstance(source, KarpenterNodes):
            KarpenterPool(
                self._name, KarpenterPoolArgs(settings=settings, source=source), self._child_opts
            )

    def _runtime(self) -> Output[str]:
        if self._args.settings.operator == "already-there":
            return Output.from_input(_HANDLER)
        runtime = k8s.node.v1.RuntimeClass(
            self._name,
            metadata={"labels": labels("gpu-pool", self._name)},
            handler=_HANDLER,
            opts=self._child_opts,
        )
        return runtime.metadata.name

    def _configure_operator(self) -> None:
        settings = self._args.settings
        if settings.sharing.mode != "exclusive":
            OperatorConfig(
                f"{self._name}-operator-config",
                OperatorConfigArgs(
                    namespace=settings.operator_namespace,
                    pool=self._name,
                    sharing=settings.sharing,
                ),
                self._child_opts,
            )

    def _advertise(self) -> Output[str]:
        """Run the stack's device plugin; returns the RuntimeClass, once all GPUs are advertised."""
        name, tier, settings, nodes = (
            self._name,
            self._args.tier,
            self._args.settings,
            self._nodes(),
        )
        plugin = DevicePlugin(
            f"{name}-device-plugin",
            DevicePluginArgs(tier=tier, pool=name, sharing=settings.sharing, placement=nodes),
            self._child_opts,
        )
        if settings.sharing.mode == "mps":
            MpsControlDaemon(
                f"{name}-mps",
                MpsControlDaemonArgs(
                    tier=tier, placement=nodes, configuration=plugin.configuration
                ),
                self._child_opts,
            )
        if settings.feature_discovery:
            GpuFeatureDiscovery(
                f"{name}-feature-discovery",
                GpuFeatureDiscoveryArgs(
                    tier=tier, placement=nodes, configuration=plugin.configuration
                ),
                self._child_opts,
            )
        return after(self._runtime_class, plugin.ready)


def mps_environment(device: Device, gpu_share: float) -> dict[str, str]:
    """Limits of an MPS client below its equal share, on its single device, number 0.

    The driver applies the lower of this and the daemon's limit: memory with a unit, and threads in
    percent. https://docs.nvidia.com/deploy/mps/ (Environment Variables)
    """
    return {
        "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT": f"0={device.memory_bytes // MIB}M",
        "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": f"{100 * gpu_share:g}",
    }


def _profile_is(profile: str) -> str:
    """CEL expression for a MIG instance of NVIDIA's DRA driver."""
    return f"device.attributes['gpu.nvidia.com'].profile == '{profile}'"
