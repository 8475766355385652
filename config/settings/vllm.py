"""Settings of vLLM: what one of its servers does beyond serving a model as it is.

What vLLM itself forbids together is refused by `config.vllm_checks`, before anything is created.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from base.cidrs import Cidr
from base.model import Model
from base.quantity import Quantity, parse
from catalog.models import Checkpoint, WeightDtype
from config.settings.vllm_parsers import ReasoningParser, ToolParser

REPOSITORY = r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$"
COMMIT = re.compile(r"^[0-9a-f]{40}$")
SHA256 = r"^[0-9a-f]{64}$"
_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

OnlineQuantization = Literal[
    "fp8_per_tensor",
    "fp8_per_channel",
    "fp8_per_block",
    "mxfp8",
    "int8_per_channel_weight_only",
]
"""What vLLM makes of 16-bit weights while it loads them: of the names in
`vllm.config.quantization._ONLINE_SHORTHANDS`, those of 8 bits."""

QUANTIZED: dict[OnlineQuantization, WeightDtype] = {
    "fp8_per_tensor": "fp8",
    "fp8_per_channel": "fp8",
    "fp8_per_block": "fp8",
    "mxfp8": "fp8",
    "int8_per_channel_weight_only": "int8",
}
"""What the weights then weigh on the GPU; one scale for 32 weights, at most, is not counted."""

DraftMethod = Literal["ngram", "mtp", "eagle", "eagle3", "draft_model"]
_TRAINED: frozenset[DraftMethod] = frozenset({"eagle", "eagle3", "draft_model"})
"""The methods that need weights of their own."""


class HubFiles(Model):
    """Weights besides the model's own: a repository of the hub at one commit."""

    repository: str = Field(
        pattern=REPOSITORY, description="Repository on the hub, `organisation/name`."
    )
    revision: str = Field(description="Its commit, 40 hexadecimal digits: branches and tags move.")
    sha256: dict[str, Annotated[str, Field(pattern=SHA256)]] = Field(
        default={},
        description="The files to take and what each must hash to; empty takes the weights and"
        " what belongs to them, and believes the hub's own sums.",
    )
    size: Quantity = Field(description="Size of its weights, bytes.")

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
    """A LoRA adapter: users ask for it by its own name, and it shares the model's GPUs."""

    rank: Literal[1, 8, 16, 32, 64, 128, 256, 320, 512] = Field(
        description="Its rank, as its adapter_config.json says; the largest sets what is reserved."
    )


class Speculation(Model):
    """Guesses some tokens ahead and lets the model check them all at once: faster, same answers."""

    method: DraftMethod = Field(
        description="Who guesses: `ngram` looks the last words up in the prompt, `mtp` uses the"
        " model's own prediction layers, the others have weights of their own."
    )
    tokens: int = Field(ge=1, le=32, description="Tokens guessed at a time.")
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
            message = f"with `draft`, the weights that method {self.method} guesses with"
            raise ValueError(message)
        if self.method not in _TRAINED and self.draft is not None:
            message = f"without `draft`, which only the methods {trained} have"
            raise ValueError(message)
        return self


class RopeScaling(Model):
    """YaRN: stretches a model's positions over more tokens than it was trained on."""

    factor: float = Field(gt=1, le=64, description="How many times longer.")
    original_tokens: int = Field(
        ge=256, description="The context it was trained on, tokens (max_position_embeddings)."
    )
    theta: float = Field(
        gt=0, description="rope_theta of its config.json, which the override would otherwise drop."
    )

    @property
    def max_context(self) -> int:
        """The longest context that it then takes, tokens."""
        return int(self.factor * self.original_tokens)


class KvOffload(Model):
    """Keeps the KV cache of prompts that leave the GPU in the host's memory, and takes it back."""

    backend: Literal["native", "lmcache"] = Field(
        default="native", description="Who keeps it: vLLM itself, or LMCache inside its process."
    )
    size: Quantity = Field(
        description="Memory for it, bytes, of all GPUs of a server together; it is added to what"
        " the server asks for."
    )

    @field_validator("size")
    @classmethod
    def _is_worth_it(cls, size: str) -> str:
        if parse(size) < 2**30:
            message = "at least 1Gi"
            raise ValueError(message)
        return size


