"""Walking the JSON schema of a stack's settings by the path of a key."""

from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]


class Schema:
    """The schema of `Pulumi.<stack>.yaml`, config/reference.py."""

    def __init__(self, document: Node) -> None:
        [self.settings] = document["properties"]["config"]["properties"].values()
        self._definitions: Node = document["$defs"]

    def at(self, steps: list[str]) -> list[Node]:
        """What may stand at the path *steps*, one node for each kind of what is above it."""
        nodes = [self.settings]
        for step in steps:
            nodes = [below for node in nodes for below in self._below(node, step)]
        return nodes

    def keys(self, node: Node) -> dict[str, Node]:
        """The keys below *node*: of all its kinds, or `<name>` where names are free."""
        found: dict[str, Node] = {}
        for kind in self.kinds(node):
            found |= kind.get("properties", {})
            if isinstance(free := kind.get("additionalProperties"), Mapping):
                found.setdefault("<name>", free)
            if "items" in kind:
                found |= self.keys(kind["items"])
        return found

    def kinds(self, node: Node) -> Iterator[Node]:
        """The kinds that *node* may be of, with references followed."""
        if "$ref" in node:
            definition = self._definitions[node["$ref"].rsplit("/", 1)[-1]]
            yield from self.kinds({**definition, **{k: v for k, v in node.items() if k != "$ref"}})
            return
        choices = [*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())]
        if not choices:
            yield node
        for choice in choices:
            yield from self.kinds(choice)

    def _below(self, node: Node, step: str) -> Iterator[Node]:
        for kind in self.kinds(node):
            if step in kind.get("properties", {}):
                yield kind["properties"][step]
            elif isinstance(free := kind.get("additionalProperties"), Mapping):
                yield free
            elif "items" in kind:
                yield from [kind["items"]] if step.isdigit() else self._below(kind["items"], step)
