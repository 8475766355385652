"""YAML as people write it, or one problem with the line it is on; never a traceback.

Hostile files are refused before their values are built: anchors that multiply, values so deep that
PyYAML's composer for libyaml would end the process (`_yaml.pyx`, `_compose_node`: 200 000 brackets
are a segmentation fault), numbers of a million digits, keys twice, tags that are not YAML's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from base.problems import Problem

_MOST_ADDED = 100_000
"""Values that anchors may add to a document; an assumption, far above any stack or manifest. Ten
lines of anchors make a thousand million."""
_MOST_NESTED = 100
"""Values within values; an assumption, three times the schemas of custom resources."""
_TOO_DEEP = f"values that are nested too deep, more than {_MOST_NESTED}"
_LONGEST_NUMBER = 400
"""Characters; a float has at most 309 digits before the point. PyYAML takes quadratic time for long
numbers to the base 60, such as `1:1:1`."""
_YAML = "tag:yaml.org,2002:"
_NUMBERS = frozenset({f"{_YAML}int", f"{_YAML}float"})
_TEXT, _MERGE, _VALUE = (f"{_YAML}{name}" for name in ("str", "merge", "value"))
_TAGS = frozenset(
    f"{_YAML}{name}"
    for name in (
        *("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "binary", "merge"),
    )
)
"""The tags that a value may have, written or implied; those left out are no values of JSON."""
_AS_TEXT = frozenset({f"{_YAML}timestamp", f"{_YAML}binary"})
"""Values that are text in JSON; Kubernetes reads YAML as JSON."""
_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Faster where PyYAML was built with libyaml, as its wheels are."""


class YamlTextError(Exception):
    """A text that is not YAML, or not such as its reader takes."""

    def __init__(self, problem: Problem, line: int = 0) -> None:
        self.problem = problem
        self.line = line
        """Line of the mistake, the first is 1; 0 if it is the text as a whole."""
        super().__init__(str(problem))


@dataclass(frozen=True)
class Document:
    """One document of a text."""

    value: Any
    node: yaml.Node
    """The same with the lines of its values (`node.start_mark.line`, the first is 0)."""


def read_mapping(
    file: Path, allowed: str = "a stack configuration in YAML: one mapping, each key once"
) -> dict[Any, Any]:
    """The mapping that *file* holds; *allowed* describes it. Raises YamlTextError."""
    text = read_text(file, file.name, allowed)
    documents = read_documents(text, file.name, allowed)
    loaded = next(documents, None)
    if second := next(documents, None):
        line = second.node.start_mark.line + 1
        got, change = f"line {line}: a second document", "Remove it, or its line `---`."
        raise YamlTextError(Problem(file.name, got, allowed, change), line)
    if loaded is None or not isinstance(loaded.value, dict):
        value = loaded.value if loaded else None
        kind = "nothing" if value is None else "a list" if isinstance(value, list) else "a value"
        got = f"line 1: {kind} in place of a mapping"
        change = "Write keys and values, or copy a file that has them."
        raise YamlTextError(Problem(file.name, got, allowed, change), 1)
    return loaded.value


def parse(text: str) -> object:
    """What the first document of *text* holds; None if it has none. Raises YamlTextError."""
    found = next(read_documents(text, "text", "YAML"), None)
    return found.value if found else None


def read_text(file: Path, source: str, allowed: str) -> str:
    """The text of *file*, which messages call *source*. Raises YamlTextError."""
    try:
        return decode(file.read_bytes(), source, allowed)
    except OSError as error:
        got = error.strerror or "no file that can be read"
        change = "Make it a file that can be read."
        raise YamlTextError(Problem(source, got, allowed, change)) from None


