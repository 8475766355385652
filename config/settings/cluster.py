"""Settings of the cluster: the machines, storage classes and operators that a stack expects."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from base.model import Model
from base.names import AnyLabelValue, Label, LabelKey, LabelValue, line
from catalog.machines import MACHINES, Machine, Profile
from config.settings.keys import PoolName

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
"""A controller that is installed on the cluster before the stack.

`minio` runs object stores, `cloudnative-pg` databases; `leader-worker-set` groups of pods that
serve one model over several nodes; `keda` scales by a query of Prometheus; `gpu-operator` manages
drivers, device plugins and MIG layouts of NVIDIA GPUs; `karpenter` and `cluster-api` add machines;
`inference-extension` is the Gateway API's routing by the load of each model server.
"""


class NodeGroup(Model):
    """Equal machines of the cluster."""

    profile: Profile = Field(description="The kind of machine.")
    count: int = Field(ge=1, le=100, description="Number of machines.")
    zones: list[LabelValue] = Field(
        default=["zone-a"],
        min_length=1,
        description="Values of topology.kubernetes.io/zone, over which the machines are spread.",
    )
    pool: PoolName | None = Field(
        default=None,
        description="Value of their label private-ai.dev/gpu-pool, which the platform engineer"
        " sets; models select nodes by it.",
    )
    labels: dict[LabelKey, AnyLabelValue] = Field(
        default={},
        description="Their further labels, such as those by which NVIDIA's GPU operator selects"
        " their configuration.",
    )

    @property
    def machine(self) -> Machine:
        """The kind of machine."""
        return MACHINES[self.profile]

    @property
    def tainted(self) -> bool:
        """Whether their taint keeps pods without GPUs off: that of every machine with GPUs does."""
        return self.machine.gpu is not None


class ClusterNode(NamedTuple):
    """One machine of the cluster."""

    name: str
    zone: str
    group: NodeGroup


class StorageClassConfig(Model):
    """A StorageClass that the cluster offers."""

    name: Label = Field(description="Its name, as in PVCs.")
    default: bool = Field(default=False, description="Whether PVCs without a class get this one.")
    provisioner: LabelKey = Field(
        default="csi.private-ai.dev",
        description="Its CSI driver; the simulation accepts any name.",
    )
    reclaim_policy: Literal["Delete", "Retain"] = Field(
        default="Delete", description="Fate of a volume whose claim is deleted."
    )
    binding: Literal["WaitForFirstConsumer", "Immediate"] = Field(
        default="WaitForFirstConsumer",
        description="Time of provisioning: once a pod that uses the claim is scheduled, or"
        " immediately.",
    )
    encrypted_by: Annotated[str, line(200)] | None = Field(
        default=None,
        description="What encrypts its disks, such as `LUKS on each Ceph OSD`: a declaration of"
        " whoever operates the cluster, which no program can check. Volumes hold prompts, documents"
        " and secrets, so the policies refuse a class without it.",
    )
    expandable: bool = Field(default=True, description="Whether a bound claim can be expanded.")


class ClusterConfig(Model):
    """The cluster of a stack: its context, and the resources that must exist before the stack.

    A real cluster is checked against this; the simulation provides exactly this.
    """

    context: Annotated[str, line(63)] = Field(description="Context of the kubeconfig to deploy to.")
    identifier: Annotated[str, line(63)] = Field(
        description="A name of the cluster that never changes. The provider compares it instead"
        " of the kubeconfig, so that a new kubeconfig does not replace resources.",
    )
    nodes: list[NodeGroup] = Field(min_length=1, description="Its machines.")
    storage_classes: list[StorageClassConfig] = Field(
        min_length=1, description="Its storage classes."
    )
    operators: list[Operator] = Field(
        default=[], description="The operators installed on it beforehand."
    )

    def machines(self) -> Iterator[ClusterNode]:
        """Every machine, numbered by pool (`gpu-<pool>-1`, `cpu-1`), zones in turn."""
        numbers: Counter[str] = Counter()
        for group in self.nodes:
            if group.pool:
                prefix = f"gpu-{group.pool}" if group.machine.gpu else group.pool
            else:
                prefix = "gpu" if group.machine.gpu else "cpu"
            for position in range(group.count):
                numbers[prefix] += 1
                zone = group.zones[position % len(group.zones)]
                yield ClusterNode(f"{prefix}-{numbers[prefix]}", zone, group)

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
                " at most one may be default: remove `default` from the others"
            )
            raise ValueError(message)
        if len(set(self.operators)) < len(self.operators):
            message = f"operators is {self.operators}; name each operator once"
            raise ValueError(message)
        return self
