"""The stack's graph as the engine knows it: which component waits for a value of which."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text
from rich.tree import Tree

_OURS = "private-ai:index:"


@dataclass
class Graph:
    """Components by name, each with the names of those it reads an output of."""

    kinds: dict[str, str] = field(default_factory=dict[str, str])
    needs: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def layers(self) -> list[list[str]]:
        """Names by depth: a layer needs nothing but what is in the layers before it."""
        done: set[str] = set()
        layers: list[list[str]] = []
        while rest := self.needs.keys() - done:
            layer = sorted(name for name in rest if self.needs[name] <= done)
            layers.append(layer or sorted(rest))  # a cycle cannot come from an engine's state
            done |= set(layers[-1])
        return layers

    def direct(self, name: str) -> list[str]:
        """What *name* needs and gets from nobody else it needs; what a picture should show."""
        indirect = {far for near in self.needs[name] for far in self._all(near)}
        return sorted(self.needs[name] - indirect)

    def _all(self, name: str) -> set[str]:
        return self.needs[name] | {far for near in self.needs[name] for far in self._all(near)}


def graph(deployment: Mapping[str, Any]) -> Graph:
    """The graph in *deployment*, the `deployment` of `pulumi stack export`."""
    resources = {r["urn"]: r for r in deployment.get("resources", [])}
    owners = {urn: _owner(urn, resources) for urn in resources}
    found = Graph()
    for urn, resource in resources.items():
        owner = owners[urn]
        if owner is None:
            continue
        name = _name(owner)
        found.kinds[name] = resources[owner]["type"].removeprefix(_OURS)
        needs = found.needs.setdefault(name, set())
        for needed in _edges(resource):
            other = owners.get(needed)
            if other and other != owner:
                needs.add(_name(other))
    return found


def picture(found: Graph) -> Tree:
    """The graph for a terminal: layers from the ground up, each part with what it waits for."""
    tree = Tree("graph: a part starts when those behind its arrow are ready")
    for depth, layer in enumerate(found.layers(), 1):
        branch = tree.add(Text(f"{depth}", style="dim"))
        for name in layer:
            line = Text(name, style="bold")
            line.append(f" {found.kinds[name]}", style="cyan")
            if direct := found.direct(name):
                line.append(f"  ◄─ {', '.join(direct)}", style="dim")
            branch.add(line)
    return tree


def _edges(resource: Mapping[str, Any]) -> set[str]:
    by_property = resource.get("propertyDependencies") or {}
    return {
        *(resource.get("dependencies") or []),
        *(urn for urns in by_property.values() for urn in urns or []),
    }


def _owner(urn: str, resources: Mapping[str, Any]) -> str | None:
    """The outermost component of ours around *urn*, if any."""
    owner = None
    at: str | None = urn
    while at:
        resource = resources.get(at)
        if resource is None:
            break
        if resource["type"].startswith(_OURS):
            owner = at
        at = resource.get("parent")
    return owner


def _name(urn: str) -> str:
    return urn.rsplit("::", maxsplit=1)[-1]
