"""Settings of the models: which weights, on which GPUs, served how."""

import re
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from catalog.load import UnknownEntryError
from catalog.models import Checkpoint, ModelSpec, WeightDtype, model
from config.base import Model
from config.engines import Engine
from config.quantity import Compute, Resources
from sizing.memory import KvDtype, weights_bytes

_REPOSITORY = r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$"
_COMMIT = re.compile(r"^[0-9a-f]{40}$")
_SHA256 = r"^[0-9a-f]{64}$"

_SERVER = Resources(
    requests=Compute(cpu="4", memory="24Gi", ephemeral_storage="4Gi"),
    limits=Compute(cpu="16", memory="64Gi", ephemeral_storage="24Gi"),
)
"""An assumption to measure: a worker process holds a few GiB of host memory, weights pass through
the page cache (which the kernel takes back), and compiled kernels fill the caches on disk."""


class ModelSettings(Model):
    """One model: which weights, on which GPUs, with which promises."""

    model: str = Field(description="The model, as catalog/models.yaml calls it.")
    dtype: WeightDtype | None = Field(
        default=None,
        description="Which of its published weights; none takes the model's own type.",
    )
    repository: str | None = Field(
        default=None,
        pattern=_REPOSITORY,
        description="Repository on the hub instead of the catalog's, `organisation/name`.",
    )
    revision: str | None = Field(
        default=None,
        description="Commit of the repository, 40 hexadecimal digits, instead of the catalog's.",
    )
    sha256: dict[str, Annotated[str, Field(pattern=_SHA256)]] = Field(
        default={},
        description="The files to take and what each must hash to; empty takes the weights and"
        " what belongs to them, and believes the hub's own sums.",
    )
    engine: Engine = Field(default="vllm", description="The program that serves it.")
    pool: str = Field(description="The GPU pool that it runs on.")
    replicas: int = Field(default=1, ge=1, le=64, description="Equal servers, each whole.")
    tensor_parallel: int = Field(default=1, ge=1, le=16, description="GPUs that share each layer.")
    pipeline_parallel: int = Field(
        default=1, ge=1, le=16, description="Groups of GPUs that share out the layers."
    )
    context_tokens: int = Field(ge=256, description="Longest prompt and answer together, tokens.")
    concurrency: int = Field(
        default=1,
        ge=1,
        description="Requests of the full context whose KV cache must fit at once; the preview"
        " refuses a model that cannot hold them.",
    )
    max_sequences: int = Field(
        default=256,
        ge=1,
        description="Requests of any length that run at once; the rest wait in a queue.",
    )
    gpu_memory_utilization: float = Field(
        default=0.9, gt=0, le=0.98, description="Share of each GPU's memory that the engine takes."
    )
    kv_cache_dtype: KvDtype = Field(
        default="auto", description="Type of the KV cache: the model's 16 bits, or half of that."
    )
    drain_seconds: int = Field(
        default=120, ge=0, description="How long a stopping server goes on answering, seconds."
    )
    resources: Resources = Field(
        default=_SERVER,
        description="CPU, memory and disk of a server; shared memory for its GPUs is added.",
    )

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
            message = f"one of {', '.join(spec.checkpoints)}: what is published of {spec.key}"
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
        if revision is not None:
            if _COMMIT.match(revision):
                return revision
            message = "a commit of 40 hexadecimal digits: branches and tags move"
            raise ValueError(message)
        spec = _spec(info)
        if spec is None or "dtype" not in info.data or "repository" not in info.data:
            return None  # what is wrong with those is said already
        published = spec.checkpoints[info.data["dtype"] or spec.serve_dtype]
        if info.data["repository"] is not None or not published.revision:
            repository = info.data["repository"] or published.repository
            message = f"the commit of {repository} to deploy, 40 hexadecimal digits; none is known"
            raise ValueError(message)
        return None

    @property
    def spec(self) -> ModelSpec:
        """The catalog's entry of the model."""
        return model(self.model)

    @property
    def task(self) -> Literal["chat", "embed", "rerank"]:
        """How it is asked: reasoning and code models answer chats too."""
        task = self.spec.task
        return task if task in ("embed", "rerank") else "chat"

    @property
    def served_dtype(self) -> WeightDtype:
        """The type of the weights that are served."""
        return self.dtype or self.spec.serve_dtype

    @property
    def checkpoint(self) -> Checkpoint:
        """The repository and commit that are deployed."""
        published = self.spec.checkpoints[self.served_dtype]
        return Checkpoint(
            repository=self.repository or published.repository,
            revision=self.revision or published.revision,
            # Of a repository of one's own nothing is known: it must carry safetensors.
            safetensors=published.safetensors or self.repository is not None,
        )

    @property
    def stored_bytes(self) -> int:
        """Size of the weights on disk, bytes; they may be stored wider than they are served."""
        spec = self.spec
        stored = spec.dtype if self.served_dtype == spec.serve_dtype else self.served_dtype
        return weights_bytes(spec, stored)

    @property
    def gpus(self) -> int:
        """GPUs of one replica."""
        return self.tensor_parallel * self.pipeline_parallel


def _spec(info: ValidationInfo) -> ModelSpec | None:
    """The model that the fields so far name; none where that itself is wrong."""
    key = info.data.get("model")
    return model(key) if key else None
