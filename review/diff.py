"""Property differences of a change; marks those that are only hashes or generated names."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from review.changes import Change, Names
from review.redact import SECRET
from review.report import PropertyChange

_HASH = re.compile(r"^(sha256:)?[0-9a-f]{32,64}$|^[0-9a-f]{8,31}$")
_HASH_KEY = re.compile(r"(checksum|hash)", re.IGNORECASE)
_BOOKKEEPING = ("metadata.annotations.pulumi.com/", "__")
MISSING: Final = object()
"""The value of a property that is not set."""
_MAX_LINES = 200
"""Maximum lines quoted per difference."""
_MAX_CHARACTERS = 2000
"""Maximum characters quoted per value."""


def property_changes(change: Change, names: Names) -> list[PropertyChange]:
    """Properties that differ; none if the object is created or deleted."""
    if change.op not in ("update", "replace"):
        return []
    found = [
        _property(path, old, new, change, names)
        for path, old, new in differences(change.before, change.after)
        if not path.startswith(_BOOKKEEPING)
    ]
    listed = {p.path for p in found}
    # Secrets are redacted on both sides; only the provider knows whether they differ.
    hidden = [
        PropertyChange(path=path, before=SECRET, after=SECRET, replaces=path in change.replacing)
        for path in sorted(change.reported)
        if not any(_covers(path, other) for other in listed)
        and not path.startswith(_BOOKKEEPING)
        and SECRET in (_at(change.before, path), _at(change.after, path))
    ]
    return [*found, *hidden]


def _property(path: str, old: Any, new: Any, change: Change, names: Names) -> PropertyChange:  # noqa: ANN401 - JSON
    return PropertyChange(
        path=path,
        before=None if old is MISSING else quoted(old),
        after=None if new is MISSING else quoted(new),
        difference=_lines(old, new),
        replaces=any(_covers(path, other) for other in change.replacing),
        noise=_is_noise(path, old, new, names),
    )


def _lines(old: Any, new: Any) -> list[str]:  # noqa: ANN401 - JSON
    if not isinstance(old, str) or not isinstance(new, str) or "\n" not in old + new:
        return []
    unified = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
    lines = [line for line in unified if not line.startswith(("---", "+++"))]
    more = len(lines) - _MAX_LINES
    return lines[:_MAX_LINES] + ([f"@@ {more} more lines @@"] if more > 0 else [])


def quoted(value: Any) -> str:  # noqa: ANN401 - JSON
    """*value* as text: a string as it is, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (
        text
        if len(text) <= _MAX_CHARACTERS
        else f"{text[:_MAX_CHARACTERS]}… ({len(text)} characters)"
    )


def differences(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401 - JSON
    """Path, old and new value of every property that differs; `MISSING` where it is not set."""
    yield from _differences("", old, new)


def _differences(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(k for k in new if k not in old)]:
            below = f"{path}.{key}" if path else str(key)
            yield from _differences(below, old.get(key, MISSING), new.get(key, MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_differences(path, old, new)
    elif old != new:
        yield path, old, new


def _list_differences(path: str, old: list[Any], new: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Match items by `name` if all have one (containers, ports, volumes), else by index."""
    keyed_old, keyed_new = _by_name(old), _by_name(new)
    if keyed_old is not None and keyed_new is not None:
        for name in [*keyed_old, *(n for n in keyed_new if n not in keyed_old)]:
            yield from _differences(
                f"{path}[{name}]", keyed_old.get(name, MISSING), keyed_new.get(name, MISSING)
            )
        return
    for index in range(max(len(old), len(new))):
        yield from _differences(
            f"{path}[{index}]",
            old[index] if index < len(old) else MISSING,
            new[index] if index < len(new) else MISSING,
        )


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    named = {
        str(item["name"]): item for item in items if isinstance(item, Mapping) and "name" in item
    }
    return named if len(named) == len(items) else None


def _is_noise(path: str, old: Any, new: Any, names: Names) -> bool:  # noqa: ANN401 - JSON
    """Whether only a hash or a generated name differs."""
    if not isinstance(old, str) or not isinstance(new, str):
        return False
    if names.settled(old) == names.settled(new):
        return True
    is_hash = _HASH.match(old) is not None and _HASH.match(new) is not None
    return is_hash and _HASH_KEY.search(path) is not None


def _covers(one: str, other: str) -> bool:
    """Whether one of two paths, in either notation, equals or contains the other."""
    first, second = _plain(one), _plain(other)
    return first[: len(second)] == second or second[: len(first)] == first


def _plain(path: str) -> list[str]:
    """The keys of a path, without list items, which the two notations name differently."""
    return re.findall(r"[^.\[\]\"]+", re.sub(r'\[("?)[^"\]]*\1\]', _keys_only, path))


def _keys_only(match: re.Match[str]) -> str:
    return f".{match[0][2:-2]}" if match[1] else ""


def _at(inputs: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - JSON
    """The value at *path*, or at its nearest ancestor that is not a mapping."""
    node: Any = inputs
    for key in _plain(path):
        if not isinstance(node, Mapping):
            break
        node = node.get(key)
    return node
