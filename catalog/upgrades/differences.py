"""Differences of two manifests, of which any value may be hidden."""

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final, Literal, NamedTuple

from base.quantity_format import parse


class Mark(Enum):
    """Values that are none."""

    HIDDEN = "secret, or not known before the update"
    MISSING = "not set"


HIDDEN: Final[Literal[Mark.HIDDEN]] = Mark.HIDDEN
MISSING: Final[Literal[Mark.MISSING]] = Mark.MISSING


class Difference(NamedTuple):
    """One field that differs."""

    path: str
    """`spec.pools[pool-0].servers`."""
    field: str
    """The path without items of lists: `spec.pools.servers`."""
    old: Any
    new: Any


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """What certainly differs; a hidden value differs from nothing."""
    yield from _between("", "", old, new)


def below(field: str, parents: list[str]) -> bool:
    """Whether *field* is one of *parents*, or in one of them."""
    return any(f"{field}.".startswith(f"{parent}.") for parent in parents)


def amount(value: object) -> float | None:
    """A quantity as a number; None if it is none."""
    try:
        return float(parse(str(value)))
    except ValueError:
        return None


def shown(value: object) -> str:
    """*value* for a message; not for Secrets and ConfigMaps."""
    if value is MISSING:
        return "nothing"
    if isinstance(value, float) and value.is_integer():  # the protocol has no integers
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else "another value"


def _between(path: str, field: str, old: Any, new: Any) -> Iterator[Difference]:  # noqa: ANN401
    if HIDDEN in (old, new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _between(
                f"{path}.{key}" if path else str(key),
                f"{field}.{key}" if field else str(key),
                old.get(key, MISSING),
                new.get(key, MISSING),
            )
    elif isinstance(old, list) and isinstance(new, list):
        before, after = _by_name(old), _by_name(new)
        for name in [*before, *(name for name in after if name not in before)]:
            yield from _between(
                f"{path}[{name}]", field, before.get(name, MISSING), after.get(name, MISSING)
            )
    elif old != new:
        yield Difference(path, field, old, new)


def _by_name(items: list[Any]) -> dict[str, Any]:
    """Items by their names, or by position where one has none."""
    names = [_name(item) for item in items]
    if None in names or len(set(names)) != len(names):
        return {str(index): item for index, item in enumerate(items)}
    return {str(name): item for name, item in zip(names, items, strict=True)}


def _name(item: Any) -> str | None:  # noqa: ANN401 - JSON
    if not isinstance(item, Mapping):
        return None
    metadata = item.get("metadata")
    named = metadata if isinstance(metadata, Mapping) and "name" in metadata else item
    name = named.get("name")
    return name if isinstance(name, str) else None
