"""The table of the models: `python -m sizing.reference > docs/reference/models.md`."""

import sys
from collections.abc import Iterable, Iterator
from typing import Final

from catalog.architecture import Architecture
from catalog.models import ModelSpec, models
from sizing.kv import kv_bytes, kv_bytes_per_token
from sizing.parameters import parameters
from sizing.weights import computed_weights_bytes

_LONG: Final = 131_072
"""Context for which the table shows the KV cache, tokens."""

_INTRODUCTION: Final = """# Models

<!-- Generated from catalog/models.yaml by `python -m sizing.reference`; change that instead. -->

Every model of the catalog: its computed size against the published one. GB are 10⁹ bytes.
[Sizing](../explanation/sizing.md) explains the computation; the numbers come from each model's own
`config.json`, and the sources of the sizes are at the end.

## Weights

*summed*: parameters, tensor by tensor, from the architecture. *counted*: as in the checkpoint's
header; the difference is vectors that `config.json` does not describe, or a vision tower (listed
separately). *computed* and *published*: bytes of the checkpoint of each type.
"""

_CACHE: Final = f"""## KV cache

At 16 bits, on one GPU. *per token* counts every layer that caches; layers with a window stop at
it, and linear layers hold a state of constant size instead, so the last column is the cache of one
whole sequence of {_LONG:,} tokens. During prefill, vLLM lets windowed layers hold up to two batches
more (vllm/v1/kv_cache_interface.py of 0.33.0): the fit counts that for one sequence, this table
does not.
"""

_SOURCES: Final = "## Sources\n"


def render() -> str:
    """The page, in Markdown."""
    specs = list(models().values())
    lines = [
        _INTRODUCTION,
        "| model | summed | counted | checkpoint | computed GB | published GB | difference |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: |",
        *(row for spec in specs for row in _weights(spec)),
        "",
        _CACHE,
        "| model | attention | layers | KV heads x width | B per token | GB of one sequence |",
        "| --- | --- | --- | --- | ---: | ---: |",
        *(_cache(spec, spec.architecture) for spec in specs if spec.architecture),
        "",
        _SOURCES,
        *(row for spec in specs for row in _sources(spec)),
        "",
    ]
    return "\n".join(lines)


def _weights(spec: ModelSpec) -> Iterator[str]:
    tower = spec.unquantized_parameters
    total = parameters(spec.architecture).total if spec.architecture else None
    summed = "" if total is None else f"{total:,}{f' + {tower:,}' if tower else ''}"
    for dtype, checkpoint in spec.checkpoints.items():
        stored = spec.dtype if dtype == spec.serve_dtype else dtype
        computed, published = computed_weights_bytes(spec, stored), checkpoint.published_bytes
        yield _row(
            f"`{spec.key}`",
            summed,
            f"{spec.parameters:,}",
            f"{stored} `{checkpoint.repository}`",
            f"{computed / 1e9:.2f}",
            f"{published / 1e9:.2f}" if published else "not found",
            f"{computed / published - 1:+.2%}" if published else "",
        )


def _cache(spec: ModelSpec, arch: Architecture) -> str:
    return _row(
        f"`{spec.key}`",
        _attention(arch),
        _layers(arch),
        f"{arch.kv_lora_rank} + {arch.qk_rope_head_dim}"
        if arch.attention == "mla"
        else f"{arch.kv_heads} x {arch.head_dim}",
        f"{kv_bytes_per_token(arch):,}",
        f"{kv_bytes(arch, _LONG) / 1e9:.2f}"
        if arch.max_context >= _LONG
        else f"{arch.max_context:,} at most",
    )


def _attention(arch: Architecture) -> str:
    """The usual name of the attention."""
    if arch.attention == "encoder":
        return "encoder: no cache"
    if arch.attention == "mla":
        return "MLA"
    heads = {1: "multi-query", arch.heads: "multi-head"}.get(arch.kv_heads, "grouped-query")
    return f"{heads}, hybrid" if arch.linear else heads


def _layers(arch: Architecture) -> str:
    names = {
        "F": "full",
        "S": f"with a window of {arch.window:,}",
        "L": arch.linear.kind if arch.linear else "",
        "H": f"full beside {arch.linear.kind}" if arch.linear else "",
        "M": "with experts only" if arch.experts else "with an MLP only",
    }
    counts = ((arch.layer_kinds.count(kind), name) for kind, name in names.items())
    return ", ".join(f"{count} {name}" for count, name in counts if count)


def _sources(spec: ModelSpec) -> Iterable[str]:
    yield f"### {spec.title}\n"
    yield from (f"- {source}" for source in spec.sources)
    for dtype, checkpoint in spec.checkpoints.items():
        if checkpoint.source:
            yield f"- {dtype}, {checkpoint.published_bytes:,} bytes: {checkpoint.source}"
    yield ""


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.stdout.write(render())
