"""The stack's graph as the engine knows it: which component waits for a value of which."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_OURS = "private-ai:index:"


@dataclass
class Graph:
    """Components by name."""

    kinds: dict[str, str] = field(default_factory=dict[str, str])
    """Class of each."""
    needs: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Names of those that each reads an output of."""

    @property
    def needed_by(self) -> dict[str, set[str]]:
        """For each component that any needs, those that read an output of it."""
        found: dict[str, set[str]] = {}
        for name, needed in self.needs.items():
            for other in needed:
                found.setdefault(other, set()).add(name)
        return found

    def __or__(self, other: "Graph") -> "Graph":
        """The components and edges of both."""
        names = {**self.needs, **other.needs}
        return Graph(
            {**self.kinds, **other.kinds},
            {n: self.needs.get(n, set()) | other.needs.get(n, set()) for n in names},
        )

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
        near = self.needs.get(name, set())
        return sorted(near - {far for one in near for far in self._all(one, set())})

    def _all(self, name: str, seen: set[str]) -> set[str]:
        for near in self.needs.get(name, set()) - seen:
            seen.add(near)
            self._all(near, seen)
        return seen


def graph(resources: Iterable[Mapping[str, Any]]) -> Graph:
    """The graph of *resources*, each as `pulumi stack export` writes it."""
    by_urn = {r["urn"]: r for r in resources}
    owners = {urn: _owner(urn, by_urn) for urn in by_urn}
    found = Graph()
    for urn, resource in by_urn.items():
        owner = owners[urn]
        if owner is None:
            continue
        name = _name(owner)
        found.kinds[name] = by_urn[owner]["type"].removeprefix(_OURS)
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
