"""Settings of the models: their weights, GPUs and engines."""

from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from base.model import Model
from base.quantity import Compute, Resources
from base.words import Words
from catalog.load import UnknownEntryError
from catalog.models import Checkpoint, ModelSpec, WeightDtype, model, models
from config.settings.autoscaling import MOST_REQUESTS, AutoscalingSettings
from config.settings.engines import Engine
from config.settings.keys import PoolName
from config.settings.router import LONGEST_ANSWER
from config.settings.vllm import (
    COMMIT,
    QUANTIZED,
    HubFiles,
    Repository,
    Sha256Digests,
    VllmSettings,
)
from sizing.memory import KvDtype, weights_bytes

_SERVER = Resources(
    requests=Compute(cpu="4", memory="24Gi", ephemeral_storage="4Gi"),
    limits=Compute(cpu="16", memory="64Gi", ephemeral_storage="24Gi"),
)
"""An assumption to measure: a worker process holds a few GiB of host memory, weights pass through
the page cache (which the kernel takes back), and compiled kernels fill the caches on disk."""


_MIG_PROFILE = Words(r"[0-9]+g\.[0-9]+gb", "a MIG profile such as 2g.20gb", 20)
_MIN_CONTEXT = 256
"""Shortest useful context, tokens; an assumption."""


_MOST_TOKENS = 100_000_000
"""Ten times the longest context that is published, the 10 million of Llama 4 Scout."""


