"""Read a manifest that may lack parts, and parts of which a preview does not know."""

import re
from collections.abc import Iterator, Mapping, Sequence

from policies.rules.model import UNKNOWN, Manifest, Node, Resource, Unknown

Decision = bool | Unknown


def get(value: Node, *path: str, default: Node = None) -> Node:
    """What lies at *path*; `UNKNOWN` if it, or something on the way, is not known yet."""
    for step in path:
        if value is UNKNOWN:
            return UNKNOWN
        value = value.get(step) if isinstance(value, Mapping) else None
    return default if value is None else value


def is_list(value: Node) -> bool:
    """Whether *value* is a list of the manifest (and not a string)."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def entries(value: Node, *path: str) -> Iterator[tuple[int, Node]]:
    """The known items of the list at *path* with their index; nothing if there is no list."""
    found = get(value, *path)
    if is_list(found):
        yield from ((i, item) for i, item in enumerate(found) if item is not UNKNOWN)


def mapping(value: Node, *path: str) -> Manifest:
    """The mapping at *path*, values may be `UNKNOWN`; empty if there is none or it is unknown."""
    found = get(value, *path)
    return found if isinstance(found, Mapping) else {}


def texts(value: Node, *path: str) -> Iterator[tuple[str, str]]:
    """The known strings of the mapping at *path*, by key."""
    yield from ((k, v) for k, v in mapping(value, *path).items() if isinstance(v, str))


def missing(value: Node, *path: str) -> bool:
    """Whether nothing is at *path*, for certain."""
    return get(value, *path) is None


def label(item: Node, index: int) -> str:
    """How a path names a list item: by its name where it has one."""
    name = get(item, "name")
    return name if isinstance(name, str) else str(index)


def shown(value: Node) -> str:
    """A value in a message; never for Secrets, ConfigMaps or environments."""
    if value is None:
        return "nothing"
    if isinstance(value, float) and value.is_integer():  # protobuf has no integers
        return str(int(value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if isinstance(value, str) else str(value)


def namespace(resource: Resource) -> Node:
    """The namespace it lives in; a string or `UNKNOWN`."""
    return get(resource.props, "metadata", "namespace", default="default")


def name(resource: Resource) -> Node:
    """Its name; a string or `UNKNOWN`, where Pulumi or the API server has yet to give one."""
    return get(resource.props, "metadata", "name", default=UNKNOWN)


def same(one: Node, other: Node) -> Decision:
    """Equality of two values that may be unknown."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return UNKNOWN
    return bool(one == other)


def every(decisions: Sequence[Decision]) -> Decision:
    """`all` in three values: one certain no decides."""
    if any(d is False for d in decisions):
        return False
    return UNKNOWN if UNKNOWN in decisions else True


def selects(selector: Node, labels: Node) -> Decision:
    """Whether a label selector matches *labels*; an empty one matches all, as in the API."""
    if isinstance(selector, Unknown):
        return selector
    decisions = [_equals(labels, k, v) for k, v in mapping(selector, "matchLabels").items()]
    decisions += [_expression(labels, e) for _, e in entries(selector, "matchExpressions")]
    if UNKNOWN in (get(selector, "matchLabels"), get(selector, "matchExpressions")):
        decisions.append(UNKNOWN)
    return every(decisions)


def _equals(labels: Node, key: str, value: Node) -> Decision:
    return same(get(labels, key), value)


def _expression(labels: Node, expression: Node) -> Decision:
    key, operator = get(expression, "key"), get(expression, "operator")
    actual = get(labels, key) if isinstance(key, str) else UNKNOWN
    if actual is UNKNOWN or operator is UNKNOWN:
        return UNKNOWN
    values = [value for _, value in entries(expression, "values")]
    decided = {
        "In": actual in values,
        "NotIn": actual not in values,
        "Exists": actual is not None,
        "DoesNotExist": actual is None,
    }
    return decided.get(str(operator), UNKNOWN)


_SUFFIX = {
    "n": 1e-9,
    "u": 1e-6,
    "m": 1e-3,
    "": 1.0,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}
_QUANTITY = re.compile(r"([0-9.]+)([a-zA-Z]*)")


def quantity(value: Node) -> float | None:
    """A Kubernetes quantity as a number; None if it is none or not known.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    if isinstance(value, bool) or value is UNKNOWN:
        return None
    if isinstance(value, int | float):
        return float(value)
    match = _QUANTITY.fullmatch(str(value))
    if match is None or match[2] not in _SUFFIX:
        return None
    return float(match[1]) * _SUFFIX[match[2]]
