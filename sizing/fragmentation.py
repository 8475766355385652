"""Whether pods find room on equal nodes wherever the scheduler has put the others.

Kubernetes places one pod after the other, in the order in which they come, spreads rather than
packs, and moves none for a later one. That some arrangement of all pods exists is not enough: a
drained node or a restart would bring another. See
docs/adr/0012-a-pool-is-full-when-a-pod-could-be-kept-out.md.
"""

from collections.abc import Sequence
from math import gcd

from base.model import Model


class Blocked(Model):
    """A pod that may find no room although enough devices are free."""

    width: int
    """Devices that it asks for, all on one node."""
    others: int
    """Devices that the other pods hold."""
    room_for_others: int
    """Devices that others may hold at most for this pod to find room in any case."""
    nodes_needed: int
    """Nodes at which it would."""


def blocked(widths: Sequence[int], nodes: int, per_node: int) -> Blocked | None:
    """The widest pod that others can keep out, of pods of *widths* on *nodes* of *per_node* each.

    A node has no room for a pod of width w from the moment on that more than per_node - w of its
    devices are held; held is always a multiple of what all widths have in common. Others that
    cannot do that to every node leave room on one, however they are placed. No width may be above
    *per_node*.
    """
    grain = gcd(*widths)
    for width in sorted(set(widths), reverse=True):
        full = -(-(per_node - width + 1) // grain) * grain
        others = sum(widths) - width
        if others >= full * nodes:
            return Blocked(
                width=width,
                others=others,
                room_for_others=full * nodes - grain,
                nodes_needed=others // full + 1,
            )
    return None
