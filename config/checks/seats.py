"""Whether every pod without GPUs finds room on the nodes that such pods may run on.

Refused is only what no scheduler could place, by the requests alone. Where no room was found
although there may be some, and where an update would find none, there is advice. For pods with
GPUs: `sizing.capacity` and `config.checks.nodes`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil, floor
from typing import Final

from base.problems import Problem
from base.units import GIB
from catalog.machines import MACHINES, Profile
from config.machines import OTHERS, offers
from config.pods import PodSet, pods
from config.stack import StackConfig
from sizing.seating import (
    NOTHING,
    RESOURCES,
    Needs,
    Pod,
    Resource,
    Seat,
    Shortage,
    packed,
    shortages,
    spread,
    total,
)

_TRIES: Final = 20
"""Numbers of machines that are tried above the least by the sums."""
_NAMED: Final = 3
"""Settings that a message names, those of the largest requests."""
_UNITS: Final[dict[Resource, tuple[str, str, int]]] = {
    "cpu": ("requests.cpu", "cores", 1000),
    "memory": ("requests.memory", "GiB of memory", GIB),
    "disk": ("requests.ephemeral_storage", "GiB of disk", GIB),
    "pods": ("", "pods", 1),
}
"""Of each resource: its field, its unit, and how many make one."""


def seat_problems(config: StackConfig) -> Iterator[Problem]:
    """What keeps pods from running all at once, or one of them from running at all."""
    sets, nodes = _sets(config), _nodes(config)
    if not nodes:
        every = _pods(sets)
        yield Problem(
            "cluster.nodes",
            f"only nodes with GPUs, whose taint keeps off {len(every)} pods that request"
            f" {_amounts(total(pod.needs for pod in every))}",
            "also nodes without GPUs",
            _change(config, ""),
        )
        return
    for short in shortages(nodes, _pods(sets)):
        yield _problem(config, sets, short)
    for job in _sets(config, "job"):
        for short in shortages(nodes, _pods([job])):
            yield _problem(config, [job], short)


def seat_advice(config: StackConfig) -> Iterator[Problem]:
    """What may stay Pending beside the cluster's own pods, or while something is updated.

    For an accepted *config*; the rest is refused already.
    """
    sets, nodes = _sets(config), _nodes(config, OTHERS)
    every = _pods(sets)
    asked = total(pod.needs for pod in every)
    beside = f"beside pods of the cluster's own, assumed to request {_amounts(OTHERS)} a node"
    seats = spread(nodes, every)
    if seats is None:
        yield Problem(
            "cluster.nodes",
            f"no room found for all pods without GPUs, which request {_amounts(asked)}",
            f"room for them spread over {_machines(config)}, {beside}",
            _change(config, _lower(sets, _scarcest(config, asked))),
        )
        return
    late = [
        each
        for each in _late(config)
        if not any(seat.has_room(_pod(each)) for seat in seats)
        and spread(nodes, [*every, _pod(each)]) is None
    ]
    if late:
        yield Problem(
            "cluster.nodes",
            f"no room found for one more pod of {', '.join(_named(late))}",
            "room for the pod that an update starts before it stops an old one, and for each Job,"
            f" on {_machines(config)}, {beside}",
            _change(config, _lower(sets, _scarcest(config, asked))),
        )


def seated(config: StackConfig) -> list[Seat] | None:
    """The pods without GPUs on their nodes, as the scheduler could place them; None: not found."""
    nodes, every = _nodes(config), _pods(_sets(config))
    return spread(nodes, every) or packed(nodes, every)


def _sets(config: StackConfig, kind: str = "server") -> list[PodSet]:
    return [each for each in pods(config) if each.pool is None and each.kind == kind]


def _late(config: StackConfig) -> list[PodSet]:
    """Those of which one pod more runs for a time: in an update, or once."""
    return [*(each for each in _sets(config) if each.surge), *_sets(config, "job")]


def _pods(sets: Sequence[PodSet]) -> list[Pod]:
    return [_pod(each) for each in sets for _ in range(each.count)]


def _pod(each: PodSet) -> Pod:
    return Pod(each.name, each.needs)


def _nodes(config: StackConfig, spare: Needs = NOTHING) -> list[tuple[str, Needs]]:
    """The nodes that pods without GPUs may run on, and what each offers, less *spare*."""
    return [
        (node.name, offers(node.group.machine, spare))
        for node in config.cluster.machines()
        if not node.group.tainted
    ]


def _problem(config: StackConfig, sets: Sequence[PodSet], short: Shortage) -> Problem:
    if short.resource:
        _, unit, size = _UNITS[short.resource]
        return Problem(
            "cluster.nodes",
            f"{_up(short.asked / size)} {unit} asked of {_down(short.offered / size)} on the nodes"
            " without GPUs",
            f"at most {_down(short.offered / size)}, the sum for pods of {_machines(config)}",
            _change(config, _lower(sets, short.resource)),
        )
    large = [each for each in sets if short.of.fits(each.needs)]
    return Problem(
        f"{large[0].resources}.requests" if large[0].resources else "cluster.nodes",
        f"{short.asked} pods of {_amounts(short.of)} or more each"
        f" ({', '.join(each.name for each in large)})",
        f"at most {short.offered} such pods, the room for them on {_machines(config)}",
        _change(config, _lower(large, next(name for name in RESOURCES if short.of.of(name)))),
    )


def _change(config: StackConfig, lower: str) -> str:
    ways = [f"lower {lower}"] if lower else []
    if added := _added(config):
        count, profile = added
        ways.append(f"add {'one' if count == 1 else count} {profile} to cluster.nodes")
    text = ", or ".join(ways)
    return f"{text[0].upper()}{text[1:]}."


def _lower(sets: Sequence[PodSet], resource: Resource) -> str:
    """The settings of the largest requests, with what they come to."""
    field, unit, size = _UNITS[resource]
    found: list[str] = []
    for each in sorted(sets, key=lambda s: s.needs.of(resource) * s.count, reverse=True):
        if not field and each.replicas:
            found.append(f"{each.replicas} ({each.count})")
        elif field and each.resources:
            amount = _up(each.needs.of(resource) / size)
            found.append(f"{each.resources}.{field} ({each.count} x {amount} {unit.split()[0]})")
    *others, last = found[:_NAMED] or [""]
    return f"{', '.join(others)} or {last}" if others else last


def _named(late: Sequence[PodSet]) -> list[str]:
    jobs = sum(each.kind == "job" for each in late)
    named = [each.name for each in late if each.kind != "job"]
    return [*named, *([f"{jobs} Jobs"] if jobs else [])]


def _scarcest(config: StackConfig, asked: Needs) -> Resource:
    """The resource of which *asked* is the largest share; there is a node."""
    offered = total(needs for _, needs in _nodes(config))
    return max(RESOURCES, key=lambda name: asked.of(name) / offered.of(name))


def _added(config: StackConfig) -> tuple[int, Profile] | None:
    """The fewest machines of one kind with which all pods find room, also in updates."""
    late = [each.needs for each in _late(config)]
    one_more = Needs(*(max(amounts) for amounts in zip(*late, strict=True)))
    every = [*_pods(_sets(config)), Pod("one more", one_more)]
    nodes = _nodes(config, OTHERS)
    found: list[tuple[int, Profile]] = []
    for kind, machine in MACHINES.items():
        if machine.gpu:
            continue
        offered = offers(machine, OTHERS)
        least = _least_added(nodes, every, offered)
        for count in range(least, least + _TRIES):
            more = [(f"{kind} {number}", offered) for number in range(count)]
            if spread([*nodes, *more], every):
                found.append((count, kind))
                break
    return min(found, key=lambda each: each[0], default=None)


def _least_added(nodes: Sequence[tuple[str, Needs]], every: Sequence[Pod], offered: Needs) -> int:
    """The machines that offer *offered* each, and are missing by the sums; at least one."""
    asked, there = total(pod.needs for pod in every), total(needs for _, needs in nodes)
    missing = (ceil((a - t) / o) for a, t, o in zip(asked, there, offered, strict=True))
    return max(1, *missing)


def _machines(config: StackConfig) -> str:
    counted: Counter[Profile] = Counter()
    for group in config.cluster.nodes:
        if not group.tainted:
            counted[group.profile] += group.count
    listed = [f"{count} x {profile}" for profile, count in counted.items()]
    return ", ".join(listed)


def _amounts(needs: Needs) -> str:
    return ", ".join(
        f"{_up(needs.of(name) / size)} {unit}"
        for name, (field, unit, size) in _UNITS.items()
        if field and needs.of(name)
    )


def _up(amount: float) -> str:
    return f"{ceil(round(amount * 100, 6)) / 100:g}"


def _down(amount: float) -> str:
    return f"{floor(round(amount * 100, 6)) / 100:g}"
