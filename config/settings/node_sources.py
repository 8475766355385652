"""Where the nodes of a GPU pool come from: machines that exist, or an API that makes them."""

from typing import Annotated, Literal

from pydantic import Field

from base.model import Model

_NAME = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"


class ExistingNodes(Model):
    """Machines of the cluster, which their owner labels and taints."""

    kind: Literal["existing"] = Field(
        default="existing", description="Machines that are in the cluster already."
    )


class OpenNebulaMachines(Model):
    """Virtual machines of OpenNebula, with GPUs of their host passed through."""

    vm_template: str = Field(
        min_length=1,
        max_length=128,
        description="Name of the VM template in OpenNebula whose PCI devices are the GPUs of one"
        " node: the seed's hosts pass 1, 2 or 4 of them to a machine.",
    )


class ClusterApiNodes(Model):
    """A MachineDeployment of Cluster API, on OpenNebula, in a cluster that manages itself."""

    kind: Literal["cluster-api"] = Field(description="A MachineDeployment makes them.")
    cluster: str = Field(
        pattern=_NAME, max_length=63, description="The Cluster that the machines join."
    )
    namespace: str = Field(
        pattern=_NAME, max_length=63, description="The namespace of that Cluster."
    )
    version: str = Field(
        pattern=r"^v\d+\.\d+\.\d+([-+][\w.+-]+)?$",
        description="The Kubernetes of the machines, such as v1.34.2.",
    )
    opennebula: OpenNebulaMachines = Field(description="What a machine is made of.")
    zone: str | None = Field(
        default=None,
        pattern=_NAME,
        description="Failure domain of the machines, which their nodes carry as zone.",
    )
    topology_manager: Literal["none", "best-effort", "restricted", "single-numa-node"] = Field(
        default="best-effort",
        description="How the kubelet keeps the GPUs of a pod on one NUMA node: `restricted` and"
        " `single-numa-node` refuse a pod that would be split.",
    )


class KarpenterNodes(Model):
    """A NodePool of Karpenter, which makes nodes while pods wait for them."""

    kind: Literal["karpenter"] = Field(description="A NodePool makes them as pods need them.")
    node_class_group: str = Field(
        pattern=_NAME, description="API group of the node class, such as karpenter.k8s.aws."
    )
    node_class_kind: str = Field(
        pattern=r"^[A-Z][A-Za-z0-9]*$", description="Its kind, such as EC2NodeClass."
    )
    node_class: str = Field(pattern=_NAME, max_length=63, description="Its name.")
    instance_types: list[str] = Field(
        min_length=1,
        description="Machines with just the pool's GPUs: values of"
        " node.kubernetes.io/instance-type, such as p5.48xlarge.",
    )
    zone: str | None = Field(
        default=None, pattern=_NAME, description="The only zone to make nodes in; none takes any."
    )


NodeSource = Annotated[
    ExistingNodes | ClusterApiNodes | KarpenterNodes, Field(discriminator="kind")
]
"""Where the nodes of one pool come from."""
