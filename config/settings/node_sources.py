"""The source of a GPU pool's nodes: existing machines, Cluster API or Karpenter."""

from typing import Annotated, Literal

from pydantic import Field

from base.model import Model
from base.names import Label, LabelSubdomain, LabelValue, Subdomain, line
from base.words import Words

_VERSION = Words(
    r"v[0-9]+\.[0-9]+\.[0-9]+([-+][A-Za-z0-9.+-]+)?",
    "a version of Kubernetes, such as v1.34.2",
    63,
)

_KIND = Words("[A-Z][A-Za-z0-9]*", "a kind such as EC2NodeClass", 63)


class ExistingNodes(Model):
    """Machines of the cluster, which their owner labels and taints."""

    kind: Literal["existing"] = Field(
        default="existing", description="Machines that are already in the cluster."
    )


class OpenNebulaMachines(Model):
    """Virtual machines of OpenNebula, with PCI passthrough of GPUs."""

    vm_template: Annotated[str, line(128)] = Field(
        description="Name of the VM template in OpenNebula whose PCI devices are the GPUs of one"
        " node, such as 1, 2 or 4 of its host.",
    )


class ClusterApiNodes(Model):
    """A MachineDeployment of Cluster API on OpenNebula, in a self-managed cluster."""

    kind: Literal["cluster-api"] = Field(description="A MachineDeployment creates the nodes.")
    cluster: LabelSubdomain = Field(description="The Cluster that the machines join.")
    namespace: Label = Field(description="The namespace of that Cluster.")
    version: Annotated[str, _VERSION] = Field(
        description="Kubernetes version of the machines, such as v1.34.2.",
    )
    opennebula: OpenNebulaMachines = Field(description="The virtual machine of a node.")
    zone: LabelSubdomain | None = Field(
        default=None,
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
    node_class_group: Subdomain = Field(
        description="API group of the node class, such as karpenter.k8s.aws."
    )
    node_class_kind: Annotated[str, _KIND] = Field(
        description="Kind of the node class, such as EC2NodeClass."
    )
    node_class: LabelSubdomain = Field(description="Name of the node class.")
    instance_types: list[LabelValue] = Field(
        min_length=1,
        description="Machine types with exactly the pool's GPUs: values of"
        " node.kubernetes.io/instance-type, such as p5.48xlarge.",
    )
    zone: LabelSubdomain | None = Field(
        default=None, description="Zone of the nodes; without it, any zone."
    )


NodeSource = Annotated[
    ExistingNodes | ClusterApiNodes | KarpenterNodes, Field(discriminator="kind")
]
"""The source of one pool's nodes."""
