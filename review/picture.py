"""The changed components and their neighbors, as a graph."""

from collections.abc import Iterable

from review.graph import Graph
from review.report import ComponentChange, Node, Op

_REPLACED_ON_CHANGE = ("Secret ", "ConfigMap ", "Job ")
"""Objects that are replaced when their content changes, without an interruption."""


def picture(components: Iterable[ComponentChange], graph: Graph) -> list[Node]:
    """The nodes to draw; *graph* has all components before and after the change."""
    needs = graph.needs
    changed = {c.name: c for c in components if c.kind}
    neighbors = {
        name for name, needed in needs.items() if name in changed or needed & changed.keys()
    } | {name for changing in changed for name in needs.get(changing, set())}
    shown = changed.keys() | neighbors
    return [
        Node(
            name=name,
            kind=changed[name].kind if name in changed else graph.kinds.get(name, ""),
            op=_op(changed[name]) if name in changed else "same",
            needs=[near for near in graph.direct(name) if near in shown],
        )
        for name in sorted(shown)
    ]


def _op(component: ComponentChange) -> Op:
    """The operation of all its resources if it is the same; else `replace` if any, or `update`."""
    ops: set[Op] = {
        "update" if r.op == "replace" and r.resource.startswith(_REPLACED_ON_CHANGE) else r.op
        for r in component.resources
    }
    if len(ops) == 1:
        return ops.pop()
    return "replace" if "replace" in ops else "update"
