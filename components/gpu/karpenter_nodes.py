"""The nodes of a pool, provisioned by Karpenter for pending pods.

Fields: https://karpenter.sh/docs/concepts/nodepools (v1).
"""

from typing import Any

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, ResourceOptions

from components.common.args import Args
from components.common.labels import labels
from config.node_labels import GPU_TAINT, node_labels
from config.settings.node_sources import KarpenterNodes
from config.settings.pools import GpuPoolSettings
from sizing.devices import GPU_RESOURCE

_ZONE = "topology.kubernetes.io/zone"


class KarpenterPoolArgs(Args):
    """The nodes of one pool."""

    settings: GpuPoolSettings
    source: KarpenterNodes


class KarpenterPool(ComponentResource):
    """A NodePool with the size of the pool as its limit; the node class configures the kubelet."""

    def __init__(
        self, name: str, args: KarpenterPoolArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("private-ai:index:KarpenterPool", name, {}, opts)
        k8s.apiextensions.CustomResource(
            name,
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"labels": labels("gpu-nodes", name)},
            spec=node_pool(name, args.settings, args.source),
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})


def node_pool(pool: str, settings: GpuPoolSettings, source: KarpenterNodes) -> dict[str, Any]:
    """The spec of the NodePool.

    Only empty nodes are removed, after ten minutes: moving a model costs minutes of loading, and a
    GPU node is rarely busy by CPU or memory.
    """
    requirements = [
        {
            "key": "node.kubernetes.io/instance-type",
            "operator": "In",
            "values": source.instance_types,
        }
    ]
    if source.zone:
        requirements.append({"key": _ZONE, "operator": "In", "values": [source.zone]})
    # Karpenter takes the zone as a requirement; a label would conflict with it.
    own = {key: value for key, value in node_labels(pool, settings).items() if key != _ZONE}
    return {
        "template": {
            "metadata": {"labels": own},
            "spec": {
                "nodeClassRef": {
                    "group": source.node_class_group,
                    "kind": source.node_class_kind,
                    "name": source.node_class,
                },
                "requirements": requirements,
                "taints": [GPU_TAINT],
                "expireAfter": "Never",  # nodes are replaced manually
            },
        },
        "limits": {GPU_RESOURCE: str(settings.gpus)},
        "disruption": {"consolidationPolicy": "WhenEmpty", "consolidateAfter": "10m"},
    }
