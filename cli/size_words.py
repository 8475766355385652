"""People's words for models, GPUs and types: any case, hub names, the nearest name if misspelt."""

import difflib
import re
from collections.abc import Mapping
from typing import Final, NoReturn, TypeVar

from base.problems import Problem
from catalog.gpus import GpuSpec, gpus
from catalog.models import ModelSpec, WeightDtype, models
from cli.errors import UsageError
from sizing.memory import KvDtype

T = TypeVar("T")

_WEIGHTS: Final[Mapping[str, WeightDtype]] = {
    "fp32": "fp32",
    "float32": "fp32",
    "float": "fp32",
    "bf16": "bf16",
    "bfloat16": "bf16",
    "fp16": "fp16",
    "float16": "fp16",
    "half": "fp16",
    "fp8": "fp8",
    "float8": "fp8",
    "fp8_e4m3": "fp8",
    "fp8_e4m3fn": "fp8",
    "float8_e4m3fn": "fp8",
    "fp8_e5m2": "fp8",
    "w8a8": "int8",
    "int8": "int8",
    "int4": "int4",
    "w4a16": "int4",
    "awq": "int4",
    "gptq": "int4",
    "mxfp4": "mxfp4",
    "nvfp4": "nvfp4",
    "q8_0": "q8_0",
    "q8": "q8_0",
    "q4_k_m": "q4_k_m",
    "q4": "q4_k_m",
}
_CACHE: Final[Mapping[str, KvDtype]] = {
    "auto": "auto",
    "bf16": "auto",
    "bfloat16": "auto",
    "fp16": "auto",
    "float16": "auto",
    "half": "auto",
    "fp8": "fp8",
    "fp8_e4m3": "fp8",
    "fp8_e4m3fn": "fp8",
    "fp8_e5m2": "fp8",
    "float8_e4m3fn": "fp8",
    "q8_0": "q8_0",
}
_SUFFIX: Final = re.compile(
    r"[-_](fp8(?:-dynamic|-block)?|nvfp4|mxfp4|awq|gptq(?:-int[48])?|int[48]|w4a16|w8a8|bf16)$"
)
"""What hub names end in that have other weights than the model's main repository."""

_OF_SUFFIX: Final[Mapping[str, WeightDtype]] = {"fp8-dynamic": "fp8", "fp8-block": "fp8"} | {
    f"gptq-{dtype}": dtype for dtype in ("int4", "int8")
}


def catalog_model(name: str) -> tuple[ModelSpec, WeightDtype | None] | None:
    """The model that *name* means and the type of weights that it asks for; None: not known.

    A key, or a repository of the hub with or without its organization; in any case, and with a
    suffix such as `-FP8` for weights that the catalog has under another name.
    """
    wanted = name.strip().lower().replace(":", "-")
    if (spec := models().get(wanted)) is not None:
        return spec, None
    if found := _repository(wanted):
        return found
    suffix = _SUFFIX.search(wanted)
    if suffix and (found := catalog_model(wanted[: suffix.start()])):
        spec, word = found[0], suffix.group(1)
        dtype = _OF_SUFFIX.get(word) or _WEIGHTS[word]
        return (spec, dtype) if dtype in spec.checkpoints else None
    return None


def _repository(wanted: str) -> tuple[ModelSpec, WeightDtype | None] | None:
    for spec in models().values():
        for dtype, checkpoint in spec.checkpoints.items():
            known = checkpoint.repository.lower()
            if wanted == known or ("/" not in wanted and wanted == known.partition("/")[2]):
                return spec, None if dtype == spec.serve_dtype else dtype
    return None


def refuse_model(name: str) -> NoReturn:
    """Refuse *name*, which is neither in the catalog nor a name of the hub."""
    known = [*models(), *(c.repository for m in models().values() for c in m.checkpoints.values())]
    nearest = difflib.get_close_matches(name.lower(), [word.lower() for word in known], n=1)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    change = f"{hint}`pai models list` has every key; --config takes any model's config.json."
    _refuse("MODEL", name, "a key or repository of the catalog, or ORGANIZATION/NAME", change)


def gpu_of(name: str) -> GpuSpec:
    """The GPU that *name* means: a key or product in any case, or a family with one key."""
    known, wanted = gpus(), _letters(name)
    for key, gpu in known.items():
        if wanted in (_letters(key), _letters(gpu.product)):
            return gpu
    family = [key for key in known if _letters(key.rpartition("-")[0]) == wanted]
    if len(family) == 1:
        return known[family[0]]
    if family:
        _refuse("--gpu", name, f"one of {', '.join(family)}", "say which")
    nearest = _nearest(wanted, {_letters(key): key for key in known})
    return _refuse("--gpu", name, f"one of {', '.join(known)}", nearest or "use one of these")


def weight_dtype(word: str) -> WeightDtype:
    """The type of weights that *word* means."""
    return _word("--dtype", word, _WEIGHTS)


def kv_dtype(word: str) -> KvDtype:
    """The type of the KV cache that *word* means; `auto` is the model's 16 bits."""
    return _word("--kv-dtype", word, _CACHE)


def _word(option: str, word: str, known: Mapping[str, T]) -> T:
    wanted = word.strip().lower().replace("-", "_")
    if wanted in known:
        return known[wanted]
    allowed = ", ".join(dict.fromkeys(str(value) for value in known.values()))
    return _refuse(
        option, word, allowed, _nearest(wanted, {key: key for key in known}) or "use one"
    )


def _letters(name: str) -> str:
    """*name* without its vendor, socket, case and punctuation."""
    return re.sub(r"^(nvidia|amd)|sxm\d?|[^a-z0-9]", "", name.lower())


def _nearest(wanted: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(wanted, known, n=1, cutoff=0.5)
    return f"Did you mean {known[near[0]]!r}?" if near else ""


def _refuse(path: str, got: str, allowed: str, change: str) -> NoReturn:
    raise UsageError(Problem(path, got, allowed, change)) from None
