"""Settings of the GPU pools."""

from typing import Literal

from pydantic import Field, field_validator

from base.model import Model
from base.names import Label
from catalog.gpus import GpuSpec, gpu, gpus
from catalog.load import UnknownEntryError
from config.settings.node_sources import ExistingNodes, NodeSource
from sizing.devices import Device, devices, narrowed
from sizing.sharing import Exclusive, Mps, Sharing


class GpuPoolSettings(Model):
    """Equal nodes with equal GPUs and the label `private-ai.dev/gpu-pool: <pool>`."""

    gpu: str = Field(
        description="GPU of its nodes, a key of catalog/gpus.yaml.",
        json_schema_extra=lambda schema: schema.update(enum=[*gpus()]),
    )
    nodes: int = Field(ge=1, le=1_000, description="Number of nodes.")
    gpus_per_node: int = Field(ge=1, le=16, description="GPUs per node.")
    sharing: Sharing = Field(
        default=Exclusive(), description="Sharing mode of its GPUs, the same on every node."
    )
    allocation: Literal["device-plugin", "dra"] = Field(
        default="device-plugin",
        description="How a pod gets GPUs: as an extended resource of NVIDIA's device plugin, or by"
        " a claim of Dynamic Resource Allocation, with NVIDIA's DRA driver on the cluster.",
    )
    operator: Literal["none", "already-there"] = Field(
        default="none",
        description="Whether NVIDIA's GPU operator runs on the nodes: if so, its device plugin, MIG"
        " manager and RuntimeClass are used, and only their configuration is created.",
    )
    operator_namespace: Label = Field(
        default="gpu-operator",
        description="Namespace of that operator and of its configuration.",
    )
    driver: int = Field(
        default=580,
        ge=450,
        le=999,
        description="Branch of NVIDIA's driver on its nodes, such as 580; it must support the CUDA"
        " of the engines.",
    )
    feature_discovery: bool = Field(
        default=False,
        description="Whether to run GPU feature discovery, which labels nodes with their GPUs; it"
        " needs Node Feature Discovery on the cluster. The stack itself does not use the labels.",
    )
    nodes_from: NodeSource = Field(default=ExistingNodes(), description="Source of its nodes.")

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
        """GPUs of all nodes."""
        return self.nodes * self.gpus_per_node

    @property
    def devices(self) -> list[Device]:
        """Devices that each node offers; one entry, or one for each MIG profile."""
        return devices(self.spec, self.gpus_per_node, self.sharing)

    def device(self, profile: str | None = None, gpu_share: float | None = None) -> Device:
        """The kind of device that a model takes; *profile* selects one where there are several.

        *gpu_share* limits an MPS client. Raises LookupError if *profile* does not select exactly
        one kind; the checks of the configuration report that before.
        """
        found = [each for each in self.devices if profile in (None, each.profile)]
        if len(found) != 1:
            message = f"{profile or 'no profile'} names {len(found)} of the pool's devices, not one"
            raise LookupError(message)
        if gpu_share is not None and isinstance(self.sharing, Mps):
            return narrowed(found[0], gpu_share)
        return found[0]
