"""The projections of a model under the names that a quantization_config calls them by."""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from catalog.architecture import Architecture
from catalog.attention import LinearAttention

Part = Literal["embeddings", "attention", "replicated", "mlp", "experts"]
"""Groups of `sizing.parameters` that a checkpoint may quantize."""


class Module(NamedTuple):
    """A projection, or all of a layer that are treated alike."""

    name: str
    """As `layers.0.self_attn.q_proj`, in canonical words."""
    part: Part
    parameters: int


_WORDS: Final = (
    (re.compile(r"^.*?(?=\blayers\.)"), ""),
    (re.compile(r"\b(block_sparse_moe|feed_forward|ffn|moe)\b"), "mlp"),
    (re.compile(r"\bshared_experts\b"), "shared_expert"),
    (re.compile(r"\b(attn|attention|mixer|mamba)\b"), "self_attn"),
    (re.compile(r"^(language_model\.)?(model\.)?(language_model\.)?(?=lm_head|embed_tokens)"), ""),
)
"""Other words for the same: prefixes of multimodal models, names of older code."""

_NEVER_QUANTIZED: Final = re.compile(
    r"norm|gate$|gate\b(?!_proj)|router|conv1d|conv|bias|vision|visual|projector|mtp|embed|lm_head"
    r"|patch|A_log|dt_proj|audio|head|indexers?_proj|weights_proj|merger|enorm|eh_proj|in_proj_[ab]"
)
"""Words of modules that have 16 bits in any checkpoint, or are not part of the text model."""


def canonical(name: str) -> str:
    """*name* in the words of `modules`."""
    for pattern, word in _WORDS:
        name = pattern.sub(word, name)
    return name


class Patterns:
    """Names of modules as quantization_config lists them: parents, globs, `re:` expressions."""

    def __init__(self, listed: Iterable[str]) -> None:
        self._names: dict[str, str] = {}
        prefixes: dict[str, str] = {}
        expressions: list[str] = []
        for entry in listed:
            if entry.startswith("re:"):
                expressions.append(entry[3:])
            elif "*" not in entry:
                self._names[canonical(entry)] = entry
            elif entry.index("*") == len(entry) - 1:
                prefixes[canonical(entry[:-1])] = entry
            else:
                expressions.append(fnmatch.translate(canonical(entry)).replace(r"\Z", r"(\..*)?$"))
        self._prefixes = tuple(prefixes)
        self._expressions = [each for each in map(_compiled, expressions) if each]
        self.unreadable = [text for text in expressions if not _compiled(text)]

    def __contains__(self, name: str) -> bool:
        """Whether the module *name* is listed: itself, a parent of it, or the end of its name."""
        steps = name.split(".")
        parts = {".".join(steps[:end]) for end in range(1, len(steps) + 1)}
        parts |= {".".join(steps[start:]) for start in range(len(steps))}
        if not parts.isdisjoint(self._names) or name.startswith(self._prefixes):
            return True
        spelled = (
            name,
            f"model.{name}",
            f"{name}.",
            name.replace("shared_expert.", "shared_experts."),
        )
        return any(each.match(text) for each in self._expressions for text in spelled)

    def strange(self, modules: Sequence[Module]) -> list[str]:
        """Names listed that are of no module of the model, nor of one that is never quantized."""
        known = {
            ".".join(steps[:end])
            for steps in (module.name.split(".") for module in modules)
            for end in range(1, len(steps) + 1)
        }
        return [
            entry
            for name, entry in self._names.items()
            if name not in known and not _NEVER_QUANTIZED.search(name)
        ]


def _compiled(text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text)
    except re.error:
        return None


