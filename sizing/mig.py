"""MIG: the sets of instances that a card can hold at once.

A geometry is a count by profile, as mig-parted writes it: `{"3g.40gb": 1, "1g.10gb": 4}`.
"""

from collections.abc import Mapping, Sequence

from base.model import Model
from catalog.gpus import GpuSpec, MigProfile
from catalog.load import UnknownEntryError, find


class MigInstance(Model):
    """One instance on the card's row of memory slices."""

    profile: str
    start: int
    size: int
    """Slices covered: from `start` up to, not including, `start + size`."""


def profile(gpu: GpuSpec, name: str) -> MigProfile:
    """The profile of that name. Raises UnknownEntryError, which names the card's profiles."""
    return find(
        f"MIG profile of {gpu.key}", "gpus.yaml", {entry.name: entry for entry in gpu.mig}, name
    )


def fits(gpu: GpuSpec, geometry: Mapping[str, int]) -> bool:
    """Whether the card can hold all these instances at once; False for an unknown profile."""
    return not geometry_problems(gpu, geometry)


def layout(gpu: GpuSpec, geometry: Mapping[str, int]) -> list[MigInstance] | None:
    """A place for each instance, sorted by start; None where they do not all fit.

    Raises UnknownEntryError for a profile that the card does not have.
    """
    wanted = [
        entry
        for entry in sorted(
            (profile(gpu, name) for name in geometry), key=lambda entry: -entry.memory_slices
        )
        for _ in range(geometry[entry.name])
    ]
    found = _place(wanted, frozenset())
    return found and sorted(found, key=lambda instance: instance.start)


def geometry_problems(gpu: GpuSpec, geometry: Mapping[str, int]) -> list[str]:
    """The problems of a geometry, each with the change that solves it; empty if it fits."""
    if not gpu.mig:
        return [f"{gpu.key} does not support MIG. Use time-slicing or MPS."]
    problems: list[str] = []
    for name, count in geometry.items():
        try:
            known = profile(gpu, name)
        except UnknownEntryError as error:
            problems.append(
                f"{name} is not a profile of {gpu.key}; use one of {', '.join(error.allowed)}"
            )
            continue
        if count < 1:
            problems.append(f"{name}: {count} is too few; set 1 or more, or remove it")
        elif count > known.max_instances:
            problems.append(f"{name}: {count} is too many; at most {known.max_instances} fit")
    if not problems and geometry and layout(gpu, geometry) is None:
        problems.append(
            f"{describe(geometry)} do not fit on {gpu.key} at once: the instances would overlap."
            f" Geometries that fit: {_smaller(gpu, geometry)}"
        )
    return problems


def describe(geometry: Mapping[str, int]) -> str:
    """A geometry as text, such as `3g.40gb x1 + 1g.10gb x4`."""
    return " + ".join(f"{name} x{count}" for name, count in geometry.items())


def _place(wanted: Sequence[MigProfile], taken: frozenset[int]) -> list[MigInstance] | None:
    """The first layout of *wanted* around the slices already taken; tries every start."""
    if not wanted:
        return []
    first, *rest = wanted
    for start in first.starts:
        covered = frozenset(range(start, start + first.memory_slices))
        if covered & taken:
            continue
        others = _place(rest, taken | covered)
        if others is not None:
            instance = MigInstance(profile=first.name, start=start, size=first.memory_slices)
            return [instance, *others]
    return None


def _smaller(gpu: GpuSpec, geometry: Mapping[str, int]) -> str:
    """The geometries that fit after removing as few instances as possible."""
    candidates = [dict(geometry)]
    while True:
        fewer = [
            {key: count - (key == name) for key, count in each.items() if count > (key == name)}
            for each in candidates
            for name in each
        ]
        candidates = list({describe(each): each for each in fewer}.values())
        fitting = [describe(each) for each in candidates if layout(gpu, each)]
        if fitting:
            return ", or ".join(fitting)
