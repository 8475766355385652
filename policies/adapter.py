"""From what Pulumi's engine sends to what the rules read, and back where a field is filled in."""

from collections.abc import Sequence
from typing import Any

from google.protobuf import struct_pb2
from pulumi_policy import proxy as sdk

from policies.rules.model import UNKNOWN, Managed, Node, Resource

_SENTINELS = frozenset(
    value for name, value in vars(sdk).items() if name.startswith("UNKNOWN_") and name.isupper()
)
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - marks secrets, and is none
"""How the engine marks a secret: pulumi/sdk/go/common/resource/properties.go."""


def plain(value: struct_pb2.Value) -> Node:
    """*value* without marks of secrets; what is not known yet becomes `UNKNOWN`."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return UNKNOWN if text in _SENTINELS else text
    if kind == "struct_value":
        fields = value.struct_value.fields
        if marked(value):
            return plain(fields["value"])
        return {key: plain(fields[key]) for key in fields}
    if kind == "list_value":
        return [plain(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def marked(value: struct_pb2.Value) -> bool:
    """Whether *value* is, as a whole, marked secret."""
    fields = value.struct_value.fields
    return _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET


def _secret(value: struct_pb2.Value) -> bool:
    """Whether *value*, or each value of the mapping that it is, is marked secret."""
    if marked(value):
        return True
    fields = value.struct_value.fields
    return bool(fields) and all(marked(fields[key]) for key in fields)


def kind_of(token: str) -> str:
    """The kind, as in `Resource.kind`, of a type token; empty for what is no Kubernetes object.

    A token is `kubernetes:GROUP/VERSION:KIND`, and the core group is called `core`. A `…Patch`
    changes a part of an object that somebody else owns: nothing to judge.
    """
    package, _, rest = token.partition(":")
    module, _, kind = rest.partition(":")
    group, slash, _ = module.partition("/")
    if package != "kubernetes" or not slash or kind.endswith("Patch"):
        return ""
    return kind if group == "core" else f"{kind}.{group}"


def resource(asked: Any) -> Resource | None:  # noqa: ANN401 - two messages with the same fields
    """The Kubernetes object of a request's resource; None if it is none."""
    kind = kind_of(asked.type)
    if not kind:
        return None
    fields = asked.properties.fields
    return Resource(
        kind,
        {key: plain(fields[key]) for key in fields},
        asked.urn,
        Managed(asked.options.protect, frozenset(key for key in fields if _secret(fields[key]))),
    )


def put(properties: struct_pb2.Struct, path: Sequence[str | int], value: Node) -> None:
    """Set *path* of *properties*, making what is missing on the way; marks of secrets stay."""
    first, *way = path
    at = properties.fields[str(first)]
    for step in way:
        inside = at.struct_value.fields["value"] if marked(at) else at
        if isinstance(step, int):
            at = inside.list_value.values[step]
        else:
            at = inside.struct_value.fields[step]
    if isinstance(value, bool):
        at.bool_value = value
    else:
        at.struct_value.update(value)
