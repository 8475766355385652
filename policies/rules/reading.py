"""Read manifests that may lack fields, or have fields whose value is not known yet."""

from collections.abc import Iterator, Mapping, Sequence

from base.quantity_format import parse
from policies.rules.model import UNKNOWN, Manifest, Node, Resource, Unknown

Decision = bool | Unknown


def get(value: Node, *path: str, default: Node = None) -> Node:
    """The value at *path*; `UNKNOWN` if it, or a parent of it, is not known yet."""
    for step in path:
        if value is UNKNOWN:
            return UNKNOWN
        value = value.get(step) if isinstance(value, Mapping) else None
    return default if value is None else value


def is_list(value: Node) -> bool:
    """Whether *value* is a list, not a string."""
    return isinstance(value, Sequence) and not isinstance(value, str)


def entries(value: Node, *path: str) -> Iterator[tuple[int, Node]]:
    """The known items of the list at *path*, with their index; empty if there is no list."""
    found = get(value, *path)
    if is_list(found):
        yield from ((i, item) for i, item in enumerate(found) if item is not UNKNOWN)


def mapping(value: Node, *path: str) -> Manifest:
    """The mapping at *path*, whose values may be `UNKNOWN`; empty if missing or unknown."""
    found = get(value, *path)
    return found if isinstance(found, Mapping) else {}


def texts(value: Node, *path: str) -> Iterator[tuple[str, str]]:
    """The known strings of the mapping at *path*, by key."""
    yield from ((k, v) for k, v in mapping(value, *path).items() if isinstance(v, str))


def missing(value: Node, *path: str) -> bool:
    """Whether there certainly is no value at *path*."""
    return get(value, *path) is None


def label(item: Node, index: int) -> str:
    """How a path names a list item: by `name` if it has one, else by index."""
    name = get(item, "name")
    return name if isinstance(name, str) else str(index)


def shown(value: Node) -> str:
    """*value* as a message shows it; never use it on Secrets, ConfigMaps or environments."""
    if value is None:
        return "missing"
    if isinstance(value, float) and value.is_integer():  # protobuf has no integers
        return str(int(value))
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if isinstance(value, str) else str(value)


def namespace(resource: Resource) -> Node:
    """Its namespace; a string or `UNKNOWN`."""
    return get(resource.props, "metadata", "namespace", default="default")


def name(resource: Resource) -> Node:
    """Its name; a string, or `UNKNOWN` if Pulumi or the API server will generate it."""
    return get(resource.props, "metadata", "name", default=UNKNOWN)


def same(one: Node, other: Node) -> Decision:
    """Whether two values, which may be unknown, are equal."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return UNKNOWN
    return bool(one == other)


def every(decisions: Sequence[Decision]) -> Decision:
    """Three-valued `all`: one certain False decides."""
    if any(d is False for d in decisions):
        return False
    return UNKNOWN if UNKNOWN in decisions else True


def selects(selector: Node, labels: Node) -> Decision:
    """Whether a label selector matches *labels*; an empty selector matches all, as in the API."""
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


def quantity(value: Node) -> float | None:
    """A Kubernetes quantity as a number; None if it is not a quantity, or not known."""
    if isinstance(value, bool) or value is UNKNOWN:
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(parse(str(value)))
    except ValueError:
        return None
