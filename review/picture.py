"""The changed components and their neighbours, as a graph."""

from collections.abc import Iterable, Mapping

from review.graph import Edges
from review.report import ComponentChange, Node, Op

_REMADE = ("Secret ", "ConfigMap ", "Job ")
"""Objects that are replaced whenever their content changes: nothing stops with the old one."""


def picture(components: Iterable[ComponentChange], edges: Edges) -> list[Node]:
    """The nodes to draw; *edges* are of all components, before and after together."""
    needs = edges.needs
    changed = {c.name: c for c in components if c.kind}
    neighbours = {
        name for name, needed in needs.items() if name in changed or needed & changed.keys()
    } | {name for changing in changed for name in needs.get(changing, set())}
    shown = changed.keys() | neighbours
    return [
        Node(
            name=name,
            kind=changed[name].kind if name in changed else edges.kinds.get(name, ""),
            op=_op(changed[name]) if name in changed else "same",
            needs=sorted(_direct(name, needs) & shown),
        )
        for name in sorted(shown)
    ]


def _op(component: ComponentChange) -> Op:
    """What happens to all of its parts; else a replacement of one, else an update."""
    ops: set[Op] = {
        "update" if r.op == "replace" and r.resource.startswith(_REMADE) else r.op
        for r in component.resources
    }
    if len(ops) == 1:
        return ops.pop()
    return "replace" if "replace" in ops else "update"


def _direct(name: str, needs: Mapping[str, set[str]]) -> set[str]:
    """What *name* needs and gets from nobody else it needs."""
    near = needs.get(name, set())
    return near - {far for one in near for far in _all(one, needs, set())}


def _all(name: str, needs: Mapping[str, set[str]], seen: set[str]) -> set[str]:
    for near in needs.get(name, set()) - seen:
        seen.add(near)
        _all(near, needs, seen)
    return seen