def decode(content: bytes, source: str, allowed: str) -> str:
    """*content* as text in UTF-8. Raises YamlTextError."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"byte {error.start + 1}, which is not text in UTF-8"
        change = "Write it as text, or restore it."
        raise YamlTextError(Problem(source, got, allowed, change)) from None


def read_documents(
    text: str, source: str, allowed: str, *, as_json: bool = False
) -> Iterator[Document]:
    """The documents of *text* that are not empty; those before a mistake come before its error.

    *as_json* makes keys, dates and binary values text, as Kubernetes reads them. Raises
    YamlTextError.
    """
    loader: Any = None
    try:
        loader = _Loader(text)
        composer = _Composer(loader, as_json=as_json)
        while (node := composer.document()) is not None:
            value = loader.construct_document(node)
            if value is not None:
                yield Document(value, node)
    except yaml.reader.ReaderError as error:
        line = text.encode(errors="replace").count(b"\n", 0, error.position) + 1
        character: Any = error.character  # its number, with libyaml
        shown = repr(chr(character) if isinstance(character, int) else character)
        got = f"line {line}: the character {shown}"
        raise YamlTextError(Problem(source, got, allowed, "Remove the character."), line) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "at its end"
        problem = Problem(
            source, f"{where}: {error.problem or error.context}", allowed, "Correct that line."
        )
        raise YamlTextError(problem, mark.line + 1 if mark else 0) from None
    except UnicodeEncodeError:
        got = "half of a character (a surrogate)"
        raise YamlTextError(Problem(source, got, allowed, "Remove it.")) from None
    finally:
        if loader:
            loader.dispose()


class _Composer:
    """Builds the nodes of documents from events, without recursion; what cannot be is refused."""

    def __init__(self, loader: Any, *, as_json: bool) -> None:  # noqa: ANN401 - of two classes
        self._loader = loader
        self._as_json = as_json
        self._anchors: dict[str, yaml.Node] = {}
        self._extents: dict[int, tuple[int, int]] = {}
        """Size and depth of each node that is complete, by its identity."""
        self._written = 0

    def document(self) -> yaml.Node | None:
        """The next document; None after the last. Raises yaml.MarkedYAMLError."""
        while not isinstance(event := self._loader.get_event(), yaml.DocumentStartEvent):
            if isinstance(event, yaml.StreamEndEvent):
                return None
        self._anchors, self._extents, self._written = {}, {}, 0
        inside: list[_Open] = []
        while True:
            event: Any = self._loader.get_event()
            node = self._node(event, inside)
            if node is None:
                continue
            if not inside:
                self._loader.get_event()  # the end of the document
                return node
            self._add(node, inside, event)

    def _node(self, event: Any, inside: list["_Open"]) -> yaml.Node | None:  # noqa: ANN401
        """The node that is complete with *event*; None if it begins one."""
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, is_key=bool(inside) and inside[-1].wants_key)
            self._extents[id(node)] = 1, 0
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(inside) == _MOST_NESTED:
                _refuse(_TOO_DEEP, event)
            node = self._collection(event)
            inside.append(_Open(node))
        else:
            closed = inside.pop()
            self._extents[id(closed.node)] = closed.size, closed.depth
            return closed.node
        self._written += 1
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return None if isinstance(node, yaml.CollectionNode) else node

    def _add(self, node: yaml.Node, inside: list["_Open"], event: Any) -> None:  # noqa: ANN401
        holder = inside[-1]
        holder.add(node, *self._extents[id(node)], event)
        if len(inside) + holder.depth > _MOST_NESTED + 1:  # by way of an anchor
            _refuse(_TOO_DEEP, event)
        if holder.size > self._written + _MOST_ADDED:
            _refuse(f"more than {_MOST_ADDED} values, with its anchors written out", event)

    def _aliased(self, event: Any) -> yaml.Node:  # noqa: ANN401
        node = self._anchors.get(event.anchor)
        if node is None:
            _refuse(f"found undefined alias {event.anchor!r}", event)
        if id(node) not in self._extents:
            _refuse("an anchor that holds itself", event)
        return node

    def _collection(self, event: Any) -> yaml.CollectionNode:  # noqa: ANN401 - without a base
        mapping = isinstance(event, yaml.MappingStartEvent)
        kind = yaml.MappingNode if mapping else yaml.SequenceNode
        tag = event.tag
        if tag in {None, "!"}:
            tag = self._loader.resolve(kind, None, event.implicit)
        _refuse_tag(tag, event)
        return kind(tag, [], event.start_mark, event.end_mark)

    def _scalar(self, event: Any, *, is_key: bool) -> yaml.ScalarNode:  # noqa: ANN401
        tag = event.tag
        if tag in {None, "!"}:
            tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag == _VALUE:
            tag = _TEXT
        _refuse_tag(tag, event)
        if self._as_json and (tag in _AS_TEXT or (is_key and tag != _MERGE)):
            tag = _TEXT
        if tag in _NUMBERS and len(event.value) > _LONGEST_NUMBER:
            _refuse(f"a number of {len(event.value)} characters", event)
        node = yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark)
        if tag not in {_TEXT, _MERGE}:
            try:
                self._loader.construct_object(node)
            except (ValueError, OverflowError) as error:  # month 13, `0b_`
                _refuse(f"{error}; put it in quotes if it is text", event)
            except (LookupError, AttributeError):  # `!!int ""`, `!!bool x`, `!!timestamp x`
                _refuse(f"not the {tag.removeprefix(_YAML)} that its tag says", event)
        return node


class _Open:
    """A collection whose end has not come yet."""

    def __init__(self, node: yaml.Node) -> None:
        self.node = node
        self.size = 1
        """Values in it, with its anchors written out."""
        self.depth = 1
        """Collections within one another, itself included."""
        self._mapping = isinstance(node, yaml.MappingNode)
        self._key: yaml.Node | None = None
        self._lines: dict[tuple[str, str], int] = {}

    @property
    def wants_key(self) -> bool:
        """Whether a key comes next."""
        return self._mapping and self._key is None

    def add(self, node: yaml.Node, size: int, depth: int, event: Any) -> None:  # noqa: ANN401
        """Take the next key or value."""
        self.size += size
        self.depth = max(self.depth, 1 + depth)
        if not self._mapping:
            self.node.value.append(node)
        elif self._key is None:
            self._refuse_twice(node, event)
            self._key = node
        else:
            self.node.value.append((self._key, node))
            self._key = None

    def _refuse_twice(self, key: yaml.Node, event: Any) -> None:  # noqa: ANN401
        """PyYAML keeps the last of two equal keys; Pulumi and Kubernetes refuse them."""
        if not isinstance(key, yaml.ScalarNode):
            _refuse("a key that is not text", event)
        name = (key.tag, key.value)
        if name in self._lines and key.tag != _MERGE:
            _refuse(f"the key {key.value!r} again, first on line {self._lines[name]}", event)
        self._lines[name] = event.start_mark.line + 1


def _refuse_tag(tag: str, event: Any) -> None:  # noqa: ANN401
    if tag not in _TAGS:
        _refuse(f"the tag {tag.replace(_YAML, '!!')}", event)


def _refuse(problem: str, event: Any) -> NoReturn:  # noqa: ANN401
    raise yaml.constructor.ConstructorError(None, None, problem, event.start_mark)
