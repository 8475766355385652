"""GPU fragmentation: whether every pod finds room wherever the scheduler has placed the others.

Kubernetes places pods in the order of their arrival, spreads rather than packs, and moves none
for a later one. That some arrangement of all pods exists is not enough: a drained node or a restart
would lead to another. See docs/adr/0012-a-pool-is-full-when-a-pod-could-be-kept-out.md.
"""

from collections.abc import Sequence
from math import gcd

from base.model import Model


class Blocked(Model):
    """A pod that may find no room although enough devices are free."""

    width: int
    """Devices that it requests, all on one node."""
    others: int
    """Devices that the other pods hold."""
    room_for_others: int
    """Most devices that the others may hold so that this pod always finds room."""
    nodes_needed: int
    """Nodes with which it always would."""


def blocked(widths: Sequence[int], nodes: int, per_node: int) -> Blocked | None:
    """The widest pod that others can keep out, of pods of *widths* on *nodes* of *per_node* each.

    A node has no room for a pod of width w once more than per_node - w of its devices are held;
    held devices are always a multiple of the greatest common divisor of all widths. If the others
    cannot fill every node that far, one node has room, however they are placed. No width may
    exceed *per_node*.
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