def modules(arch: Architecture) -> Iterator[Module]:
    """Every projection of the text model; a layer's experts count as one module."""
    table = arch.vocab * arch.hidden
    yield Module("embed_tokens", "embeddings", table)
    if not arch.tied_embeddings:
        yield Module("lm_head", "embeddings", table)
    kinds = arch.layer_kinds + "F" * arch.mtp_layers
    own_mlps = "M" in arch.layer_kinds
    dense = set(range(arch.dense_layers if arch.experts else 0))
    for layer, kind in enumerate(kinds):
        where = f"layers.{layer}"
        if kind in "FSH":
            yield from _attention(arch, f"{where}.self_attn", windowed=kind == "S")
        if kind in "LH" and arch.linear:
            yield from _linear(arch, arch.linear, where)
        if kind == "M" or not own_mlps or layer >= arch.layers:
            yield from _mlp(
                arch, f"{where}.{'self_attn' if kind == 'M' else 'mlp'}", dense=layer in dense
            )


def _attention(arch: Architecture, where: str, *, windowed: bool) -> Iterator[Module]:
    own, hidden = arch.heads_of("S" if windowed else "F"), arch.hidden
    if arch.attention == "mla":
        query = own.heads * (own.head_dim + arch.qk_rope_head_dim)
        if arch.q_lora_rank:
            yield Module(f"{where}.q_a_proj", "replicated", hidden * arch.q_lora_rank)
            yield Module(f"{where}.q_b_proj", "attention", arch.q_lora_rank * query)
        else:
            yield Module(f"{where}.q_proj", "attention", hidden * query)
        latent = arch.kv_lora_rank + arch.qk_rope_head_dim
        yield Module(f"{where}.kv_a_proj_with_mqa", "replicated", hidden * latent)
        values = own.heads * (own.head_dim + own.v_head_dim)
        yield Module(f"{where}.kv_b_proj", "attention", arch.kv_lora_rank * values)
    else:
        gates = 2 if arch.gated_attention else 1
        yield Module(f"{where}.q_proj", "attention", hidden * own.heads * own.head_dim * gates)
        yield Module(f"{where}.k_proj", "attention", hidden * own.kv_heads * own.head_dim)
        if windowed or not arch.values_are_keys:
            yield Module(f"{where}.v_proj", "attention", hidden * own.kv_heads * own.v_head_dim)
    yield Module(f"{where}.o_proj", "attention", hidden * own.heads * own.v_head_dim)
    if arch.index:
        width = arch.index.heads * arch.index.head_dim
        yield Module(f"{where}.indexer.wq_b", "replicated", (arch.q_lora_rank or hidden) * width)
        yield Module(f"{where}.indexer.wk", "replicated", hidden * arch.index.head_dim)


def _linear(arch: Architecture, linear: LinearAttention, where: str) -> Iterator[Module]:
    inner, keys = linear.inner, linear.keys
    if linear.kind == "deltanet":
        at = f"{where}.linear_attn"
        yield Module(f"{at}.in_proj_qkv", "attention", arch.hidden * (inner + 2 * keys))
        yield Module(f"{at}.in_proj_z", "attention", arch.hidden * inner)
        yield Module(f"{at}.out_proj", "attention", arch.hidden * inner)
    else:
        at = f"{where}.self_attn"
        yield Module(f"{at}.in_proj", "attention", arch.hidden * (2 * inner + 2 * keys))
        yield Module(f"{at}.out_proj", "attention", arch.hidden * inner)


def _mlp(arch: Architecture, where: str, *, dense: bool) -> Iterator[Module]:
    matrices = ("gate_proj", "up_proj", "down_proj") if arch.gated_mlp else ("up_proj", "down_proj")
    if not arch.experts or dense:
        width = arch.dense_intermediate if arch.experts else arch.intermediate
        for matrix in matrices:
            yield Module(f"{where}.{matrix}", "mlp", arch.hidden * width)
        return
    for matrix in matrices:
        one = (arch.expert_hidden or arch.hidden) * arch.intermediate
        yield Module(f"{where}.experts.0.{matrix}", "experts", arch.experts * one)
        if arch.shared_intermediate:
            shared = arch.hidden * arch.shared_intermediate
            yield Module(f"{where}.shared_expert.{matrix}", "mlp", shared)
    if arch.expert_hidden:
        latent = arch.hidden * arch.expert_hidden
        yield Module(f"{where}.fc1_latent_proj", "mlp", latent)
        yield Module(f"{where}.fc2_latent_proj", "mlp", latent)
