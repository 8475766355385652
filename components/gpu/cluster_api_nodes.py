"""The nodes of a pool, provisioned by Cluster API: OpenNebula virtual machines with GPUs.

Fields: https://cluster-api.sigs.k8s.io (v1beta2) and the CustomResourceDefinitions of
https://github.com/OpenNebula/cluster-api-provider-opennebula (v1beta1).
"""

from typing import Any

import pulumi_kubernetes as k8s
from pulumi import ComponentResource, Output, ResourceOptions

from components.common.args import Args
from components.common.labels import labels
from config.node_labels import GPU_TAINT, node_labels
from config.settings.node_sources import ClusterApiNodes
from config.settings.pools import GpuPoolSettings

_CORE = "cluster.x-k8s.io"
_BOOTSTRAP = "bootstrap.cluster.x-k8s.io"
_INFRASTRUCTURE = "infrastructure.cluster.x-k8s.io"


class ClusterApiMachinesArgs(Args):
    """The machines of one pool."""

    settings: GpuPoolSettings
    source: ClusterApiNodes


class ClusterApiMachines(ComponentResource):
    """A machine template, a bootstrap template, and the MachineDeployment that uses both.

    The templates are immutable to Cluster API, so a change creates new ones, under new names, and
    the MachineDeployment rolls its machines over to them.
    """

    def __init__(
        self, name: str, args: ClusterApiMachinesArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("private-ai:index:ClusterApiMachines", name, {}, opts)
        source = args.source
        infrastructure = self._object(
            f"{name}-machine",
            source,
            f"{_INFRASTRUCTURE}/v1beta1",
            "ONEMachineTemplate",
            {"template": {"spec": {"templateName": source.opennebula.vm_template}}},
        )
        bootstrap = self._object(
            f"{name}-join",
            source,
            f"{_BOOTSTRAP}/v1beta2",
            "KubeadmConfigTemplate",
            kubeadm_template(name, args.settings, source),
        )
        self._object(
            name,
            source,
            f"{_CORE}/v1beta2",
            "MachineDeployment",
            machine_deployment(args.settings, source, infrastructure, bootstrap),
        )
        self.register_outputs({})

    def _object(
        self, name: str, source: ClusterApiNodes, api: str, kind: str, spec: dict[str, Any]
    ) -> Output[str]:
        made = k8s.apiextensions.CustomResource(
            name,
            api_version=api,
            kind=kind,
            metadata={
                "namespace": source.namespace,
                "labels": {**labels("gpu-nodes", name), f"{_CORE}/cluster-name": source.cluster},
            },
            spec=spec,
            opts=ResourceOptions(
                parent=self,
                # Immutable to Cluster API; the provider would update them in place.
                replace_on_changes=["spec"] if kind.endswith("Template") else None,
            ),
        )
        return made.id.apply(lambda path: path.rpartition("/")[2])


def kubeadm_template(
    pool: str, settings: GpuPoolSettings, source: ClusterApiNodes
) -> dict[str, Any]:
    """The spec of a KubeadmConfigTemplate: labels, taint and topology policy of a joining node.

    Set through the kubelet, since Cluster API copies only labels of its own domains from a Machine
    to its Node.
    """
    own = ",".join(f"{key}={value}" for key, value in node_labels(pool, settings).items())
    arguments = {"node-labels": own, "topology-manager-policy": source.topology_manager}
    join = {
        "nodeRegistration": {
            "kubeletExtraArgs": [{"name": k, "value": v} for k, v in arguments.items()],
            "taints": [GPU_TAINT],
        }
    }
    return {"template": {"spec": {"joinConfiguration": join}}}


def machine_deployment(
    settings: GpuPoolSettings,
    source: ClusterApiNodes,
    infrastructure: Output[str],
    bootstrap: Output[str],
) -> dict[str, Any]:
    """The spec of the MachineDeployment; Cluster API completes the selector.

    One machine is deleted before its successor is created: GPUs in passthrough belong to one
    machine at a time.
    """
    machine: dict[str, Any] = {
        "clusterName": source.cluster,
        "version": source.version,
        "bootstrap": {
            "configRef": {
                "apiGroup": _BOOTSTRAP,
                "kind": "KubeadmConfigTemplate",
                "name": bootstrap,
            }
        },
        "infrastructureRef": {
            "apiGroup": _INFRASTRUCTURE,
            "kind": "ONEMachineTemplate",
            "name": infrastructure,
        },
    }
    if source.zone:
        machine["failureDomain"] = source.zone
    belongs = {f"{_CORE}/cluster-name": source.cluster}
    return {
        "clusterName": source.cluster,
        "replicas": settings.nodes,
        "selector": {"matchLabels": belongs},
        "rollout": {
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
            }
        },
        "template": {"metadata": {"labels": belongs}, "spec": machine},
    }
