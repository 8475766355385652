"""What a stack expects of the Kubernetes cluster it is deployed on."""

from collections import Counter
from typing import Literal, Self

from pydantic import Field, model_validator

from base.model import Model
from catalog.machines import Profile

Operator = Literal[
    "minio",
    "cloudnative-pg",
    "leader-worker-set",
    "keda",
    "gpu-operator",
    "karpenter",
    "cluster-api",
    "inference-extension",
]
"""A controller that somebody installed on the cluster before the stack.

`minio` runs object stores, `cloudnative-pg` databases; `leader-worker-set` groups of pods that
serve one model over several nodes; `keda` scales by a query of Prometheus; `gpu-operator` looks
after drivers, device plugins and MIG layouts of NVIDIA's GPUs; `karpenter` and `cluster-api` add
machines; `inference-extension` is the Gateway API's routing by what each model server has to do.
"""

_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"


class NodeGroup(Model):
    """Some equal machines of the cluster."""

    profile: Profile = Field(description="The kind of machine.")
    count: int = Field(ge=1, le=100, description="How many of them.")
    zones: list[str] = Field(
        default=["zone-a"],
        min_length=1,
        description="Values of topology.kubernetes.io/zone; the machines are dealt over them.",
    )
    pool: str | None = Field(
        default=None,
        pattern=_NAME,
        max_length=40,
        description="Value of the label private-ai.dev/gpu-pool that the platform engineer gives"
        " these machines; models select on it.",
    )
    labels: dict[str, str] = Field(
        default={},
        description="Further labels that they have, such as those by which NVIDIA's GPU operator"
        " chooses their configuration.",
    )


class StorageClassConfig(Model):
    """A StorageClass that the cluster offers."""

    name: str = Field(pattern=_NAME, max_length=63, description="Its name, as PVCs quote it.")
    default: bool = Field(
        default=False, description="Whether PVCs that name no class get this one."
    )
    provisioner: str = Field(
        default="csi.private-ai.dev",
        description="The driver behind it; the simulation answers to any name.",
    )
    reclaim_policy: Literal["Delete", "Retain"] = Field(
        default="Delete", description="What happens to the volume when its claim is deleted."
    )
    binding: Literal["WaitForFirstConsumer", "Immediate"] = Field(
        default="WaitForFirstConsumer",
        description="When a claim gets its volume: once a pod that uses it is placed, or at once.",
    )
    expandable: bool = Field(default=True, description="Whether a bound claim may grow.")


class ClusterConfig(Model):
    """The cluster of a stack: how to reach it, and what must be there before the stack is.

    On a real cluster this is a statement to check against; the simulation provides exactly it.
    """

    context: str = Field(
        min_length=1, max_length=63, description="The context of the kubeconfig to deploy to."
    )
    identifier: str = Field(
        min_length=1,
        max_length=63,
        description="A name for the cluster that never changes. The provider compares it instead"
        " of the kubeconfig, which may change without any resource being replaced.",
    )
    nodes: list[NodeGroup] = Field(min_length=1, description="Its machines.")
    storage_classes: list[StorageClassConfig] = Field(
        min_length=1, description="The storage classes it offers."
    )
    operators: list[Operator] = Field(
        default=[], description="The controllers installed on it beforehand."
    )

    @model_validator(mode="after")
    def _names_are_unambiguous(self) -> Self:
        classes = Counter(entry.name for entry in self.storage_classes)
        if twice := [name for name, count in classes.items() if count > 1]:
            message = f"storage_classes names {', '.join(twice)} more than once; name each once"
            raise ValueError(message)
        defaults = [entry.name for entry in self.storage_classes if entry.default]
        if len(defaults) > 1:
            message = (
                f"storage_classes marks {' and '.join(defaults)} as default;"
                " at most one may be: remove `default` from the others"
            )
            raise ValueError(message)
        if len(set(self.operators)) < len(self.operators):
            message = f"operators is {self.operators}; name each operator once"
            raise ValueError(message)
        return self
