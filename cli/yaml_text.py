"""YAML as people write it, or one problem with the line it is on; never a traceback."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from base.problems import Problem

_MOST_NODES = 100_000
"""Values of a file with its anchors written out; an assumption, far above any stack. Ten lines of
anchors make a thousand million."""


class YamlTextError(Exception):
    """A file that is not YAML, or not such that Pulumi would read it."""

    def __init__(self, file: Path, got: str, change: str) -> None:
        allowed = "a stack configuration in YAML: one mapping, each key once"
        self.problem = Problem(file.name, got, allowed, change)
        super().__init__(str(self.problem))


def read_mapping(file: Path) -> dict[Any, Any]:
    """The mapping that *file* holds. Raises YamlTextError."""
    text = ""
    try:
        text = file.read_text(encoding="utf-8")
        loaded = parse(text)
    except UnicodeDecodeError as error:
        got = f"byte {error.start + 1}, which is not text in UTF-8"
        raise YamlTextError(file, got, "Write it as text, or restore it.") from None
    except OSError as error:
        got = error.strerror or "no file that can be read"
        raise YamlTextError(file, got, "Make it a file that can be read.") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        got = f"line {line}: the character {error.character!r}"
        raise YamlTextError(file, got, "Remove the character.") from None
    except yaml.MarkedYAMLError as error:
        got = f"{_where(error.problem_mark)}: {error.problem}"
        raise YamlTextError(file, got, "Correct that line.") from None
    except RecursionError:
        got = "values that are nested too deep"
        raise YamlTextError(file, got, "Nest them less.") from None
    if not isinstance(loaded, dict):
        kind = "nothing" if loaded is None else "a list" if isinstance(loaded, list) else "a value"
        got = f"line 1: {kind} in place of a mapping"
        raise YamlTextError(file, got, "Begin with `config:`, or copy a file of examples/.")
    return loaded


def parse(text: str) -> object:
    """What *text* holds, plain values only. Raises YAMLError with the line of what is wrong."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _Counter().count(root)
        return loader.construct_document(root)
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Plain values only; what a value cannot be is said with its line."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: ANN401
        """PyYAML's own, but for dates in month 13, numbers like `0b_`, and keys twice."""
        if isinstance(node, yaml.MappingNode):
            _refuse_twice(node)
        try:
            return super().construct_object(node, deep)
        except (ValueError, OverflowError) as error:
            problem = f"{error}; put it in quotes if it is text"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


def _refuse_twice(node: yaml.MappingNode) -> None:
    """PyYAML keeps the last of two equal keys, Pulumi refuses them."""
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            problem = "a key that is not text"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        name = (key.tag, key.value)
        if name in lines and key.value != "<<":
            problem = f"the key {key.value!r} again, first on line {lines[name]}"
            raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        lines[name] = key.start_mark.line + 1


class _Counter:
    """Counts the values of a document with its anchors written out, as Pulumi will."""

    def __init__(self) -> None:
        self._sizes: dict[int, int | None] = {}

    def count(self, node: yaml.Node) -> int:
        """Values in *node*. Raises ConstructorError if there are too many, or it holds itself."""
        known = self._sizes.get(id(node), 0)
        if known:
            return known
        if known is None:
            problem = "an anchor that holds itself"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        self._sizes[id(node)] = None
        size = 1 + sum(self.count(child) for child in _children(node))
        if size > _MOST_NODES:
            problem = f"more than {_MOST_NODES} values, with its anchors written out"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        self._sizes[id(node)] = size
        return size


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def _where(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "at its end"
