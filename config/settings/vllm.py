"""Settings of vLLM beyond those that every engine has.

`config.checks.vllm` refuses combinations that vLLM forbids, before anything is created.
"""

import json
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from base.cidrs import Cidr
from base.model import Model
from base.names import Host
from base.quantity import Memory, amount_of_bytes, parse
from base.words import Words
from catalog.models import Checkpoint, WeightDtype
from config.settings.keys import AdapterName, FileName
from config.settings.vllm_parsers import ReasoningParser, ToolParser

Repository = Annotated[
    str,
    Words(
        "[A-Za-z0-9][-A-Za-z0-9_.]*/[A-Za-z0-9][-A-Za-z0-9_.]*",
        "a repository such as organization/name",
        200,
    ),
]
"""A repository of the hub."""
COMMIT = re.compile(r"[0-9a-f]{40}\Z", re.ASCII)
_DIGEST = Words("[0-9a-f]{64}", "a SHA-256 digest, 64 hexadecimal digits", 64)

_MAX_DIGESTS = 100_000
"""Bytes of all names and digests of a model. They are one argument of a container, of which Linux
takes 128 KiB (MAX_ARG_STRLEN, https://man7.org/linux/man-pages/man2/execve.2.html); about 1000
files of Hugging Face's names."""


def _fit_into_an_argument(digests: dict[str, str]) -> dict[str, str]:
    if len(json.dumps(digests)) > _MAX_DIGESTS:
        message = f"at most {_MAX_DIGESTS} bytes of names and digests:"
        message += " they are one argument of a container"
        raise ValueError(message)
    return digests


Sha256Digests = Annotated[
    dict[FileName, Annotated[str, _DIGEST]], AfterValidator(_fit_into_an_argument)
]
"""SHA-256 by the name of the file."""

OnlineQuantization = Literal[
    "fp8_per_tensor",
    "fp8_per_channel",
    "fp8_per_block",
    "mxfp8",
    "int8_per_channel_weight_only",
]
"""Quantization of 16-bit weights while vLLM loads them: the 8-bit names of
`vllm.config.quantization._ONLINE_SHORTHANDS`."""

QUANTIZED: dict[OnlineQuantization, WeightDtype] = {
    "fp8_per_tensor": "fp8",
    "fp8_per_channel": "fp8",
    "fp8_per_block": "fp8",
    "mxfp8": "fp8",
    "int8_per_channel_weight_only": "int8",
}
"""The type by which the weights are then sized, without scales (at most one per 32 weights)."""

DraftMethod = Literal["ngram", "mtp", "eagle", "eagle3", "draft_model"]
_TRAINED: frozenset[DraftMethod] = frozenset({"eagle", "eagle3", "draft_model"})
"""The methods that need their own weights."""


class HubFiles(Model):
    """Weights besides the model's own: a repository of the hub at one commit."""

    repository: Repository = Field(description="Repository on the hub, `organization/name`.")
    revision: str = Field(description="Its commit, 40 hexadecimal digits: branches and tags move.")
    sha256: Sha256Digests = Field(
        default={},
        description="The files to download with their SHA-256 digests; empty: the weights and their"
        " configuration, checked against the hub's digests.",
    )
    size: Memory = Field(description="Size of its weights, bytes.")

    @field_validator("revision")
    @classmethod
    def _is_a_commit(cls, revision: str) -> str:
        if COMMIT.match(revision) is None:
            message = "a commit of 40 hexadecimal digits: branches and tags move"
            raise ValueError(message)
        return revision

    @property
    def checkpoint(self) -> Checkpoint:
        """The repository and commit; safetensors, since no other kind is taken."""
        return Checkpoint(repository=self.repository, revision=self.revision)

    @property
    def stored_bytes(self) -> int:
        """Size of the weights on disk, bytes."""
        return int(parse(self.size))


class Adapter(HubFiles):
    """A LoRA adapter, which has its own served name and shares the model's GPUs."""

    rank: Literal[1, 8, 16, 32, 64, 128, 256, 320, 512] = Field(
        description="Its rank, as in its adapter_config.json; memory is reserved for the largest."
    )


class Speculation(Model):
    """Speculative decoding: drafts tokens and verifies them in one step; faster, same answers."""

    method: DraftMethod = Field(
        description="Drafting method: `ngram` looks up the last tokens in the prompt, `mtp` uses"
        " the model's own multi-token prediction layers, the others need their own weights."
    )
    tokens: int = Field(ge=1, le=32, description="Draft tokens per step.")
    lookup_tokens: int = Field(
        default=4, ge=1, le=16, description="`ngram`: longest sequence to look up, tokens."
    )
    draft: HubFiles | None = Field(
        default=None, description="The weights of `eagle`, `eagle3` and `draft_model`."
    )

    @model_validator(mode="after")
    def _weights_go_with_the_method(self) -> Self:
        trained = ", ".join(sorted(_TRAINED))
        if self.method in _TRAINED and self.draft is None:
            message = f"with `draft`, the weights that method {self.method} needs"
            raise ValueError(message)
        if self.method not in _TRAINED and self.draft is not None:
            message = f"without `draft`, which only the methods {trained} use"
            raise ValueError(message)
        return self


