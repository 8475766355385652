"""A model that is not in the catalog, from its config.json."""

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Final, cast

from pydantic import ValidationError

from base.problems import Problem
from catalog.architecture import Architecture
from catalog.models import Checkpoint, Family, ModelSpec, Task, WeightDtype
from sizing.hf_architecture import architecture
from sizing.hf_fields import ConfigUnreadableError, Fields
from sizing.hf_quantization import stored_bits, stored_dtype
from sizing.hf_types import CLASSES, TYPES, Code
from sizing.hf_unread import judge
from sizing.hf_vision import tower_parameters
from sizing.parameters import mtp_parameters, parameters

_QUANTIZED_NAME: Final = re.compile(r"nvfp4|mxfp4|fp8|awq|gptq|int[48]|w4a16|w8a8")
_TEXT: Final = ("text_config", "llm_config", "language_config")


def model_from_config(
    config: Mapping[str, object],
    name: str,
    index: Mapping[str, object] | None = None,
    quantization: Mapping[str, object] | None = None,
) -> ModelSpec:
    """The model that a Hugging Face `config.json` describes, with *name* as key and title.

    *index* is its `model.safetensors.index.json`, whose `metadata.total_size` is the size of the
    weights; without one they are computed tensor by tensor. *quantization* is the
    `hf_quant_config.json` that NVIDIA's checkpoints have beside a config.json that may not say how
    they are quantized. Raises ConfigUnreadableError with
    every field that is missing, wrong, not supported or not known.
    """
    problems: list[Problem] = []
    where = next((key for key in _TEXT if isinstance(config.get(key), Mapping)), None)
    stated = cast("Mapping[str, object]", config[where]) if where else config
    kind, code = _code(stated, f"{where}." if where else "", problems)
    if quantization and not config.get("quantization_config"):
        config = {**config, "quantization_config": _of_modelopt(quantization)}
    outer = Fields(config, "", problems, {} if where else code.defaults)
    text = outer.child(where, code.defaults) if where else outer
    notes: list[str] = []
    stored = stored_dtype(outer, text)
    dtype = stored.dtype
    shape = architecture(text, outer, kind, code)
    tower = tower_parameters(outer, text.number("hidden_size", "n_embd", "d_model"), notes)
    notes += _left_out(outer) if where else ()
    outer.problems.extend(judge(outer, code.harmless))
    if outer.problems:
        raise ConfigUnreadableError(name, outer.problems)
    arch = _coherent(shape, text, name)
    bits, strange = stored_bits(arch, stored)
    published = _total_size(index)
    served: WeightDtype = "bf16" if dtype == "fp32" else dtype
    return ModelSpec(
        key=name,
        title=name,
        license="see its model card",
        task=_task(outer, arch),
        family=_family(arch, tower),
        parameters=parameters(arch).total + tower,
        unquantized_parameters=tower or None,
        dtype=dtype,
        stored_bits=bits,
        serve_dtype=served,
        checkpoints={
            served: Checkpoint(
                repository=name,
                published_bytes=published,
                source="metadata.total_size of model.safetensors.index.json" if published else None,
            )
        },
        architecture=arch,
        notes=[*notes, *stored.notes, *strange, *_named_otherwise(name, dtype), *_notes(arch)],
        sources=[f"config.json of {name}"],
    )


def _of_modelopt(file: Mapping[str, object]) -> dict[str, object]:
    """The quantization_config that an hf_quant_config.json stands for."""
    own = file.get("quantization")
    values = cast("Mapping[str, object]", own) if isinstance(own, Mapping) else file
    return {**values, "quant_method": "modelopt"}


def _code(stated: Mapping[str, object], where: str, problems: list[Problem]) -> tuple[str, Code]:
    """The type of the text model and what its code has; records an unknown type as a problem."""
    kind = str(stated.get("model_type"))
    if kind in TYPES:
        return kind, TYPES[kind]
    classes = stated.get("architectures")
    for name in classes if isinstance(classes, list) else ():
        if isinstance(name, str) and name in CLASSES:
            return CLASSES[name], TYPES[CLASSES[name]]
    near = ", ".join(difflib.get_close_matches(kind, TYPES, n=3))
    problems.append(
        Problem(
            f"{where}model_type",
            kind[:60] if "model_type" in stated else "missing",
            f"a type whose code is known{f', such as {near}' if near else ''}",
            "Its code may have parts that no key tells of: size it by the engine's own start-up"
            " log, or add it to sizing/hf_types.py.",
        )
    )
    return kind, Code()


def _left_out(outer: Fields) -> Iterator[str]:
    """Name the parts beside the text model that are not counted, such as an audio tower."""
    for key in outer.open_keys():
        if key.endswith("_config") and isinstance(outer.value(key), Mapping):
            outer.ignore(key)
            yield f"text model only: {key} is left out"


def _coherent(shape: Mapping[str, object], text: Fields, name: str) -> Architecture:
    """The Architecture of this shape. Raises ConfigUnreadableError where its parts disagree."""
    try:
        return Architecture.model_validate(shape)
    except ValidationError as error:
        for detail in error.errors():
            text.wrong(".".join(map(str, detail["loc"])) or "config", detail["msg"], "coherent")
        raise ConfigUnreadableError(name, text.problems) from None


def _named_otherwise(name: str, dtype: WeightDtype) -> Iterator[str]:
    """What the name promises and the file does not say: NVIDIA's copies may lack the key."""
    if (found := _QUANTIZED_NAME.search(name.lower())) and dtype in ("bf16", "fp16", "fp32"):
        yield (
            f"the name says {found[0]} and config.json no quantization: weights are counted as"
            f" {dtype}, an upper bound; hf_quant_config.json beside it, or --index, tells"
        )


def _notes(arch: Architecture) -> Iterator[str]:
    if further := mtp_parameters(arch):
        yield (
            f"{further / 1e9:.2f} billion of the parameters are for multi-token prediction, which"
            " is loaded for speculative decoding only"
        )


def _task(outer: Fields, arch: Architecture) -> Task:
    classes = " ".join(str(name) for name in outer.items("architectures"))
    if "SequenceClassification" in classes:
        return "rerank"
    return "embed" if arch.attention == "encoder" else "chat"


def _family(arch: Architecture, tower: int) -> Family:
    if arch.attention == "encoder":
        return "encoder"
    if arch.experts:
        return "moe"
    return "multimodal" if tower else "dense"


def _total_size(index: Mapping[str, object] | None) -> int | None:
    """`metadata.total_size`, which some writers store as a float."""
    size = Fields(index or {}, "", []).child("metadata").value("total_size")
    return round(size) if isinstance(size, int | float) and 0 < size < math.inf else None