class Media(Model):
    """Whence a multimodal model may fetch pictures that a user gives by URL; by default nowhere."""

    domains: list[Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]] = Field(
        min_length=1, description="Host names that a URL may have; redirects are not followed."
    )
    cidrs: list[Cidr] = Field(
        min_length=1, description="Addresses of those hosts, all that the servers may reach."
    )
    port: int = Field(default=443, ge=1, le=65535, description="TCP port of those hosts.")


class Rdma(Model):
    """The network cards that servers exchange tensors over; without them it is TCP."""

    resource: str = Field(
        pattern=r"^[a-z0-9.-]+/[A-Za-z0-9._-]+$",
        description="What the device plugin of the cards calls them, such as `rdma/hca`.",
    )
    count: int = Field(default=1, ge=1, le=16, description="Cards of one pod.")
    hca: str = Field(
        pattern=r"^[\w.=^:,-]+$", description="Which cards NCCL uses (NCCL_IB_HCA), as `mlx5`."
    )
    gid_index: int | None = Field(
        default=None, ge=0, le=255, description="RoCE only: the cards' GID (NCCL_IB_GID_INDEX)."
    )


class VllmSettings(Model):
    """What a vLLM server does beyond serving the model as it is."""

    quantization: OnlineQuantization | None = Field(
        default=None, description="How it quantizes 16-bit weights while it loads them."
    )
    prefix_caching: bool = Field(
        default=True, description="Whether the KV cache of a prompt serves the next that begins so."
    )
    chunked_prefill: bool = Field(
        default=True, description="Whether long prompts are read in pieces between others' answers."
    )
    max_batched_tokens: int | None = Field(
        default=None,
        ge=256,
        description="Tokens of one step, of all requests; more reads prompts faster, fewer answers"
        " more evenly. None takes vLLM's own for the GPU.",
    )
    speculation: Speculation | None = Field(default=None, description="Speculative decoding.")
    tool_parser: ToolParser | Literal["none"] | None = Field(
        default=None, description="Reads calls of tools; none given takes the catalog's."
    )
    reasoning_parser: ReasoningParser | Literal["none"] | None = Field(
        default=None, description="Tells thoughts from the answer; none given takes the catalog's."
    )
    structured_outputs: Literal["auto", "xgrammar", "guidance", "outlines"] = Field(
        default="auto", description="What holds answers to a schema when a request has one."
    )
    rope_scaling: RopeScaling | None = Field(
        default=None, description="YaRN, for more context than the model was trained on."
    )
    adapters: dict[Annotated[str, Field(pattern=_NAME, max_length=40)], Adapter] = Field(
        default={}, description="LoRA adapters, by the name that users ask for."
    )
    data_parallel: int = Field(
        default=1,
        ge=1,
        le=16,
        description="Copies of the attention layers of a mixture of experts, which share its"
        " experts; each takes GPUs as tensor_parallel says.",
    )
    expert_parallel: bool = Field(
        default=False, description="Whether each GPU holds whole experts instead of a cut of all."
    )
    kv_offload: KvOffload | None = Field(
        default=None, description="A second KV cache in the host's memory."
    )
    prefill_replicas: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Servers that only read prompts and hand the KV cache to the others, which"
        " then only write; 0 lets every server do both.",
    )
    routing: Literal["round-robin", "prefix-aware"] = Field(
        default="round-robin",
        description="Which server gets a request: the next, or the one that has read its"
        " beginning already and is not busy.",
    )
    media: Media | None = Field(
        default=None, description="Whence pictures given by URL may be fetched."
    )
    rdma: Rdma | None = Field(
        default=None, description="Cards for what servers say to one another."
    )
