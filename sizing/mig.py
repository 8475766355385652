"""MIG: which sets of slices a card can hold at once, and how large each slice is.

A geometry is a count by profile, as mig-parted writes it: `{"3g.40gb": 1, "1g.10gb": 4}`.
"""

from collections.abc import Mapping, Sequence

from base.model import Model
from catalog.gpus import GpuSpec, MigProfile
from catalog.load import UnknownEntryError, find


class Placement(Model):
    """One instance on the card's row of memory slices."""

    profile: str
    start: int
    size: int
    """It covers the slices from `start` up to, not including, `start + size`."""


def profile(gpu: GpuSpec, name: str) -> MigProfile:
    """The profile of that name, or an UnknownEntryError that names those of the card."""
    return find(
        f"MIG profile of {gpu.key}", "gpus.yaml", {entry.name: entry for entry in gpu.mig}, name
    )


def device_memory_bytes(gpu: GpuSpec, name: str) -> int:
    """Memory of one instance of that profile in bytes; UnknownEntryError where there is none."""
    return profile(gpu, name).memory_bytes


def fits(gpu: GpuSpec, geometry: Mapping[str, int]) -> bool:
    """Whether the card can hold all these instances at once; False for a profile it has not."""
    return not geometry_problems(gpu, geometry)


def layout(gpu: GpuSpec, geometry: Mapping[str, int]) -> list[Placement] | None:
    """Where each instance would lie, by start, or None where they cannot all lie somewhere.

    Raises UnknownEntryError for a profile that the card has not.
    """
    wanted = [
        entry
        for entry in sorted(
            (profile(gpu, name) for name in geometry), key=lambda entry: -entry.memory_slices
        )
        for _ in range(geometry[entry.name])
    ]
    found = _place(wanted, frozenset())
    return found and sorted(found, key=lambda placement: placement.start)


def geometry_problems(gpu: GpuSpec, geometry: Mapping[str, int]) -> list[str]:
    """What is wrong with a geometry, each as a sentence with what to change; empty if it fits."""
    if not gpu.mig:
        return [f"{gpu.key} cannot be cut: it has no MIG. Use time-slicing or MPS."]
    problems: list[str] = []
    for name, count in geometry.items():
        try:
            known = profile(gpu, name)
        except UnknownEntryError as error:
            problems.append(f"{name} is no profile of {gpu.key}; it has {', '.join(error.allowed)}")
            continue
        if count < 1:
            problems.append(f"{name}: {count} asked; ask for 1 or more, or leave it out")
        elif count > known.max_instances:
            problems.append(f"{name}: {count} asked; {gpu.key} holds at most {known.max_instances}")
    if not problems and geometry and layout(gpu, geometry) is None:
        problems.append(
            f"{describe(geometry)} do not fit on {gpu.key} at once: its slices would overlap."
            f" What fits: {_smaller(gpu, geometry)}"
        )
    return problems


def describe(geometry: Mapping[str, int]) -> str:
    """A geometry in words, like `3g.40gb x1 + 1g.10gb x4`."""
    return " + ".join(f"{name} x{count}" for name, count in geometry.items())


def _place(wanted: Sequence[MigProfile], taken: frozenset[int]) -> list[Placement] | None:
    """The first way to lay them out beside the slices already taken, trying every one."""
    if not wanted:
        return []
    first, *rest = wanted
    for start in first.starts:
        covered = frozenset(range(start, start + first.memory_slices))
        if covered & taken:
            continue
        others = _place(rest, taken | covered)
        if others is not None:
            placement = Placement(profile=first.name, start=start, size=first.memory_slices)
            return [placement, *others]
    return None


def _smaller(gpu: GpuSpec, geometry: Mapping[str, int]) -> str:
    """The geometries nearest below that fit: as few instances fewer as it takes."""
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
