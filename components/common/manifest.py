"""Typed inputs of the provider with the field names of the API, for use in a custom resource.

The provider translates the names of its own types, but passes a custom resource on unchanged.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from base.quantity_format import canonical

_FIELD = re.compile(r"^[a-z]+(_[a-z]+)*_?$")
"""A field name of the provider's types; label and resource keys have dots, slashes or dashes."""
_JOINT = re.compile(r"_([a-z])")


_AMOUNTS = frozenset({"limits", "requests"})
_AMOUNT = frozenset({"size_limit", "sizeLimit"})


def manifest(typed: object) -> Any:  # noqa: ANN401 - whatever a manifest is made of
    """*typed* with every field named as in the API; Outputs in it stay as they are.

    Quantities take their canonical form: a controller that writes the object back does the same,
    and any other form would show as a change at the next preview.
    """
    if isinstance(typed, Mapping):
        fields = cast("Mapping[str, object]", typed)
        return {_name(key): _value(key, value) for key, value in fields.items()}
    if isinstance(typed, Sequence) and not isinstance(typed, str):
        return [manifest(item) for item in cast("Sequence[object]", typed)]
    return typed


def _value(field: str, value: object) -> Any:  # noqa: ANN401 - whatever a manifest is made of
    if field in _AMOUNT and isinstance(value, str):
        return canonical(value)
    if field in _AMOUNTS and isinstance(value, Mapping):
        amounts = cast("Mapping[str, object]", value)
        return {k: canonical(v) if isinstance(v, str) else v for k, v in amounts.items()}
    return manifest(value)


def _name(field: str) -> str:
    if not _FIELD.match(field):
        return field
    return _JOINT.sub(lambda joint: joint[1].upper(), field.rstrip("_"))
