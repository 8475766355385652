"""Models: where their weights are, how large they are, and what their KV cache costs."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field, model_validator

from catalog.load import find, read_entries
from config.base import Model

WeightDtype = Literal["fp32", "bf16", "fp16", "fp8", "int8", "int4"]
"""How weights are stored and served. `int4` stands for AWQ and GPTQ with groups of 128."""

Attention = Literal["gqa", "mla", "encoder"]
"""`gqa`: keys and values per KV head (multi-head is kv_heads = heads, multi-query kv_heads = 1);
`mla`: one compressed latent per token; `encoder`: bidirectional, so no KV cache at all."""

Task = Literal["chat", "reasoning", "code", "embed", "rerank"]

Family = Literal["dense", "moe", "multimodal", "encoder"]


class Architecture(Model):
    """The numbers of a model's own config.json that decide its memory."""

    attention: Attention = "gqa"
    layers: int = Field(gt=0)
    """num_hidden_layers."""
    hidden: int = Field(gt=0)
    """hidden_size."""
    intermediate: int = Field(gt=0)
    """intermediate_size; of one expert (moe_intermediate_size) where there are experts."""
    heads: int = Field(gt=0)
    """num_attention_heads."""
    kv_heads: int = Field(gt=0)
    """num_key_value_heads."""
    head_dim: int = Field(gt=0)
    """head_dim, or hidden_size / num_attention_heads where config.json has none."""
    vocab: int = Field(gt=0)
    """vocab_size."""
    tied_embeddings: bool = False
    """tie_word_embeddings: input and output embeddings are one matrix."""
    experts: int = Field(default=0, ge=0)
    """num_experts (n_routed_experts); 0 for a dense model."""
    experts_per_token: int = Field(default=0, ge=0)
    """num_experts_per_tok; 0 for a dense model."""
    kv_lora_rank: int = Field(default=0, ge=0)
    """MLA only: rank of the compressed keys and values."""
    qk_rope_head_dim: int = Field(default=0, ge=0)
    """MLA only: width of the rotary part of the key, shared by all heads."""
    max_context: int = Field(gt=0)
    """Longest context in tokens that config.json allows without rope scaling of our own."""

    @model_validator(mode="after")
    def _attention_is_described(self) -> "Architecture":
        if (self.attention == "mla") != (self.kv_lora_rank > 0 and self.qk_rope_head_dim > 0):
            msg = "kv_lora_rank and qk_rope_head_dim are given for attention: mla, and only for it"
            raise ValueError(msg)
        if self.heads % self.kv_heads:
            msg = f"kv_heads {self.kv_heads} does not divide heads {self.heads}"
            raise ValueError(msg)
        return self


class Checkpoint(Model):
    """One published set of weights of a model."""

    repository: str
    """Repository on the hub, `organisation/name`."""
    revision: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")
    """The 40-hex commit; empty where it could not be looked up. An empty one is not deployable
    as it is: a stack pins it (a branch name moves under the feet of whoever verified it)."""
    safetensors: bool = True
    """Whether the repository carries safetensors; False means pickle files only."""


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
    unquantised_parameters: int | None = Field(default=None, ge=0)
    """Parameters that quantised checkpoints keep at 16 bits (vision tower and the like, besides
    embeddings and output head, which are counted from the architecture). None means 0."""
    dtype: WeightDtype
    """Type of the weights in the checkpoint's main repository."""
    serve_dtype: WeightDtype
    """Type the weights are served in when nothing is quantised (vLLM's `--dtype auto` serves FP32
    checkpoints at 16 bits)."""
    checkpoints: dict[WeightDtype, Checkpoint] = Field(min_length=1)
    """Published weights, by the type they are served in."""
    architecture: Architecture
    tool_parser: str | None = None
    """vLLM `--tool-call-parser`; None where the model does not call tools."""
    reasoning_parser: str | None = None
    """vLLM `--reasoning-parser`; None where the model does not reason aloud."""
    placeholder: bool = False
    """The repository is private or not published: the stack must name one of its own, and the
    architecture here is an assumption to check against its config.json."""
    sources: list[str] = Field(min_length=1)
    """Where each number comes from."""

    @model_validator(mode="after")
    def _serves_something(self) -> "ModelSpec":
        if self.serve_dtype not in self.checkpoints:
            msg = f"no checkpoint for serve_dtype {self.serve_dtype}"
            raise ValueError(msg)
        return self


@cache
def models() -> Mapping[str, ModelSpec]:
    """Every model of the catalog, by key."""
    return read_entries("models.yaml", ModelSpec)


def model(key: str) -> ModelSpec:
    """The model with this key, or an UnknownEntryError that names the nearest."""
    return find("model", "models.yaml", models(), key)
