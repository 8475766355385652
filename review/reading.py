"""Read manifests in which any value may be secret, unknown or malformed.

Values of another type read as empty.
"""

from collections.abc import Mapping
from typing import Any

Object = Mapping[str, Any]


def mapping(node: Any, key: str) -> Object:  # noqa: ANN401 - JSON
    """The mapping at *key*; empty if there is none."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(node: Any, key: str) -> list[Object]:  # noqa: ANN401 - JSON
    """The mappings in the list at *key*; empty if there is no list."""
    return [item for item in values(node, key) if isinstance(item, Mapping)]


def values(node: Any, key: str) -> list[Any]:  # noqa: ANN401 - JSON
    """The items of the list at *key*; empty if there is no list."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, list) else []


def number(node: Any, key: str) -> float:  # noqa: ANN401 - JSON
    """The number at *key*; 0 if there is none."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, int | float) else 0


def count(node: Object, key: str, default: int) -> int:
    """The whole number at *key*; *default* if there is none."""
    value = node.get(key, default)
    return int(value) if isinstance(value, int | float) else default
