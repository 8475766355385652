"""Settings of the GPU pools."""

from pydantic import Field, field_validator

from catalog.gpus import GpuSpec, gpu
from catalog.load import UnknownEntryError
from config.base import Model


class GpuPoolSettings(Model):
    """Equal nodes of equal GPUs, which carry the label `private-ai.dev/gpu-pool: <pool>`."""

    gpu: str = Field(description="The GPU of its nodes, as catalog/gpus.yaml calls it.")
    nodes: int = Field(ge=1, description="Nodes of the pool.")
    gpus_per_node: int = Field(ge=1, le=16, description="GPUs of each node.")

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
