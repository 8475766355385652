"""Setting keys in a YAML file that people wrote: nothing else of its text changes."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from base.yaml_text import YamlTextError, parse

Value = str | Mapping[str, str]

_PLAIN = re.compile(r"(?![0-9]+(e[0-9]+)?\Z)[0-9a-f]{40,64}|[A-Za-z][\w/-]*(\.[A-Za-z][\w-]*)+")
"""Digests that no reader of YAML takes for numbers, and names of files."""


class NotEditableError(Exception):
    """The text is such that the keys cannot be set in it without changing more."""


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    text: str


def with_keys(
    text: str, path: Sequence[str], values: Mapping[str, Value], after: Sequence[str]
) -> str:
    """*text* with *values* set in the mapping at *path*.

    New keys follow the last of *after* that the mapping has. Raises NotEditableError where the
    result would not be just that, as with anchors.
    """
    mapping = _mapping_at(yaml.compose(text, yaml.SafeLoader), path)
    edits = [
        _replaced(text, mapping, key, value) for key, value in values.items() if _of(mapping, key)
    ]
    new = {key: value for key, value in values.items() if not _of(mapping, key)}
    if new:
        edits.append(_added(text, mapping, new, after))
    newline = "\r\n" if "\r\n" in text else "\n"
    result = text
    for edit in sorted(edits, key=lambda e: e.start, reverse=True):
        result = result[: edit.start] + edit.text.replace("\n", newline) + result[edit.end :]
    _check(text, result, path, values)
    return result


def lines(values: Mapping[str, Value], indent: str = "") -> str:
    """*values* as lines of a block mapping."""
    return "\n".join(f"{indent}{key}:{_block(value, indent)}" for key, value in values.items())


def _block(value: Value, indent: str) -> str:
    if isinstance(value, str):
        return f" {_scalar(value)}"
    return "".join(f"\n{indent}  {_scalar(k)}: {_scalar(v)}" for k, v in value.items())


def _flow(value: Value, indent: str) -> str:
    """*value* in a line; a mapping in a line for each of its keys."""
    if isinstance(value, str):
        return _scalar(value)
    inner = ",".join(f"\n{indent}  {_scalar(k)}: {_scalar(v)}" for k, v in value.items())
    return f"{{{inner}}}"


def _scalar(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def _mapping_at(node: yaml.Node | None, path: Sequence[str]) -> yaml.MappingNode:
    for key in path:
        node = _of(node, key) if isinstance(node, yaml.MappingNode) else None
    if not isinstance(node, yaml.MappingNode) or not node.value:
        raise NotEditableError
    return node


def _of(mapping: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in mapping.value if name.value == key), None)


def _replaced(text: str, mapping: yaml.MappingNode, key: str, value: Value) -> _Edit:
    node = _of(mapping, key)
    if node is None:
        raise NotEditableError
    start = node.start_mark.index
    if isinstance(node, yaml.MappingNode) and not node.flow_style and not isinstance(value, str):
        # The end of the node is that of the comments below it.
        indent = " " * node.start_mark.column
        listed = "\n".join(f"{indent}{_scalar(k)}: {_scalar(v)}" for k, v in value.items())
        return _Edit(start, _last(node), listed.removeprefix(indent))
    return _Edit(start, node.end_mark.index, _flow(value, _indent(text, start)))


def _last(node: yaml.Node) -> int:
    if isinstance(node, yaml.MappingNode) and not node.flow_style and node.value:
        return _last(node.value[-1][1])
    return node.end_mark.index


def _added(
    text: str, mapping: yaml.MappingNode, values: Mapping[str, Value], after: Sequence[str]
) -> _Edit:
    pairs = [pair for pair in mapping.value if pair[0].value in after] or mapping.value[:1]
    name, anchor = max(pairs, key=lambda pair: pair[0].start_mark.index)
    end = _last(anchor)
    if mapping.flow_style:
        indent = _indent(text, end)
        return _Edit(end, end, "".join(f", {k}: {_flow(v, indent)}" for k, v in values.items()))
    line = text.find("\n", end)
    end = len(text) if line < 0 else line
    if text[:end].endswith("\r"):
        end -= 1
    return _Edit(end, end, "\n" + lines(values, " " * name.start_mark.column))


def _indent(text: str, index: int) -> str:
    """The spaces that the line of *index* begins with."""
    line = text[text.rfind("\n", 0, index) + 1 :]
    return line[: len(line) - len(line.lstrip(" "))]


def _check(before: str, after: str, path: Sequence[str], values: Mapping[str, Value]) -> None:
    expected = _unshared(parse(before))
    node = expected
    for key in path:
        node = node[key]
    node.update({key: dict(v) if isinstance(v, Mapping) else v for key, v in values.items()})
    try:
        same = _unshared(parse(after)) == expected
    except YamlTextError:
        same = False
    if not same:
        raise NotEditableError


def _unshared(value: Any) -> Any:  # noqa: ANN401 - YAML
    """*value* with a copy in place of each alias, so that a change of one is seen in no other."""
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    return [_unshared(item) for item in value] if isinstance(value, list) else value
