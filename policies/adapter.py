"""Convert the engine's messages to the rules' resources, and remediated fields back."""

from collections.abc import Sequence
from typing import Any

from google.protobuf import struct_pb2
from pulumi_policy import proxy as sdk

from policies.rules.model import NO_FACTS, UNKNOWN, Facts, Managed, Node, Resource

_SENTINELS = frozenset(
    value for name, value in vars(sdk).items() if name.startswith("UNKNOWN_") and name.isupper()
)
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - marks secrets, is not one
"""The engine's mark of a secret: pulumi/sdk/go/common/resource/properties.go."""


def plain(value: struct_pb2.Value) -> Node:
    """*value* as JSON, without secret marks; values not known yet become `UNKNOWN`."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _SENTINELS else text
    if kind == "struct_value":
        fields = value.struct_value.fields
        if is_secret(value):
            return plain(fields["value"])
        return {key: plain(fields[key]) for key in fields}
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def is_secret(value: struct_pb2.Value) -> bool:
    """Whether *value* as a whole is marked secret."""
    fields = value.struct_value.fields
    return _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET


def _wholly_secret(value: struct_pb2.Value) -> bool:
    """Whether *value*, or each value of the mapping, is marked secret."""
    if is_secret(value):
        return True
    fields = value.struct_value.fields
    return bool(fields) and all(is_secret(fields[key]) for key in fields)


def kind_of(token: str) -> str:
    """The kind of a type token, as in `Resource.kind`; empty if it is not a Kubernetes object.

    A token is `kubernetes:GROUP/VERSION:KIND`; the core group is `core`. A `…Patch` changes part of
    an object that another owner manages, so no rule checks it.
    """
    package, _, rest = token.partition(":")
    module, _, kind = rest.partition(":")
    group, slash, _ = module.partition("/")
    if package != "kubernetes" or not slash or kind.endswith("Patch"):
        return ""
    return kind if group == "core" else f"{kind}.{group}"


def resource(
    request: Any,  # noqa: ANN401 - two messages with the same fields
    facts: Facts = NO_FACTS,
) -> Resource | None:
    """The Kubernetes object of an engine request; None for other resources."""
    kind = kind_of(request.type)
    if not kind:
        return None
    fields = request.properties.fields
    return Resource(
        kind,
        {key: plain(fields[key]) for key in fields},
        request.urn,
        Managed(
            request.options.protect, frozenset(key for key in fields if _wholly_secret(fields[key]))
        ),
        facts,
    )


def set_path(properties: struct_pb2.Struct, path: Sequence[str | int], value: Node) -> None:
    """Set *path* of *properties*, creating missing parents; secret marks are kept."""
    first, *way = path
    at = properties.fields[str(first)]
    for step in way:
        inside = at.struct_value.fields["value"] if is_secret(at) else at
        if isinstance(step, int):
            at = inside.list_value.values[step]
        else:
            at = inside.struct_value.fields[step]
    if isinstance(value, bool):
        at.bool_value = value
    else:
        at.struct_value.update(value)
