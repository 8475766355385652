"""Which component reads an output of which, from resources with their dependencies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cli.graph import graph


@dataclass(frozen=True)
class Edges:
    """Of all components of a stack."""

    needs: Mapping[str, set[str]] = field(default_factory=dict[str, set[str]])
    """Names of those that each reads an output of."""
    kinds: Mapping[str, str] = field(default_factory=dict[str, str])
    """Class of each."""

    @property
    def needed_by(self) -> dict[str, set[str]]:
        """For each component, those that read an output of it."""
        found: dict[str, set[str]] = {}
        for name, needed in self.needs.items():
            for other in needed:
                found.setdefault(other, set()).add(name)
        return found

    def __or__(self, other: "Edges") -> "Edges":
        """Those of both."""
        names = {**self.needs, **other.needs}
        return Edges(
            {n: self.needs.get(n, set()) | other.needs.get(n, set()) for n in names},
            {**self.kinds, **other.kinds},
        )


def edges(resources: Iterable[Mapping[str, Any]]) -> Edges:
    """The edges of *resources*, each as `pulumi stack export` writes it."""
    found = graph({"resources": list(resources)})
    return Edges(found.needs, found.kinds)
