"""Models: where their weights are, how large they are, and what their KV cache costs."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from base.model import Model
from catalog.architecture import Architecture
from catalog.load import find, read_entries

WeightDtype = Literal[
    "fp32", "bf16", "fp16", "fp8", "int8", "int4", "mxfp4", "nvfp4", "q8_0", "q4_k_m"
]
"""How weights are stored and served. `int4` stands for AWQ and GPTQ with groups of 128; `q8_0` and
`q4_k_m` are GGUF files, for llama.cpp and Ollama. `sizing.weights` has the bits of each."""

Task = Literal["chat", "reasoning", "code", "embed", "rerank", "transcribe", "speak", "image"]

Family = Literal["dense", "moe", "multimodal", "encoder", "speech", "diffusion"]


class Checkpoint(Model):
    """One published set of weights of a model."""

    repository: str
    """Repository on the hub, `organisation/name`."""
    revision: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")
    """The 40-hex commit; empty where it could not be looked up. An empty one is not deployable
    as it is: a stack pins it (a branch name moves under the feet of whoever verified it)."""
    safetensors: bool = True
    """Whether the repository carries safetensors; False means other files (pickle, GGUF, ONNX)."""
    file: str | None = None
    """The one file to take of the repository, such as a GGUF; None: the whole set."""
    beside: list[str] = Field(default=[])
    """What belongs to `file` and is taken with it, such as the configuration of a voice."""
    published_bytes: int | None = Field(default=None, gt=0)
    """Bytes of the weights as published: `metadata.total_size` of the safetensors index, or the
    size of the file."""
    source: str | None = None
    """Where `published_bytes` was read."""

    @model_validator(mode="after")
    def _says_where_its_size_was_read(self) -> "Checkpoint":
        if (self.published_bytes is None) != (self.source is None):
            msg = "published_bytes and source go together"
            raise ValueError(msg)
        return self


class ModelSpec(Model):
    """A model of the catalog."""

    key: str
    """Short id, used in a stack's YAML."""
    title: str
    license: str
    """SPDX id, or the licence's own name where it has none."""
    gated: bool = False
    """Whether the hub wants an accepted licence and a token to download."""
    task: Task
    family: Family
    parameters: int = Field(gt=0)
    """All parameters, as the checkpoint's safetensors header counts them."""
    active_parameters: int | None = Field(default=None, gt=0)
    """Parameters that take part in one token; None where all do."""
    unquantized_parameters: int | None = Field(default=None, ge=0)
    """Parameters that quantized checkpoints keep at 16 bits (vision tower and the like, besides
    embeddings and output head, which are counted from the architecture). None means 0."""
    dtype: WeightDtype
    """Type of the weights in the checkpoint's main repository."""
    serve_dtype: WeightDtype
    """Type the weights are served in when nothing is quantized (vLLM's `--dtype auto` serves FP32
    checkpoints at 16 bits)."""
    checkpoints: dict[WeightDtype, Checkpoint] = Field(min_length=1)
    """Published weights, by the type they are served in."""
    architecture: Architecture | None = None
    """The shape of a token model; None for speech and images, which have `working_bytes`."""
    working_bytes: int | None = Field(default=None, gt=0)
    """Speech and images: memory beside the weights while one request is at work, as `sources`
    says; None for token models, whose need follows from `architecture`."""
    tool_parser: str | None = None
    """vLLM `--tool-call-parser`; None where the model does not call tools."""
    reasoning_parser: str | None = None
    """vLLM `--reasoning-parser`; None where the model does not reason aloud."""
    placeholder: bool = False
    """The repository is private or not published: the stack must name one of its own, and the
    architecture here is an assumption to check against its config.json."""
    sources: list[str] = Field(min_length=1)
    """Where each number comes from."""

    @property
    def token_architecture(self) -> Architecture:
        """The shape of a token model; raises ValueError for speech and images."""
        if self.architecture is None:
            msg = f"{self.key} is a {self.family} model: it has no token architecture"
            raise ValueError(msg)
        return self.architecture

    @model_validator(mode="after")
    def _serves_something(self) -> "ModelSpec":
        if self.serve_dtype not in self.checkpoints:
            msg = f"no checkpoint for serve_dtype {self.serve_dtype}"
            raise ValueError(msg)
        if (self.architecture is None) == (self.working_bytes is None):
            msg = "either architecture or working_bytes describes a model"
            raise ValueError(msg)
        return self


@cache
def models() -> Mapping[str, ModelSpec]:
    """Every model of the catalog, by key."""
    return read_entries("models.yaml", ModelSpec)


def model(key: str) -> ModelSpec:
    """The model with this key, or an UnknownEntryError that names the nearest."""
    return find("model", "models.yaml", models(), key)
