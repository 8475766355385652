"""The source of a GPU pool's nodes: existing machines, Cluster API or Karpenter."""

from typing import Annotated, Literal

from pydantic import Field

from base.model import Model
from base.names import DNS_SUBDOMAIN


class ExistingNodes(Model):
    """Machines of the cluster, which their owner labels and taints."""

    kind: Literal["existing"] = Field(
        default="existing", description="Machines that are already in the cluster."
    )


class OpenNebulaMachines(Model):
    """Virtual machines of OpenNebula, with PCI passthrough of GPUs."""

    vm_template: str = Field(
        min_length=1,
        max_length=128,
        description="Name of the VM template in OpenNebula whose PCI devices are the GPUs of one"
        " node, such as 1, 2 or 4 of its host.",
    )


class ClusterApiNodes(Model):
    """A MachineDeployment of Cluster API on OpenNebula, in a self-managed cluster."""

    kind: Literal["cluster-api"] = Field(description="A MachineDeployment creates the nodes.")
    cluster: str = Field(
        pattern=DNS_SUBDOMAIN, max_length=63, description="The Cluster that the machines join."
    )
    namespace: str = Field(
        pattern=DNS_SUBDOMAIN, max_length=63, description="The namespace of that Cluster."
    )
    version: str = Field(
        pattern=r"^v\d+\.\d+\.\d+([-+][\w.+-]+)?$",
        description="Kubernetes version of the machines, such as v1.34.2.",
    )
    opennebula: OpenNebulaMachines = Field(description="The virtual machine of a node.")
    zone: str | None = Field(
        default=None,
        pattern=DNS_SUBDOMAIN,
        description="Failure domain of the machines, and zone label of their nodes.",
    )
    topology_manager: Literal["none", "best-effort", "restricted", "single-numa-node"] = Field(
        default="best-effort",
        description="Topology Manager policy of the kubelet, to keep a pod's GPUs on one NUMA node:"
        " `restricted` and `single-numa-node` reject a pod that would be split.",
    )


class KarpenterNodes(Model):
    """A NodePool of Karpenter, which creates nodes for pending pods."""

    kind: Literal["karpenter"] = Field(description="A NodePool creates nodes for pending pods.")
    node_class_group: str = Field(
        pattern=DNS_SUBDOMAIN, description="API group of the node class, such as karpenter.k8s.aws."
    )
    node_class_kind: str = Field(
        pattern=r"^[A-Z][A-Za-z0-9]*$", description="Kind of the node class, such as EC2NodeClass."
    )
    node_class: str = Field(
        pattern=DNS_SUBDOMAIN, max_length=63, description="Name of the node class."
    )
    instance_types: list[str] = Field(
        min_length=1,
        description="Machine types with exactly the pool's GPUs: values of"
        " node.kubernetes.io/instance-type, such as p5.48xlarge.",
    )
    zone: str | None = Field(
        default=None, pattern=DNS_SUBDOMAIN, description="Zone of the nodes; without it, any zone."
    )


NodeSource = Annotated[
    ExistingNodes | ClusterApiNodes | KarpenterNodes, Field(discriminator="kind")
]
"""The source of one pool's nodes."""
