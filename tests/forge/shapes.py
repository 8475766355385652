"""The published shapes of the three APIs: what may be sent, what comes back."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parent / "schemas.json").read_text())
_DEPTH = 4
_STRINGS = {"date-time": "2026-11-21T08:00:00Z", "uri": "https://forge.test/x", "email": "a@b.c"}


def wrong(value: Any, forge: str, *where: str) -> list[str]:
    """What of *value* is not as the description of *forge* has it at *where*."""
    errors = _validator("/".join((forge, *where))).iter_errors(value)
    return [f"{error.json_path}: {error.message}" for error in errors]


@cache
def _validator(where: str) -> Draft202012Validator:
    return Draft202012Validator({**DOCUMENT, "$ref": f"#/{where}"})


def sample(forge: str, name: str, **known: Any) -> dict[str, Any]:
    """An object of the schema *name*, with what is *known* of it."""
    made = _sample({"$ref": f"#/{forge}/schemas/{name}"}, _DEPTH)
    return {**made, **known}


def _sample(schema: dict[str, Any], depth: int) -> Any:
    if "$ref" in schema:
        found: Any = DOCUMENT
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return _sample(found, depth)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return _sample(schema[several][0], depth)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if isinstance(kind, list):
        return None
    if kind == "object":
        properties = schema.get("properties", {})
        required = schema.get("required", properties if depth > 0 else [])
        return {n: _sample(properties.get(n, {}), depth - 1) for n in required}
    simple: dict[str, Any] = {"array": [], "integer": 1, "number": 1, "boolean": False}
    return simple.get(kind, _STRINGS.get(schema.get("format", ""), "text"))