class ModelSettings(Model):
    """Settings that every model has: its weights, its GPUs, and the load it must hold."""

    model: str = Field(
        description="The model, a key of catalog/models.yaml.",
        json_schema_extra=lambda schema: schema.update(enum=[*models()]),
    )
    dtype: WeightDtype | None = Field(
        default=None,
        description="Type of the published weights to serve; default: the model's own.",
    )
    repository: Repository | None = Field(
        default=None,
        description="Repository on the hub instead of the catalog's, `organization/name`.",
    )
    revision: str | None = Field(
        default=None,
        description="Commit of the repository, 40 hexadecimal digits, instead of the catalog's.",
    )
    sha256: Sha256Digests = Field(
        default={},
        description="The files to download with their SHA-256 digests; empty: the weights and their"
        " configuration, checked against the hub's digests.",
    )
    engine: Engine = Field(default="vllm", description="The inference engine.")
    pool: PoolName = Field(
        description="The GPU pool that it runs on, a key of `pools`.",
        examples=["h200", "h100", "l40s"],
    )
    gpu_share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share of its GPU on an MPS pool, where less than the equal share; MPS enforces"
        " it for memory and processors.",
    )
    mig_profile: Annotated[str, _MIG_PROFILE] | None = Field(
        default=None,
        description="MIG profile to run on, where its pool has several, such as 2g.20gb.",
    )
    replicas: int = Field(default=1, ge=1, le=64, description="Number of servers.")
    autoscaling: AutoscalingSettings | None = Field(
        default=None, description="Bounds between which KEDA scales, instead of `replicas`."
    )
    tensor_parallel: int = Field(default=1, ge=1, le=16, description="GPUs that share each layer.")
    pipeline_parallel: int = Field(
        default=1, ge=1, le=16, description="Pipeline stages, among which the layers are divided."
    )

    concurrency: int = Field(
        default=1,
        ge=1,
        le=MOST_REQUESTS,
        description="Requests of the full context whose KV cache must fit at once; the preview"
        " refuses a model that cannot hold them.",
    )
    max_sequences: int = Field(
        default=256,
        ge=1,
        le=MOST_REQUESTS,
        description="Requests of any length that run at once; further ones are queued.",
    )
    gpu_memory_utilization: float = Field(
        default=0.9,
        gt=0,
        le=0.98,
        description="Share of each GPU's memory that the engine takes: of the whole card, even if"
        " pods share it by time-slicing or MPS; of the instance under MIG.",
    )
    kv_cache_dtype: KvDtype = Field(
        default="auto", description="Type of the KV cache: the model's 16 bits, or 8 bits."
    )
    drain_seconds: int = Field(
        default=120,
        ge=0,
        le=LONGEST_ANSWER,
        description="Time for a terminating server to finish its requests, seconds.",
    )
    resources: Resources = Field(
        default=_SERVER,
        description="CPU, memory and disk of a server; shared memory for its GPUs is added.",
    )
    vllm: VllmSettings = Field(default=VllmSettings(), description="Options of vLLM.")

    @field_validator("model")
    @classmethod
    def _is_in_the_catalog(cls, key: str) -> str:
        try:
            return model(key).key
        except UnknownEntryError as error:
            raise ValueError(error.expected) from None

    @field_validator("dtype")
    @classmethod
    def _is_published(cls, dtype: WeightDtype | None, info: ValidationInfo) -> WeightDtype | None:
        spec = _spec(info)
        if spec and dtype and dtype not in spec.checkpoints:
            message = f"one of {', '.join(spec.checkpoints)}: the published types of {spec.key}"
            raise ValueError(message)
        return dtype

    @field_validator("repository")
    @classmethod
    def _is_known(cls, repository: str | None, info: ValidationInfo) -> str | None:
        spec = _spec(info)
        if spec and spec.placeholder and repository is None:
            message = f"the repository of your hub that holds {spec.title}, which is not public"
            raise ValueError(message)
        return repository

    @field_validator("revision")
    @classmethod
    def _is_a_commit(cls, revision: str | None, info: ValidationInfo) -> str | None:
        spec = _spec(info)
        if revision is not None:
            if COMMIT.match(revision):
                return revision
            message = "a commit of 40 hexadecimal digits: branches and tags move"
            raise _unpinned(message, spec, info)
        if spec is None or "dtype" not in info.data or "repository" not in info.data:
            return None  # their own problems are reported already
        published = spec.checkpoints[info.data["dtype"] or spec.serve_dtype]
        if info.data["repository"] is not None or not published.revision:
            repository = info.data["repository"] or published.repository
            message = f"the commit of {repository} to deploy, 40 hexadecimal digits; none is known"
            raise _unpinned(message, spec, info)
        return None

    @property
    def spec(self) -> ModelSpec:
        """The catalog's entry of the model."""
        return model(self.model)

    @property
    def task(self) -> Literal["chat", "embed", "rerank", "transcribe", "speak", "image"]:
        """The API it serves: reasoning and code models are chat models too."""
        task = self.spec.task
        return "chat" if task in ("reasoning", "code") else task

    @property
    def served_dtype(self) -> WeightDtype:
        """The type of the served weights."""
        return self.dtype or self.spec.serve_dtype

    @property
    def checkpoint(self) -> Checkpoint:
        """The repository and commit to deploy."""
        published = self.spec.checkpoints[self.served_dtype]
        return Checkpoint(
            repository=self.repository or published.repository,
            revision=self.revision or published.revision,
            # Nothing is known of a custom repository: it must have safetensors.
            safetensors=published.safetensors or self.repository is not None,
            file=None if self.repository else published.file,
            companion_files=[] if self.repository else published.companion_files,
        )

    @property
    def stored_bytes(self) -> int:
        """Size of the weights on disk, bytes; they may be stored wider than they are served."""
        spec = self.spec
        stored = spec.dtype if self.served_dtype == spec.serve_dtype else self.served_dtype
        return weights_bytes(spec, stored)

    @property
    def served_spec(self) -> ModelSpec:
        """The catalog's entry, with the context that rope scaling extends."""
        spec, scaling = self.spec, self.vllm.rope_scaling
        if scaling is None or spec.architecture is None:
            return spec
        extended = spec.architecture.model_copy(update={"max_context": scaling.max_context})
        return spec.model_copy(update={"architecture": extended})

    @property
    def loaded_dtype(self) -> WeightDtype:
        """The type of the weights on the GPU, after online quantization."""
        online = self.vllm.quantization
        return QUANTIZED[online] if online else self.served_dtype

    @property
    def extra_files(self) -> Mapping[str, HubFiles]:
        """Weights to store besides the model's own: a draft model and LoRA adapters."""
        speculation = self.vllm.speculation
        draft = {"draft": speculation.draft} if speculation and speculation.draft else {}
        return {**draft, **{f"adapter-{name}": a for name, a in self.vllm.adapters.items()}}

    @property
    def extra_bytes(self) -> int:
        """Most memory that those take on a GPU: vLLM pads every adapter to the largest rank."""
        adapters = list(self.vllm.adapters.values())
        rank = max((adapter.rank for adapter in adapters), default=1)
        padded = sum(-(-adapter.stored_bytes * rank // adapter.rank) for adapter in adapters)
        draft = self.extra_files.get("draft")
        return padded + (draft.stored_bytes if draft else 0)

    @property
    def gpus(self) -> int:
        """GPUs per replica."""
        return self.tensor_parallel * self.pipeline_parallel * self.vllm.data_parallel

    @property
    def max_replicas(self) -> int:
        """Most servers at once, with the prefill servers."""
        servers = self.autoscaling.max if self.autoscaling else self.replicas
        return servers + self.vllm.prefill_replicas

    def hosts(self, gpus_per_node: int) -> int:
        """Nodes that one replica spans, on a pool with *gpus_per_node* GPUs per node."""
        return -(-self.gpus // gpus_per_node)


class TokenModelSettings(ModelSettings):
    """One model: its weights, its GPUs, and the load it must hold."""

    context_tokens: int = Field(
        le=_MOST_TOKENS,
        description="Longest prompt and answer together, tokens; at least 256. Speech and image"
        " models have none.",
    )

    @field_validator("context_tokens")
    @classmethod
    def _is_long_enough(cls, tokens: int) -> int:
        if tokens < _MIN_CONTEXT:
            message = f"at least {_MIN_CONTEXT}: longest prompt and answer together, tokens"
            raise ValueError(message)
        return tokens


class MediaModelSettings(ModelSettings):
    """One model of speech or images, which has no context."""


def token_settings(name: str, settings: ModelSettings) -> TokenModelSettings:
    """*settings* of model *name*, for an engine of token models only.

    Raises TypeError for speech and images, whose engines `config.checks.engines` prescribes.
    """
    if not isinstance(settings, TokenModelSettings):
        message = f"models.{name} is not a token model"
        raise TypeError(message)
    return settings


def _kind(settings: object) -> Literal["tokens", "media"]:
    """The kind of model that *settings* name; tokens where they name none of the catalog."""
    if isinstance(settings, ModelSettings):
        return "media" if isinstance(settings, MediaModelSettings) else "tokens"
    key = (
        cast("Mapping[str, object]", settings).get("model")
        if isinstance(settings, Mapping)
        else None
    )
    spec = models().get(str(key))
    return "media" if spec and spec.architecture is None else "tokens"


AnyModelSettings = Annotated[
    Annotated[TokenModelSettings, Tag("tokens")] | Annotated[MediaModelSettings, Tag("media")],
    Discriminator(_kind),
]
"""The settings of one model, of the kind that its catalog entry decides."""


def _spec(info: ValidationInfo) -> ModelSpec | None:
    """The model of the settings being validated; None where its name is wrong."""
    key = info.data.get("model")
    return model(key) if key else None


def _unpinned(message: str, spec: ModelSpec | None, info: ValidationInfo) -> Exception:
    """The error for a revision that is no commit, with the command that finds one."""
    stack = (info.context or {}).get("stack", "STACK")
    command = f"pai models pin {spec.key if spec else 'MODEL'} --stack {stack}"
    # The message is a template of pydantic's; names may hold braces no more than a commit.
    return PydanticCustomError(
        "unpinned", "{message}", {"message": message, "change": f"Run: {command}"}
    )
