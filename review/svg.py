"""Layout of the component graph: one layer per dependency depth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from review.report import Node

WIDTH, HEIGHT = 168, 42
_GAP_X, _GAP_Y, _MARGIN = 56, 14, 8
_MAX_BOXES = 60
"""Maximum boxes of a readable picture."""


@dataclass(frozen=True)
class Box:
    """One component."""

    node: Node
    x: int
    y: int


@dataclass(frozen=True)
class Arrow:
    """An arrow from a component to one that depends on it."""

    path: str


@dataclass(frozen=True)
class Drawing:
    """The whole picture, in pixels."""

    width: int
    height: int
    boxes: Sequence[Box]
    arrows: Sequence[Arrow]
    left_out: int
    """Number of unchanged neighbors left out."""


def drawing(nodes: Sequence[Node]) -> Drawing:
    """The picture of *nodes*; unchanged ones are left out if there are too many."""
    changed_first = sorted(nodes, key=lambda node: node.op == "same")
    shown = {node.name: node for node in changed_first[:_MAX_BOXES]}
    layers = _layers(shown)
    boxes = [
        Box(shown[name], _MARGIN + x * (WIDTH + _GAP_X), _MARGIN + y * (HEIGHT + _GAP_Y))
        for x, layer in enumerate(layers)
        for y, name in enumerate(layer)
    ]
    at = {box.node.name: box for box in boxes}
    arrows = [_arrow(at[needed], box) for box in boxes for needed in box.node.needs if needed in at]
    return Drawing(
        width=2 * _MARGIN + len(layers) * (WIDTH + _GAP_X) - _GAP_X if layers else 0,
        height=2 * _MARGIN + max(map(len, layers), default=0) * (HEIGHT + _GAP_Y),
        boxes=boxes,
        arrows=arrows,
        left_out=len(nodes) - len(shown),
    )


def _layers(nodes: Mapping[str, Node]) -> list[list[str]]:
    """Names by depth: a layer depends only on earlier layers."""
    done: set[str] = set()
    layers: list[list[str]] = []
    while rest := nodes.keys() - done:
        layer = sorted(n for n in rest if set(nodes[n].needs) & nodes.keys() <= done)
        layers.append(layer or sorted(rest))  # an engine's graph has no cycles
        done |= set(layers[-1])
    return layers


def _arrow(start: Box, end: Box) -> Arrow:
    x1, y1 = start.x + WIDTH, start.y + HEIGHT // 2
    x2, y2 = end.x, end.y + HEIGHT // 2
    middle = (x1 + x2) // 2
    return Arrow(f"M{x1},{y1} C{middle},{y1} {middle},{y2} {x2},{y2}")
