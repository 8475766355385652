"""The labels and the taint of GPU nodes, for pods and drivers."""

from typing import Final

from config.settings.node_sources import ClusterApiNodes, KarpenterNodes
from config.settings.pools import GpuPoolSettings

GPU_POOL: Final = "private-ai.dev/gpu-pool"
"""Pool of a node. GPU feature discovery rewrites its own `gpu.product` when a GPU is shared, so
nothing selects by that."""
TAINT: Final = "nvidia.com/gpu"
"""Key of the taint, the same as GPU operators and clouds use."""
GPU_TAINT: Final = {"key": TAINT, "value": "present", "effect": "NoSchedule"}
"""Taint that repels pods without GPUs."""
PLUGIN_CONFIG: Final = "nvidia.com/device-plugin.config"
"""Selects a node's device plugin configuration, a key of the operator's ConfigMap."""
MIG_CONFIG: Final = "nvidia.com/mig.config"
"""Selects a node's MIG layout, a name in the MIG manager's configuration."""


def node_labels(pool: str, settings: GpuPoolSettings) -> dict[str, str]:
    """The labels of every node of the pool.

    Cluster API and Karpenter set them from their template; on existing machines the owner sets
    them together with the pool's label, in one command. NVIDIA's two labels are for the GPU
    operator only; the stack itself runs one device plugin per pool.
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
