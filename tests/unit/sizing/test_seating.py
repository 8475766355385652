"""Pods on nodes: every claim against all assignments that there are, on small cases."""

from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sizing.seating import NOTHING, Needs, Pod, packed, shortages, spread, total

_NEEDS = st.builds(
    Needs, st.integers(0, 6), st.integers(0, 6), st.integers(0, 3), st.sampled_from([1])
)
_OFFERS = st.builds(
    Needs, st.integers(0, 10), st.integers(0, 10), st.integers(0, 6), st.integers(0, 4)
)


def cluster(offers: Sequence[Needs]) -> list[tuple[str, Needs]]:
    return [(f"node-{number}", each) for number, each in enumerate(offers)]


def group(*needs: Needs) -> list[Pod]:
    return [Pod(f"pod-{number}", each) for number, each in enumerate(needs)]


def possible(offers: Sequence[Needs], needs: Sequence[Needs]) -> bool:
    """Whether some assignment of every pod to a node leaves no node overfull."""
    return any(
        all(
            total(n for n, at in zip(needs, where, strict=True) if at == node).fits(offered)
            for node, offered in enumerate(offers)
        )
        for where in product(range(len(offers)), repeat=len(needs))
    )


@given(st.lists(_OFFERS, max_size=3), st.lists(_NEEDS, max_size=5))
def test_nothing_is_refused_that_could_be_placed(offers: list[Needs], needs: list[Needs]) -> None:
    if list(shortages(cluster(offers), group(*needs))):
        assert not possible(offers, needs)


@given(st.lists(_OFFERS, max_size=3), st.lists(_NEEDS, max_size=5))
def test_what_is_placed_is_each_pod_once_and_no_node_is_overfull(
    offers: list[Needs], needs: list[Needs]
) -> None:
    for place in (spread, packed):
        seats = place(cluster(offers), group(*needs))
        if seats is None:
            continue
        assert sorted(pod for seat in seats for pod in seat.pods) == sorted(group(*needs))
        for seat, offered in zip(seats, offers, strict=True):
            assert seat.taken == total(pod.needs for pod in seat.pods)
            assert seat.taken.fits(offered)
        assert list(shortages(cluster(offers), group(*needs))) == []


@given(st.integers(1, 3), st.integers(1, 10), st.lists(st.integers(1, 10), max_size=6))
def test_of_pods_larger_than_half_a_node_it_is_always_known(
    nodes: int, size: int, sizes: list[int]
) -> None:
    needs = [Needs(cpu=max(each, size // 2 + 1)) for each in sizes]
    offers = [Needs(cpu=size, pods=9)] * nodes

    refused = bool(list(shortages(cluster(offers), group(*needs))))

    assert refused is not possible(offers, needs)
    assert refused is (packed(cluster(offers), group(*needs)) is None)


NODE = Needs(cpu=7, memory=30, disk=100, pods=5)


@pytest.mark.parametrize(
    ("pods", "told"),
    [
        ([Needs(cpu=3)] * 4, None),
        ([Needs(cpu=3)] * 5, ("cpu", 15, 14, NOTHING)),
        ([Needs(memory=16)] * 3, (None, 3, 2, Needs(memory=16, pods=0))),
        ([Needs(cpu=1, disk=101)], (None, 1, 0, Needs(disk=101, pods=0))),
        ([Needs()] * 11, ("pods", 11, 10, NOTHING)),
        # Neither too many in sum, nor three alike: of two sizes, each more than half a node.
        ([Needs(cpu=4), Needs(cpu=4), Needs(cpu=5)], (None, 3, 2, Needs(cpu=4, pods=0))),
        # Each resource of one pod is on some node, but on none are both.
        ([Needs(cpu=7, memory=30, disk=1), Needs(cpu=7, memory=1)], None),
    ],
)
def test_what_is_short_is_told(
    pods: list[Needs], told: tuple[str | None, int, int, Needs] | None
) -> None:
    short = shortages(cluster([NODE] * 2), group(*pods))
    found = [(s.resource, s.asked, s.offered, s.of) for s in short]

    assert found == ([told] if told else [])


def test_a_pod_whose_memory_is_on_one_node_and_whose_cores_are_on_another_has_none() -> None:
    nodes = cluster([Needs(cpu=9, memory=1, pods=9), Needs(cpu=1, memory=9, pods=9)])
    pod = Needs(cpu=5, memory=5)

    assert [(s.asked, s.offered, s.of) for s in shortages(nodes, group(pod))] == [(1, 0, pod)]


def test_replicas_are_apart_and_the_emptiest_node_is_first() -> None:
    pods = [Pod("a", Needs(cpu=2)), Pod("a", Needs(cpu=2)), Pod("b", Needs(cpu=1))]
    seats = spread(cluster([NODE] * 3), pods)

    assert seats is not None
    assert [[pod.owner for pod in seat.pods] for seat in seats] == [["a"], ["a"], ["b"]]


NINE = Needs(cpu=9, pods=9)


@pytest.mark.parametrize("sizes", [(6, 5, 3, 2, 2), (4, 4, 3, 3, 3)])
def test_packing_finds_room_where_spreading_leaves_none(sizes: tuple[int, ...]) -> None:
    pods = group(*[Needs(cpu=size) for size in sizes])

    assert spread(cluster([NINE] * 2), pods) is None
    assert packed(cluster([NINE] * 2), pods) is not None


def test_what_neither_finds_room_for_is_not_refused_for_that() -> None:
    """5 + 2 + 2 and 3 + 3 + 3."""
    needs = [Needs(cpu=size) for size in (5, 3, 3, 3, 2, 2)]
    nodes = cluster([NINE] * 2)

    assert spread(nodes, group(*needs)) is packed(nodes, group(*needs)) is None
    assert possible([NINE] * 2, needs)
    assert list(shortages(nodes, group(*needs))) == []


def test_without_nodes_only_nothing_is_placed() -> None:
    assert spread([], []) == []
    assert spread([], group(Needs(cpu=1))) is None
    assert [s.resource for s in shortages([], group(Needs(cpu=1)))] == ["cpu", "pods"]
