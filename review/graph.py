"""Dependencies between the components of a stack, read from the engine's state."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TYPE_PREFIX = "private-ai:index:"


@dataclass
class Graph:
    """Components and their dependencies, by name."""

    kinds: dict[str, str] = field(default_factory=dict[str, str])
    """Class of each component."""
    needs: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Components whose outputs each component reads."""

    @property
    def needed_by(self) -> dict[str, set[str]]:
        """For each component, those that read its outputs."""
        found: dict[str, set[str]] = {}
        for name, needed in self.needs.items():
            for other in needed:
                found.setdefault(other, set()).add(name)
        return found

    def __or__(self, other: "Graph") -> "Graph":
        """The union of two graphs."""
        names = {**self.needs, **other.needs}
        return Graph(
            {**self.kinds, **other.kinds},
            {n: self.needs.get(n, set()) | other.needs.get(n, set()) for n in names},
        )

    def layers(self) -> list[list[str]]:
        """Names by depth: a layer depends only on earlier layers."""
        done: set[str] = set()
        layers: list[list[str]] = []
        while rest := self.needs.keys() - done:
            layer = sorted(name for name in rest if self.needs[name] <= done)
            layers.append(layer or sorted(rest))  # an engine's state has no cycles
            done |= set(layers[-1])
        return layers

    def direct(self, name: str) -> list[str]:
        """Dependencies of *name* that are not dependencies of another one of them."""
        near = self.needs.get(name, set())
        return sorted(near - {far for one in near for far in self._all(one, set())})

    def _all(self, name: str, seen: set[str]) -> set[str]:
        for near in self.needs.get(name, set()) - seen:
            seen.add(near)
            self._all(near, seen)
        return seen


def graph(resources: Iterable[Mapping[str, Any]]) -> Graph:
    """The graph of *resources*, in the format of `pulumi stack export`."""
    by_urn = {r["urn"]: r for r in resources}
    owners = {urn: _owner(urn, by_urn) for urn in by_urn}
    found = Graph()
    for urn, resource in by_urn.items():
        owner = owners[urn]
        if owner is None:
            continue
        name = _name(owner)
        found.kinds[name] = by_urn[owner]["type"].removeprefix(_TYPE_PREFIX)
        needs = found.needs.setdefault(name, set())
        for needed in _edges(resource):
            other = owners.get(needed)
            if other and other != owner:
                needs.add(_name(other))
    return found


def _edges(resource: Mapping[str, Any]) -> set[str]:
    by_property = resource.get("propertyDependencies") or {}
    return {
        *(resource.get("dependencies") or []),
        *(urn for urns in by_property.values() for urn in urns or []),
    }


def _owner(urn: str, resources: Mapping[str, Any]) -> str | None:
    """The outermost component of this program around *urn*; None if there is none."""
    owner = None
    at: str | None = urn
    while at:
        resource = resources.get(at)
        if resource is None:
            break
        if resource["type"].startswith(_TYPE_PREFIX):
            owner = at
        at = resource.get("parent")
    return owner


def _name(urn: str) -> str:
    return urn.rsplit("::", maxsplit=1)[-1]
