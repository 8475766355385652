"""The properties that a change changes, and which of them are only hashes and made-up names."""

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
_MISSING: Final = object()
_MOST_LINES = 200
"""Lines of a difference that a report quotes."""
_LONGEST = 2000
"""Characters of a value that a report quotes; the rest is in the checkout."""


def property_changes(change: Change, names: Names) -> list[PropertyChange]:
    """Every property that differs, or, of what is created or deleted, none: the object is new."""
    if change.op not in ("update", "replace"):
        return []
    found = [
        _property(path, old, new, change, names)
        for path, old, new in _differences("", change.before, change.after)
        if not path.startswith(_BOOKKEEPING)
    ]
    told = {p.path for p in found}
    # Of secrets both sides read the same; that they differ only the provider knows.
    hidden = [
        PropertyChange(path=path, before=SECRET, after=SECRET, replaces=path in change.replacing)
        for path in sorted(change.noted)
        if not any(_covers(path, other) for other in told)
        and not path.startswith(_BOOKKEEPING)
        and SECRET in (_at(change.before, path), _at(change.after, path))
    ]
    return [*found, *hidden]


def _property(path: str, old: Any, new: Any, change: Change, names: Names) -> PropertyChange:  # noqa: ANN401 - JSON
    return PropertyChange(
        path=path,
        before=None if old is _MISSING else quoted(old),
        after=None if new is _MISSING else quoted(new),
        difference=_lines(old, new),
        replaces=any(_covers(path, other) for other in change.replacing),
        noise=_is_noise(path, old, new, names),
    )


def _lines(old: Any, new: Any) -> list[str]:  # noqa: ANN401 - JSON
    if not isinstance(old, str) or not isinstance(new, str) or "\n" not in old + new:
        return []
    unified = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=1)
    lines = [line for line in unified if not line.startswith(("---", "+++"))]
    more = len(lines) - _MOST_LINES
    return lines[:_MOST_LINES] + ([f"@@ {more} more lines @@"] if more > 0 else [])


def quoted(value: Any) -> str:  # noqa: ANN401 - JSON
    """*value* as text: itself, or JSON for what is no text."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def _differences(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(k for k in new if k not in old)]:
            below = f"{path}.{key}" if path else str(key)
            yield from _differences(below, old.get(key, _MISSING), new.get(key, _MISSING))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_differences(path, old, new)
    elif old != new:
        yield path, old, new


def _list_differences(path: str, old: list[Any], new: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """By `name` where every item has one of its own, as containers, ports and volumes do."""
    keyed_old, keyed_new = _by_name(old), _by_name(new)
    if keyed_old is not None and keyed_new is not None:
        for name in [*keyed_old, *(n for n in keyed_new if n not in keyed_old)]:
            yield from _differences(
                f"{path}[{name}]", keyed_old.get(name, _MISSING), keyed_new.get(name, _MISSING)
            )
        return
    for index in range(max(len(old), len(new))):
        yield from _differences(
            f"{path}[{index}]",
            old[index] if index < len(old) else _MISSING,
            new[index] if index < len(new) else _MISSING,
        )


def _by_name(items: list[Any]) -> dict[str, Any] | None:
    named = {
        str(item["name"]): item for item in items if isinstance(item, Mapping) and "name" in item
    }
    return named if len(named) == len(items) else None


def _is_noise(path: str, old: Any, new: Any, names: Names) -> bool:  # noqa: ANN401 - JSON
    """Whether only a hash of something differs, or a name that Pulumi made up."""
    if not isinstance(old, str) or not isinstance(new, str):
        return False
    if names.settled(old) == names.settled(new):
        return True
    is_hash = _HASH.match(old) is not None and _HASH.match(new) is not None
    return is_hash and _HASH_KEY.search(path) is not None


def _covers(one: str, other: str) -> bool:
    """Whether one of two paths, written either way, is the other or lies within it."""
    first, second = _plain(one), _plain(other)
    return first[: len(second)] == second or second[: len(first)] == first


def _plain(path: str) -> list[str]:
    """The keys of a path, with those of list items left out: two notations name them."""
    return re.findall(r"[^.\[\]\"]+", re.sub(r'\[("?)[^"\]]*\1\]', _keys_only, path))


def _keys_only(match: re.Match[str]) -> str:
    return f".{match[0][2:-2]}" if match[1] else ""


def _at(inputs: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - JSON
    """The value at the nearest ancestor of *path* that is a single value."""
    node: Any = inputs
    for key in _plain(path):
        if not isinstance(node, Mapping):
            break
        node = node.get(key)
    return node
