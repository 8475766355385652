"""Kubernetes objects in files, each with the lines of its fields; a bad file hides no other."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from base.problems import Problem
from base.yaml_text import YamlTextError, decode, read_documents, read_text

STDIN = Path("-")
STDIN_NAME = "stdin"
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_ALLOWED = "Kubernetes objects in YAML or JSON"
_CHANGE = "fix the file, or leave it out"
_ACTION = re.compile(r"\{\{-?\s*(?![{}])\S")
_CHART = re.compile(r"\{\{-?[^{}]*(\.(Values|Release|Chart|Capabilities)\b|\binclude\s+\")")
"""What only a template of Helm says; alerts and dashboards have actions of their own."""
_ANY_TEXT = frozenset({"ConfigMap", "Secret", "CustomResourceDefinition"})
"""Kinds that may quote such a template."""


@dataclass(frozen=True)
class Manifest:
    """One object, and where it is."""

    value: Mapping[str, Any]
    source: str
    node: yaml.Node

    def line(self, path: str) -> int:
        """Line of the field at *path*, or of the nearest one above it that is there."""
        return line_of(self.node, path)


@dataclass(frozen=True)
class Unreadable:
    """A file, or a part of one, that holds no objects."""

    source: str
    line: int
    problem: Problem


def read(files: Iterable[Path]) -> Iterator[Manifest | Unreadable]:
    """The objects in *files* and in the manifests of folders; items of a List one by one."""
    for file in files:
        if file == STDIN:
            yield from _parsed(STDIN_NAME, lambda: decode(_stdin(), STDIN_NAME, _ALLOWED))
        elif file.is_dir():
            yield from _folder(file)
        elif file.exists():
            yield from _file(file)
        else:
            yield _bad(_name(file), "no such file", "name a file that exists")


def _stdin() -> bytes:
    return sys.stdin.buffer.read()


def _folder(folder: Path) -> Iterator[Manifest | Unreadable]:
    charts = {file.parent for file in folder.rglob("Chart.yaml")}
    outermost = sorted(chart for chart in charts if not charts.intersection(chart.parents))
    for chart in outermost:
        name = _name(chart)
        yield _bad(name, "a Helm chart", f"`helm template RELEASE {name} | pai lint -`")
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix in _SUFFIXES and file.is_file() and not charts.intersection((*file.parents,))
    ]
    for file in files:
        yield from _file(file)
    if not files and not charts:
        got = "a folder without files ending in .yaml, .yml or .json"
        yield _bad(_name(folder), got, "name another")


def _file(file: Path) -> Iterator[Manifest | Unreadable]:
    name = _name(file)
    yield from _parsed(name, lambda: read_text(file, name, _ALLOWED))


def _name(file: Path) -> str:
    """*file* as text; bytes of its name that are not UTF-8 are written out."""
    return str(file).encode(errors="backslashreplace").decode()


def _bad(source: str, got: str, change: str, line: int = 1) -> Unreadable:
    return Unreadable(source, line, Problem(source, got, _ALLOWED, change))


def _parsed(source: str, reading: Callable[[], str]) -> Iterator[Manifest | Unreadable]:
    found: list[Manifest | Unreadable] = []
    text = ""
    try:
        text = reading()
        for document in read_documents(text, source, _ALLOWED, as_json=True):
            found += _listed(source, document.value, document.node)
    except YamlTextError as error:
        # YAML that ends too early is wrong on the line after the last.
        last = text.rstrip("\n").count("\n") + 1
        found.append(Unreadable(source, min(max(error.line, 1), last), error.problem))
    bad = any(isinstance(each, Unreadable) for each in found)
    if line := _template_line(text, found, bad=bad):
        change = "`helm template RELEASE CHART | pai lint -`"
        found = [_bad(source, "looks like a Helm template", change, line)]
    yield from found


def _template_line(text: str, found: Iterable[Manifest | Unreadable], *, bad: bool) -> int:
    """Line of the first action of Helm; 0 if the text is no template of it."""
    if "{{" not in text:
        return 0
    first = (_ACTION if bad else _CHART).search(text)
    values = (
        m.value for m in found if isinstance(m, Manifest) and m.value["kind"] not in _ANY_TEXT
    )
    if first is None or not (bad or any(map(_unrendered, values))):
        return 0
    return text.count("\n", 0, first.start()) + 1


def _unrendered(value: object) -> bool:
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            waiting += [*node.keys(), *node.values()]
        elif isinstance(node, list):
            waiting += node
        elif isinstance(node, str) and _CHART.search(node):
            return True
    return False


def _listed(source: str, value: object, node: yaml.Node) -> Iterator[Manifest | Unreadable]:
    kind = value.get("kind") if isinstance(value, Mapping) else None
    version = value.get("apiVersion") if isinstance(value, Mapping) else None
    if not (isinstance(value, Mapping) and _is_name(kind) and _is_name(version)):
        got = "a document without apiVersion and kind"
        yield _bad(source, got, _CHANGE, _first(node))
        return
    items = value.get("items")
    if not (str(kind).endswith("List") and isinstance(items, list)):
        yield Manifest(value, source, node)
        return
    held = _child(node, "items")
    nodes = held[1].value if held else []
    for item, at in zip(items, nodes, strict=True):
        yield from _listed(source, item, at)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def line_of(node: yaml.Node, path: str) -> int:
    """Line of the field at *path* in *node*, or of the nearest one above it that is there.

    *path* is that of a finding: keys, which may hold dots, and `[NAME]` or `[INDEX]` for items.
    """
    line, rest = _first(node), path
    while rest:
        step = _step(node, rest)
        if step is None:
            break
        line, node, rest = step
    return line


def _step(node: yaml.Node, path: str) -> tuple[int, yaml.Node, str] | None:
    """Line and node of the field that *path* begins with, and the rest of the path."""
    if path.startswith("["):
        name, closed, rest = path[1:].partition("]")
        found = _child(node, name) if closed else None
        return (*found, rest.removeprefix(".")) if found else None
    if not isinstance(node, yaml.MappingNode):
        return None
    keys: list[str] = [key.value for key, _ in node.value if path.startswith(key.value)]
    longest = ""
    for key in keys:
        if path[len(key) : len(key) + 1] in {"", ".", "["} and len(key) > len(longest):
            longest = key
    found = _child(node, longest) if longest else None
    return (*found, path[len(longest) :].removeprefix(".")) if found else None


def _child(node: yaml.Node, name: str) -> tuple[int, yaml.Node] | None:
    """Line and node of the value at the key *name*, or of the item with that name or index."""
    if isinstance(node, yaml.MappingNode):
        # The last: those that `<<` merged in come first, and are overridden.
        pairs = [(key, value) for key, value in node.value if key.value == name]
        return (_first(pairs[-1][0]), pairs[-1][1]) if pairs else None
    items: list[yaml.Node] = node.value if isinstance(node, yaml.SequenceNode) else []
    for index, item in enumerate(items):
        named = _child(item, "name") if isinstance(item, yaml.MappingNode) else None
        if name == (named[1].value if named else str(index)):
            return _first(item), item
    return None


def _first(node: yaml.Node) -> int:
    mark: Any = node.start_mark
    return mark.line + 1
