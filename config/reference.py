"""The reference page and the JSON schema of a stack's YAML, generated from the model."""

import json
import sys
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from base.quantity import Resources
from config.stack import StackConfig

KEY = "private-ai:stack"
"""The key of `Pulumi.<stack>.yaml` that holds the stack's settings."""


def schema() -> dict[str, Any]:
    """The JSON schema of a whole `Pulumi.<stack>.yaml`, for completion in editors."""
    stack = StackConfig.model_json_schema(ref_template="#/$defs/{model}")
    _name_keys(stack)
    definitions = stack.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A stack of private-ai",
        "type": "object",
        "properties": {"config": {"type": "object", "properties": {KEY: stack}}},
        "$defs": definitions,
    }


def _name_keys(node: object) -> None:
    """Say of mappings that every key has the pattern; pydantic lets keys of another form be."""
    if isinstance(node, dict):
        patterns = node.get("patternProperties")
        if isinstance(patterns, dict):
            [(pattern, values)] = node.pop("patternProperties").items()
            node["additionalProperties"] = values
            node["propertyNames"] = {"pattern": pattern, **node.get("propertyNames", {})}
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        _name_keys(child)


def page() -> str:
    """The reference page, in Markdown."""
    lines: list[str] = [
        "# Configuration",
        "",
        "<!-- Generated from config/stack.py by `make docs`; edit the descriptions there. -->",
        "",
        f"Everything is under the key `{KEY}` of `Pulumi.<stack>.yaml`. A key that is not here is",
        "an error. Your own secrets are flat keys, set with `pulumi config set --secret`:",
        "`private-ai:hub-token`, the credential of the source of weights (`model_store.source`);",
        "`private-ai:alert-webhook-url`, the URL of the receiver of alerts, if it holds a token",
        "(`observability.webhook`); and `private-ai:kubeconfig`, the content of a kubeconfig,",
        "instead of `KUBECONFIG`.",
    ]
    headings: set[str] = set()
    for path, model in _sections("", StackConfig, set()):
        heading = f"## `{path or KEY}`{_choice(model)}"
        if heading in headings:
            continue  # of a union without a discriminator in the file: the first has every field
        headings.add(heading)
        lines += ["", heading, "", _first_paragraph(model), ""]
        lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
        lines += [_row(name, field) for name, field in model.model_fields.items()]
    return "\n".join(lines) + "\n"


def _sections(
    path: str, model: type[BaseModel], seen: set[type[BaseModel]]
) -> Iterator[tuple[str, type[BaseModel]]]:
    """*model*, then every model below it, each once, at its first place."""
    if model in seen:
        return
    seen.add(model)
    yield path, model
    for name, field in model.model_fields.items():
        for below, suffix in _inner(field.annotation):
            yield from _sections(f"{path}.{name}{suffix}".lstrip("."), below, seen)


def _inner(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:  # noqa: ANN401
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ""
        return
    origin = get_origin(annotation)
    suffix = ".<name>" if origin is dict else "[]" if origin is list else ""
    for argument in get_args(annotation):
        for model, rest in _inner(argument):
            yield model, suffix + rest


def _choice(model: type[BaseModel]) -> str:
    """The discriminator that selects *model*, where it is one of several kinds."""
    for name, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            return f", `{name}: {get_args(field.annotation)[0]}`"
    return ""


def _row(name: str, field: FieldInfo) -> str:
    default = "required" if field.is_required() else _default(field)
    meaning = " ".join((field.description or "").split())
    return f"| `{name}` | {_type(field.annotation)} | {default} | {meaning} |".replace("\n", " ")


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return ""
    if isinstance(value, BaseModel):
        # The section of its type has every other default.
        own = value.model_dump(
            exclude_defaults=not (isinstance(value, Resources) or _choice(type(value)))
        )
        return f"`{_in_one_line(own)}`" if own else "see below"
    if isinstance(value, dict) and any(isinstance(v, BaseModel) for v in value.values()):
        return f"`{', '.join(map(str, value))}`"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _in_one_line(settings: dict[str, Any]) -> str:
    """*settings* as they are written in YAML, to be copied from the page and changed."""
    text = yaml.safe_dump(settings, default_flow_style=True, sort_keys=False, width=sys.maxsize)
    return text.strip()


_PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def _type(annotation: Any) -> str:  # noqa: ANN401
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None:
        return _PLAIN.get(annotation, getattr(annotation, "__name__", str(annotation)))
    if origin is Literal:
        return " or ".join(f"`{a}`" for a in arguments)
    kinds = [_type(a) for a in arguments if isinstance(a, type) or get_origin(a)]
    if origin is list:
        return f"list of {kinds[0]}"
    if origin is dict:
        return f"map of {kinds[-1]}"
    if origin is Annotated:
        return kinds[0]
    return " or ".join(kind for kind in kinds if kind != "NoneType")


def _first_paragraph(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())
