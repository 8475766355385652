"""Models: the location and size of their weights, and the architecture that sizes the KV cache."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from base.model import Model
from catalog.architecture import Architecture
from catalog.load import find, read_entries
from weights.files import FileSelection

WeightDtype = Literal[
    "fp32", "bf16", "fp16", "fp8", "int8", "int4", "mxfp4", "nvfp4", "q8_0", "q4_k_m"
]
"""The type in which weights are stored and served. `int4` stands for AWQ and GPTQ with groups of
128; `q8_0` and `q4_k_m` are GGUF files, for llama.cpp and Ollama. `sizing.weights` has the bits."""

Task = Literal["chat", "reasoning", "code", "embed", "rerank", "transcribe", "speak", "image"]

Family = Literal["dense", "moe", "multimodal", "encoder", "speech", "diffusion"]


_OTHER_WEIGHTS = ("pytorch_model*.bin", "model.bin")
"""What a checkpoint without safetensors may consist of: PyTorch's pickles, CTranslate2's format."""


class Checkpoint(Model):
    """One published set of weights of a model."""

    repository: str
    """Repository on the hub, `organization/name`."""
    revision: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")
    """The 40-hex commit; empty where it could not be looked up. A stack must then pin one itself,
    since a branch may move after its files were verified."""
    safetensors: bool = True
    """Whether the repository has safetensors; False means other files (pickle, GGUF, ONNX)."""
    file: str | None = None
    """The one file to download from the repository, such as a GGUF; None: all weights."""
    companion_files: list[str] = Field(default=[])
    """Files to download with `file`, such as the configuration of a voice."""
    published_bytes: int | None = Field(default=None, gt=0)
    """Bytes of the weights as published: `metadata.total_size` of the safetensors index, or the
    size of the file."""
    source: str | None = None
    """Source of `published_bytes`."""

    def selection(self, sha256: Mapping[str, str] | None = None) -> FileSelection:
        """The files to download; *sha256* are the digests by which a stack names them."""
        only = [self.file, *self.companion_files] if self.file else []
        return FileSelection(only, [] if self.safetensors else _OTHER_WEIGHTS, sha256 or {})

    @model_validator(mode="after")
    def _says_where_its_size_was_read(self) -> "Checkpoint":
        if (self.published_bytes is None) != (self.source is None):
            msg = "published_bytes and source go together"
            raise ValueError(msg)
        return self


class StoredBits(Model):
    """Average bits of a checkpoint's weights with their scales, by group of `sizing.parameters`."""

    embeddings: float = Field(default=16, gt=0)
    attention: float = Field(default=16, gt=0)
    replicated: float = Field(default=16, gt=0)
    mlp: float = Field(default=16, gt=0)
    experts: float = Field(default=16, gt=0)


class ModelSpec(Model):
    """A model of the catalog."""

    key: str
    """Short id used in a stack's YAML."""
    title: str
    license: str
    """SPDX id, or the license's own name where it has none."""
    gated: bool = False
    """Whether the hub requires an accepted license and a token to download."""
    task: Task
    family: Family
    parameters: int = Field(gt=0)
    """All parameters, as the checkpoint's safetensors header counts them."""
    active_parameters: int | None = Field(default=None, gt=0)
    """Parameters used per token; None where all are."""
    unquantized_parameters: int | None = Field(default=None, ge=0)
    """Parameters that quantized checkpoints keep at 16 bits, such as a vision tower; embeddings and
    output head are counted from the architecture. None means 0."""
    dtype: WeightDtype
    """Type of the weights in the model's main repository."""
    stored_bits: StoredBits | None = None
    """Bits of the weights in that repository, where its config.json says which modules are
    quantized; None: what a checkpoint of this type usually quantizes (`sizing.weights`)."""
    serve_dtype: WeightDtype
    """Type in which those weights are served (vLLM's `--dtype auto` serves FP32 checkpoints at 16
    bits)."""
    checkpoints: dict[WeightDtype, Checkpoint] = Field(min_length=1)
    """Published weights, by the type they are served in."""
    architecture: Architecture | None = None
    """The shape of a token model; None for speech and images, which have `working_bytes`."""
    working_bytes: int | None = Field(default=None, gt=0)
    """Speech and images: memory besides the weights while one request is processed; None for token
    models, whose need follows from `architecture`."""
    tool_parser: str | None = None
    """vLLM `--tool-call-parser`; None where the model does not call tools."""
    reasoning_parser: str | None = None
    """vLLM `--reasoning-parser`; None where the model has no reasoning output."""
    placeholder: bool = False
    """Whether the repository is private or not published: the stack must name its own, and the
    architecture here is an assumption to check against its config.json."""
    notes: list[str] = Field(default=[])
    """What its size leaves out or assumes."""
    sources: list[str] = Field(min_length=1)
    """Source of each number."""

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
    """The model with this key. Raises UnknownEntryError, which names the nearest."""
    return find("model", "models.yaml", models(), key)
