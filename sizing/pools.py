"""What `sizing.capacity` is asked about, and how it says what is wrong."""

from typing import Literal

from pydantic import Field

from base.model import Model
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
        """GPUs of all its nodes."""
        return self.nodes * self.gpus_per_node

    @property
    def devices(self) -> list[Device]:
        """What each node offers, one entry a kind."""
        return devices(self.gpu, self.gpus_per_node, self.sharing)

    @property
    def noun(self) -> str:
        """What several of its devices are called."""
        return "GPUs" if self.sharing.mode == "exclusive" else "parts of GPUs"


class Service(Model):
    """One model service: what it serves, how it is cut, and what it promises."""

    name: str
    model: ModelSpec
    pool: str
    """Name of the pool it runs on."""
    dtype: WeightDtype | None = None
    """None: the model's own."""
    kv_dtype: KvDtype = "auto"
    tp: int = Field(default=1, gt=0)
    pp: int = Field(default=1, gt=0)
    dp: int = Field(default=1, gt=0)
    ep: bool = False
    """Whether each GPU holds whole experts."""
    replicas: int = Field(default=1, gt=0)
    context_tokens: int = Field(gt=0)
    concurrency: int = Field(default=1, gt=0)
    """Full-length sequences whose KV cache must fit at once."""
    gpu_memory_utilization: float = Field(default=GPU_MEMORY_UTILIZATION, gt=0, le=1)
    """Share of what CUDA calls the total of a device: of the card, unless MIG cuts it."""
    extra_bytes: int = Field(default=0, ge=0)
    """Of weights that every device holds besides the model's: of adapters, of a draft."""
    mig_profile: str | None = None
    gpu_share: float | None = None

    @property
    def gpus_per_replica(self) -> int:
        """Devices that one replica holds."""
        return self.tp * self.pp * self.dp

    @property
    def gpus(self) -> int:
        """Devices that all replicas hold."""
        return self.gpus_per_replica * self.replicas

    def device(self, pool: Pool) -> Device:
        """The kind of device that it takes; the pool must have the profile that it names."""
        first = next(
            device for device in pool.devices if self.mig_profile in (None, device.profile)
        )
        return narrowed(first, self.gpu_share) if self.gpu_share else first

    def fit(self, pool: Pool, tp: int | None = None, dtype: WeightDtype | None = None) -> Fit:
        """How it sits on the pool's devices, with its own *tp* and *dtype* unless others are given.

        An engine takes a share of what it sees, and it sees the whole card unless hardware cuts it.
        """
        visible = _Visible(memory_bytes=self.device(pool).visible_bytes)
        return fit(
            self.model,
            visible,
            dtype=dtype or self.dtype,
            kv_dtype=self.kv_dtype,
            tp=tp or self.tp,
            pp=self.pp,
            dp=self.dp,
            ep=self.ep,
            context_tokens=self.context_tokens,
            concurrency=self.concurrency,
            extra_bytes=self.extra_bytes,
            gpu_memory_utilization=self.gpu_memory_utilization,
        )


class _Visible(Model):
    memory_bytes: int


class Problem(Model):
    """One thing wrong, in the parts of a four-part error; the caller adds the path of the field."""

    code: ProblemCode
    subject: Literal["service", "pool"]
    name: str
    """Which service or pool."""
    field: str
    """Which of its fields to point at, as this module names them."""
    got: str
    allowed: str
    change: str
