"""A pool of equal GPU nodes: what finds them, what offers their GPUs, what measures them."""

from dataclasses import replace

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Output, ResourceOptions

from components.args import Args
from components.contracts import GpuPlacement, ScrapeTarget
from components.dcgm_exporter import DcgmExporter, DcgmExporterArgs
from components.device_plugin import DevicePlugin, DevicePluginArgs
from components.labels import GPU_POOL, labels
from components.tier import Tier
from config.pools import GpuPoolSettings

GPU_RESOURCE = "nvidia.com/gpu"


class GpuNodePoolArgs(Args):
    """A pool of GPU nodes."""

    tier: Tier
    settings: GpuPoolSettings


class GpuNodePool(ComponentResource):
    """The nodes that carry the label `private-ai.dev/gpu-pool` with the pool's name as value.

    The nodes bring the driver and a container runtime with a handler called `nvidia`; the label
    and the taint `nvidia.com/gpu` are the platform owner's to set.
    """

    nodes: int
    """Nodes of the pool, known at preview."""
    gpus: int
    """GPUs of all its nodes, known at preview."""
    placement: GpuPlacement
    """How pods get its GPUs."""
    metrics: ScrapeTarget
    """What its GPUs do."""

    def __init__(
        self, name: str, args: GpuNodePoolArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("private-ai:index:GpuNodePool", name, {}, opts)
        child = ResourceOptions(parent=self)
        self.nodes = args.settings.nodes
        self.gpus = args.settings.gpus
        runtime = k8s.node.v1.RuntimeClass(
            name,
            metadata={"labels": labels("gpu-pool", name)},
            handler="nvidia",  # the name that NVIDIA's container toolkit gives its runtime
            opts=child,
        )
        nodes = GpuPlacement(
            resource=GPU_RESOURCE,
            node_selector={GPU_POOL: name},
            taint=GPU_RESOURCE,  # the key that GPU operators and clouds use too
            runtime_class=runtime.metadata.name,
        )
        plugin = DevicePlugin(
            f"{name}-device-plugin", DevicePluginArgs(tier=args.tier, placement=nodes), child
        )
        exporter = DcgmExporter(
            f"{name}-dcgm", DcgmExporterArgs(tier=args.tier, placement=nodes), child
        )
        self.placement = replace(
            nodes,
            runtime_class=Output.all(runtime.metadata.name, plugin.ready).apply(
                lambda both: str(both[0])
            ),
        )
        self.metrics = exporter.metrics
        self.register_outputs({"gpus": self.gpus})
