"""The pools and model services that `sizing.capacity` checks, and the problems it reports."""

from typing import Literal

from pydantic import Field

from base.model import Model
from base.problems import Problem
from catalog.gpus import GpuSpec
from catalog.models import ModelSpec, WeightDtype
from sizing.devices import Device, devices, narrowed
from sizing.memory import GPU_MEMORY_UTILIZATION, Fit, KvDtype, fit
from sizing.sharing import Exclusive, Sharing

ProblemCode = Literal[
    "unknown-pool",
    "heads-not-divisible",
    "context-too-long",
    "replica-too-wide",
    "parts-not-joined",
    "utilization-too-high",
    "does-not-fit",
    "pool-too-small",
    "pool-fragmented",
]


class Pool(Model):
    """Equal nodes of equal GPUs, shared in one way."""

    name: str
    gpu: GpuSpec
    nodes: int = Field(gt=0)
    gpus_per_node: int = Field(gt=0)
    sharing: Sharing = Exclusive()

    @property
    def gpus(self) -> int:
        """GPUs of all nodes."""
        return self.nodes * self.gpus_per_node

    @property
    def devices(self) -> list[Device]:
        """Devices that each node offers, one entry per kind."""
        return devices(self.gpu, self.gpus_per_node, self.sharing)

    @property
    def noun(self) -> str:
        """Name of its devices in messages."""
        return "GPUs" if self.sharing.mode == "exclusive" else "GPU shares"


class Service(Model):
    """One model service: the model, its parallelism, and the load it must hold."""

    name: str
    model: ModelSpec
    pool: str
    """Name of its pool."""
    dtype: WeightDtype | None = None
    """Type of the weights; None: the model's own."""
    kv_dtype: KvDtype = "auto"
    tensor_parallel: int = Field(default=1, gt=0)
    pipeline_parallel: int = Field(default=1, gt=0)
    data_parallel: int = Field(default=1, gt=0)
    expert_parallel: bool = False
    """Whether each GPU holds whole experts instead of a slice of every expert."""
    replicas: int = Field(default=1, gt=0)
    context_tokens: int = Field(gt=0)
    concurrency: int = Field(default=1, gt=0)
    """Full-length sequences whose KV cache must fit at once."""
    gpu_memory_utilization: float = Field(default=GPU_MEMORY_UTILIZATION, gt=0, le=1)
    """Share of the memory that CUDA reports as total: the card's, or the MIG instance's."""
    extra_bytes: int = Field(default=0, ge=0)
    """Weights that every device holds besides the model's: LoRA adapters, a draft model."""
    mig_profile: str | None = None
    gpu_share: float | None = None

    @property
    def gpus_per_replica(self) -> int:
        """Devices per replica."""
        return self.tensor_parallel * self.pipeline_parallel * self.data_parallel

    @property
    def gpus(self) -> int:
        """Devices of all replicas."""
        return self.gpus_per_replica * self.replicas

    def device(self, pool: Pool) -> Device:
        """The kind of device it takes; the pool must have the MIG profile that it names."""
        first = next(
            device for device in pool.devices if self.mig_profile in (None, device.profile)
        )
        return narrowed(first, self.gpu_share) if self.gpu_share else first

    def fit(
        self, pool: Pool, tensor_parallel: int | None = None, dtype: WeightDtype | None = None
    ) -> Fit:
        """Its fit on the pool's devices; *tensor_parallel* and *dtype* override its own.

        An engine takes a share of the memory it sees: the whole card's, unless MIG divides it.
        """
        visible = _Visible(memory_bytes=self.device(pool).visible_bytes)
        return fit(
            self.model,
            visible,
            dtype=dtype or self.dtype,
            kv_dtype=self.kv_dtype,
            tensor_parallel=tensor_parallel or self.tensor_parallel,
            pipeline_parallel=self.pipeline_parallel,
            data_parallel=self.data_parallel,
            expert_parallel=self.expert_parallel,
            context_tokens=self.context_tokens,
            concurrency=self.concurrency,
            extra_bytes=self.extra_bytes,
            gpu_memory_utilization=self.gpu_memory_utilization,
        )


class _Visible(Model):
    memory_bytes: int


class CapacityProblem(Model):
    """A problem of a model on its pool, or of a whole pool."""

    code: ProblemCode
    problem: Problem