class RopeScaling(Model):
    """YaRN: extends the context beyond the length that the model was trained on."""

    factor: float = Field(gt=1, le=64, description="Factor of the extension.")
    original_tokens: int = Field(
        ge=256, le=100_000_000, description="Trained context, tokens (max_position_embeddings)."
    )
    theta: float = Field(
        gt=0,
        le=1e12,
        description="rope_theta of its config.json, which the override would otherwise drop.",
    )

    @property
    def max_context(self) -> int:
        """The extended context, tokens."""
        return int(self.factor * self.original_tokens)


class KvOffload(Model):
    """Offloads KV cache that is evicted from the GPU to host memory, and loads it back."""

    backend: Literal["native", "lmcache"] = Field(
        default="native", description="vLLM's own offloading, or LMCache in its process."
    )
    size: Annotated[str, amount_of_bytes("1Gi")] = Field(
        description="Host memory per server, for all its GPUs together, bytes; it is added to the"
        " server's memory request."
    )


class Media(Model):
    """Hosts from which a multimodal model may fetch images by URL; none by default."""

    domains: list[Host] = Field(
        min_length=1, description="Allowed host names of a URL; redirects are not followed."
    )
    cidrs: list[Cidr] = Field(
        min_length=1, description="CIDRs of those hosts, the only ones that the servers may reach."
    )
    port: int = Field(default=443, ge=1, le=65535, description="TCP port of those hosts.")


_RESOURCE = Words(
    r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?",
    "an extended resource such as rdma/hca",
    100,
)
_CARDS = Words("[-A-Za-z0-9_.=^:,]+", "names of cards such as mlx5_0,mlx5_1", 500)


class Rdma(Model):
    """RDMA network cards over which servers exchange tensors; without them they use TCP."""

    resource: Annotated[str, _RESOURCE] = Field(
        description="Extended resource of the cards' device plugin, such as `rdma/hca`.",
    )
    count: int = Field(default=1, ge=1, le=16, description="Cards per pod.")
    hca: Annotated[str, _CARDS] = Field(
        description="Cards that NCCL uses (NCCL_IB_HCA), such as `mlx5`."
    )
    gid_index: int | None = Field(
        default=None, ge=0, le=255, description="RoCE only: index of the GID (NCCL_IB_GID_INDEX)."
    )


class VllmSettings(Model):
    """Options of a model's vLLM servers."""

    quantization: OnlineQuantization | None = Field(
        default=None, description="Online quantization of 16-bit weights while they are loaded."
    )
    prefix_caching: bool = Field(
        default=True, description="Whether prompts with a common prefix share its KV cache."
    )
    chunked_prefill: bool = Field(
        default=True,
        description="Whether long prompts are prefilled in chunks, between the decode steps of"
        " other requests.",
    )
    max_batched_tokens: int | None = Field(
        default=None,
        ge=256,
        le=10_000_000,
        description="Tokens per step, of all requests: more improve TTFT and throughput, fewer the"
        " inter-token latency. None: vLLM's default for the GPU.",
    )
    speculation: Speculation | None = Field(default=None, description="Speculative decoding.")
    tool_parser: ToolParser | Literal["none"] | None = Field(
        default=None, description="Parser of tool calls; default: the catalog's."
    )
    reasoning_parser: ReasoningParser | Literal["none"] | None = Field(
        default=None, description="Parser of reasoning output; default: the catalog's."
    )
    structured_outputs: Literal["auto", "xgrammar", "guidance", "outlines"] = Field(
        default="auto", description="Backend of structured outputs, for requests with a schema."
    )
    rope_scaling: RopeScaling | None = Field(
        default=None, description="YaRN, for a longer context than the model was trained on."
    )
    adapters: dict[AdapterName, Adapter] = Field(
        default={}, description="LoRA adapters, by served name."
    )
    data_parallel: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Data-parallel ranks of a mixture-of-experts model, which replicate attention"
        " and share the experts; each takes tensor_parallel GPUs.",
    )
    expert_parallel: bool = Field(
        default=False,
        description="Whether each GPU holds whole experts instead of a slice of every expert.",
    )
    kv_offload: KvOffload | None = Field(
        default=None, description="Offloading of the KV cache to host memory."
    )
    prefill_replicas: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Prefill servers, which hand the KV cache to the decode servers (disaggregated"
        " serving); with 0 every server does both.",
    )
    routing: Literal["round-robin", "prefix-aware"] = Field(
        default="round-robin",
        description="Routing of requests to servers: in turn, or to one that has the prompt's"
        " prefix cached and is not busy.",
    )
    media: Media | None = Field(
        default=None, description="Hosts from which images may be fetched by URL."
    )
    rdma: Rdma | None = Field(
        default=None, description="RDMA network cards for traffic between servers."
    )
