"""Reading manifests of which any part may be secret, unknown until the update, or plainly wrong.

What is not of the shape asked for reads as empty: a review says what it can see.
"""

from collections.abc import Mapping
from typing import Any

Object = Mapping[str, Any]


def mapping(node: Any, key: str) -> Object:  # noqa: ANN401 - JSON
    """The mapping at *key*."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def items(node: Any, key: str) -> list[Object]:  # noqa: ANN401 - JSON
    """The mappings in the list at *key*."""
    return [item for item in values(node, key) if isinstance(item, Mapping)]


def values(node: Any, key: str) -> list[Any]:  # noqa: ANN401 - JSON
    """Whatever is in the list at *key*."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, list) else []


def number(node: Any, key: str) -> float:  # noqa: ANN401 - JSON
    """The number at *key*; 0 for what is none."""
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, int | float) else 0


def count(node: Object, key: str, default: int) -> int:
    """The whole number at *key*; *default* for what is none."""
    value = node.get(key, default)
    return int(value) if isinstance(value, int | float) else default
