"""The labels and the taint of GPU nodes, which pods and drivers go by."""

from typing import TYPE_CHECKING, Final

from config.settings.node_sources import ClusterApiNodes, KarpenterNodes

if TYPE_CHECKING:
    from config.settings.pools import GpuPoolSettings

GPU_POOL: Final = "private-ai.dev/gpu-pool"
"""Which pool a node is of. GPU feature discovery rewrites its own `gpu.product` when a GPU is
shared, so nothing selects on that."""
TAINT: Final = "nvidia.com/gpu"
"""The key that GPU operators and clouds use too."""
GPU_TAINT: Final = {"key": TAINT, "value": "present", "effect": "NoSchedule"}
"""What keeps pods that want no GPU away."""
PLUGIN_CONFIG: Final = "nvidia.com/device-plugin.config"
"""Chooses the device plugin's configuration of a node, by its key in the operator's ConfigMap."""
MIG_CONFIG: Final = "nvidia.com/mig.config"
"""Chooses the MIG layout of a node, by its name in the MIG manager's configuration."""


def node_labels(pool: str, settings: "GpuPoolSettings") -> dict[str, str]:
    """The labels of every node of the pool.

    Whoever brings the nodes sets them: an API that makes machines gets them with its template,
    and of machines that exist the owner writes them with the pool's own label, in one command. The
    two of NVIDIA matter to the GPU operator only; the stack's own device plugin is one a pool.
    """
    labels = {GPU_POOL: pool}
    if settings.operator == "already-there" and settings.sharing.mode != "exclusive":
        labels[PLUGIN_CONFIG] = pool
        if settings.sharing.mode == "mig":
            labels[MIG_CONFIG] = pool
    source = settings.nodes_from
    if isinstance(source, ClusterApiNodes | KarpenterNodes) and source.zone:
        labels["topology.kubernetes.io/zone"] = source.zone
    return labels
