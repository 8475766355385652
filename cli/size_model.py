"""The model that `pai size` is asked about, and the context to size it for."""

import json
from pathlib import Path
from typing import Any, NoReturn

from base.problems import Problem
from catalog.models import ModelSpec, WeightDtype
from cli.errors import UsageError
from cli.size_hub import Place, from_hub
from cli.size_words import catalog_model, refuse_model
from sizing.hf_config import model_from_config
from sizing.hf_fields import ConfigUnreadableError

DEFAULT_CONTEXT = 32768
"""Tokens, if the model supports as many: long enough for documents."""


def asked_model(
    name: str | None, config: Path | None, index: Path | None, place: Place
) -> tuple[ModelSpec, WeightDtype | None]:
    """The model, from the catalog, a config.json or the hub; the type of weights that it names."""
    if index and not config:
        allowed = "an index together with --config: the catalog has the sizes of its models"
        refuse("--index", str(index), allowed, "add --config, or remove --index")
    if bool(name) == bool(config):
        got = "both MODEL and --config" if name else "neither MODEL nor --config"
        change = "name a model, or pass its config.json"
        refuse("MODEL", got, "exactly one of the two", change)
    if config:
        return _from_file(config, index), None
    name = name or ""
    if (found := None if place.explicit else catalog_model(name)) is not None:
        return found
    if name.count("/") != 1:
        refuse_model(name)
    return from_hub(name, place), None


def _from_file(config: Path, index: Path | None) -> ModelSpec:
    """The model of a config.json, under the name that the file has for it."""
    content = _json(config)
    called = content.get("_name_or_path")
    name = called if isinstance(called, str) and called else config.name.removesuffix(".json")
    beside = config.with_name("hf_quant_config.json")
    quantization = _json(beside) if beside.is_file() else None
    try:
        return model_from_config(content, name, _json(index) if index else None, quantization)
    except ConfigUnreadableError as error:
        raise UsageError(*error.problems, head=str(error).partition("\n")[0]) from None


def refuse(path: str, got: str, allowed: str, change: str) -> NoReturn:
    """Raise UsageError with this problem."""
    raise UsageError(Problem(path, got, allowed, change)) from None


def _json(file: Path) -> dict[str, Any]:
    """The object in *file*."""
    try:
        content: object = json.loads(file.read_text(encoding="utf-8"))
    except RecursionError:
        content = f"{file.name}, which is nested too deep"
    except (OSError, ValueError) as error:  # not UTF-8, not JSON, a number of too many digits
        content = f"{file.name}, which is not JSON: {error}"
    if not isinstance(content, dict):
        got = content if isinstance(content, str) else f"{file.name}, which is not a JSON object"
        refuse("--config", got, "a JSON object", "pass the file as the hub serves it")
    return content


def context_tokens(spec: ModelSpec, context: int | None) -> int:
    """The context to size for, which the model must support."""
    known = spec.architecture.max_context if spec.architecture else 1
    if context and spec.architecture and context > known:
        allowed = f"at most {known} tokens, the maximum of {spec.key}"
        refuse("--context", str(context), allowed, "lower it")
    return context or min(known, DEFAULT_CONTEXT)
