"""Settings of the GPU pools."""

from typing import Literal

from pydantic import Field, field_validator

from base.model import Model
from catalog.gpus import GpuSpec, gpu
from catalog.load import UnknownEntryError
from config.settings.node_sources import ExistingNodes, NodeSource
from sizing.devices import Device, devices, narrowed
from sizing.sharing import Exclusive, Mps, Sharing


class GpuPoolSettings(Model):
    """Equal nodes of equal GPUs, which carry the label `private-ai.dev/gpu-pool: <pool>`."""

    gpu: str = Field(description="The GPU of its nodes, as catalog/gpus.yaml calls it.")
    nodes: int = Field(ge=1, description="Nodes of the pool.")
    gpus_per_node: int = Field(ge=1, le=16, description="GPUs of each node.")
    sharing: Sharing = Field(
        default=Exclusive(), description="How pods share its GPUs, the same on every node."
    )
    allocation: Literal["device-plugin", "dra"] = Field(
        default="device-plugin",
        description="How a pod gets its GPUs: from NVIDIA's device plugin, as a counted resource;"
        " or by a claim of Dynamic Resource Allocation, with NVIDIA's driver of it on the cluster.",
    )
    operator: Literal["none", "already-there"] = Field(
        default="none",
        description="Whether NVIDIA's GPU operator runs on the nodes: then its device plugin, MIG"
        " manager and RuntimeClass are used, and only their configuration is created.",
    )
    operator_namespace: str = Field(
        default="gpu-operator",
        pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        description="Where that operator runs, and reads its configuration from.",
    )
    driver: int = Field(
        default=580,
        ge=450,
        le=999,
        description="Branch of NVIDIA's driver on its nodes, such as 580; the engines' CUDA must"
        " suit it.",
    )
    feature_discovery: bool = Field(
        default=False,
        description="Whether to run GPU feature discovery, which describes the GPUs in labels; it"
        " needs Node Feature Discovery on the cluster. Nothing of the stack selects on them.",
    )
    nodes_from: NodeSource = Field(
        default=ExistingNodes(), description="Where its nodes come from."
    )

    @field_validator("gpu")
    @classmethod
    def _is_in_the_catalog(cls, key: str) -> str:
        try:
            return gpu(key).key
        except UnknownEntryError as error:
            raise ValueError(error.expected) from None

    @property
    def spec(self) -> GpuSpec:
        """The catalog's entry of its GPU."""
        return gpu(self.gpu)

    @property
    def gpus(self) -> int:
        """GPUs of all its nodes."""
        return self.nodes * self.gpus_per_node

    @property
    def devices(self) -> list[Device]:
        """What each of its nodes offers to pods; one entry, or one for each MIG profile."""
        return devices(self.spec, self.gpus_per_node, self.sharing)

    def device(self, profile: str | None = None, gpu_share: float | None = None) -> Device:
        """What a model takes one or more of: of *profile*, where the pool has several.

        *gpu_share* narrows the part of an MPS client. Raises LookupError for a profile that the
        pool does not have, or that does not single one out; the checks of the configuration say so
        before.
        """
        found = [each for each in self.devices if profile in (None, each.profile)]
        if len(found) != 1:
            message = f"{profile or 'no profile'} names {len(found)} of the pool's devices, not one"
            raise LookupError(message)
        if gpu_share is not None and isinstance(self.sharing, Mps):
            return narrowed(found[0], gpu_share)
        return found[0]
