"""Pods on nodes: an assignment that the scheduler could choose, or a proof that there is none.

Of what the scheduler looks at, only requests are compared here: every pod may run on every node
that is given. Where pods only prefer to be apart, they may still meet.
https://kubernetes.io/docs/concepts/scheduling-eviction/kube-scheduler/
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, get_args

Resource = Literal["cpu", "memory", "disk", "pods"]
RESOURCES: Final[tuple[Resource, ...]] = get_args(Resource)


class Needs(NamedTuple):
    """What a pod requests, or a node offers to pods, as the scheduler counts it."""

    cpu: int = 0
    """Thousandths of a core."""
    memory: int = 0
    """Bytes."""
    disk: int = 0
    """Ephemeral storage, bytes."""
    pods: int = 1

    def plus(self, other: "Needs") -> "Needs":
        """Both together."""
        return Needs(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: "Needs") -> "Needs":
        """These without *other*."""
        return Needs(*(a - b for a, b in zip(self, other, strict=True)))

    def fits(self, room: "Needs") -> bool:
        """Whether *room* is enough for these."""
        return all(a <= b for a, b in zip(self, room, strict=True))

    def of(self, resource: Resource) -> int:
        """The amount of one of them."""
        return self[RESOURCES.index(resource)]


NOTHING: Final = Needs(pods=0)


class Pod(NamedTuple):
    """One pod."""

    owner: str
    """The workload whose replicas are alike."""
    needs: Needs


@dataclass
class Seat:
    """A node, and the pods on it."""

    node: str
    offers: Needs
    pods: list[Pod] = field(default_factory=list[Pod])
    taken: Needs = NOTHING
    """What its pods request together."""

    def has_room(self, pod: Pod) -> bool:
        """Whether *pod* fits beside the others."""
        return self.taken.plus(pod.needs).fits(self.offers)

    def add(self, pod: Pod) -> None:
        """Put *pod* on it."""
        self.pods.append(pod)
        self.taken = self.taken.plus(pod.needs)

    def replicas(self, pod: Pod) -> int:
        """Pods of the same workload on it."""
        return sum(other.owner == pod.owner for other in self.pods)


Share = Callable[[Needs], float]
"""The largest share of what all nodes offer."""


@dataclass(frozen=True)
class Shortage:
    """Why some pods cannot all run on some nodes, however they are placed."""

    resource: Resource | None
    """What is short in all; None where single pods are too large for the nodes."""
    asked: int
    """Amount of the resource, or number of pods that request `of` or more."""
    offered: int
    """Amount of the resource on all nodes, or the most such pods that they hold."""
    of: Needs = NOTHING
    """What each of those pods requests at least."""


def total(needs: Iterable[Needs]) -> Needs:
    """The sum."""
    found = NOTHING
    for each in needs:
        found = found.plus(each)
    return found


def spread(nodes: Sequence[tuple[str, Needs]], pods: Sequence[Pod]) -> list[Seat] | None:
    """*pods* on *nodes*, replicas apart and the emptiest node first, as the scheduler prefers.

    None where that leaves a pod without room, which proves nothing.
    """

    def preferred(seat: Seat, pod: Pod, share: Share) -> tuple[float, float]:
        return seat.replicas(pod), share(seat.taken)

    return _placed(nodes, pods, preferred)


def packed(nodes: Sequence[tuple[str, Needs]], pods: Sequence[Pod]) -> list[Seat] | None:
    """*pods* on *nodes*, each on the fullest that has room; None as for `spread`."""

    def preferred(seat: Seat, _: Pod, share: Share) -> tuple[float, float]:
        return -share(seat.taken), 0

    return _placed(nodes, pods, preferred)


def shortages(nodes: Sequence[tuple[str, Needs]], pods: Sequence[Pod]) -> Iterator[Shortage]:
    """Proofs that *pods* cannot all run on *nodes*; none proves nothing.

    Either they request more of something than all nodes offer, or more pods are of some size than
    the nodes hold pods of that size, each by itself.
    """
    offers = [offered for _, offered in nodes]
    asked, offered = total(pod.needs for pod in pods), total(offers)
    short = [name for name in RESOURCES if asked.of(name) > offered.of(name)]
    for name in short:
        yield Shortage(name, asked.of(name), offered.of(name))
    if not short:
        yield from _too_large(offers, pods)


def _too_large(offers: Sequence[Needs], pods: Sequence[Pod]) -> Iterator[Shortage]:
    """The first size of which there are more pods than the nodes hold, the largest size first.

    First sizes of one resource, which say more, then those of all resources together.
    """
    whole = {pod.needs for pod in pods}
    single = {
        Needs(**{"pods": 0, name: need.of(name)})
        for need in whole
        for name in RESOURCES
        if need.of(name)
    }
    for size in (*sorted(single, reverse=True), *sorted(whole, reverse=True)):
        count = sum(size.fits(pod.needs) for pod in pods)
        room = sum(_how_many(size, offered) for offered in offers)
        if count > room:
            yield Shortage(None, count, room, size)
            return


def _how_many(size: Needs, offered: Needs) -> int:
    return min(have // need for need, have in zip(size, offered, strict=True) if need)


def _placed(
    nodes: Sequence[tuple[str, Needs]],
    pods: Sequence[Pod],
    preferred: Callable[[Seat, Pod, Share], tuple[float, float]],
) -> list[Seat] | None:
    """The largest pod first, each on the node of the lowest preference."""
    whole = total(offered for _, offered in nodes)

    def share(needs: Needs) -> float:
        shares = (need / all_ for need, all_ in zip(needs, whole, strict=True) if all_)
        return max(shares, default=0)

    seats = [Seat(name, offered) for name, offered in nodes]
    for pod in sorted(pods, key=lambda each: share(each.needs), reverse=True):
        left = [seat for seat in seats if seat.has_room(pod)]
        if not left:
            return None
        min(left, key=lambda seat: preferred(seat, pod, share)).add(pod)
    return seats
