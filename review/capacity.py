"""GPUs, GPU memory, CPU, memory, disk and money: before and after."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from base.units import GB, GIB
from catalog.gpus import gpus
from catalog.prices import HOURS_PER_MONTH, Prices
from review.changes import Change
from review.reading import items, mapping, number
from review.report import Amount, Headroom
from review.workloads import Needs, claims, workload

TIGHT = 0.05
"""Free share of GPU memory below which a model is reported as tight: sizing/overhead.py is an
estimate with an error of about 5 % of a GPU."""

_KILO = 1000

_DAEMON_SETS = "each DaemonSet counted once"

Outputs = Mapping[str, Any]
"""The outputs of a stack; `gpus` comes from `components.program.capacity_report`."""


def amounts(
    changes: Iterable[Change], before: Outputs, after: Outputs, prices: Prices
) -> list[Amount]:
    """Resources and cost of the stack before and after *changes*."""
    known = list(changes)
    old = _Side.of(before, ((c.kind, c.before) for c in known))
    new = _Side.of(after, ((c.kind, c.after) for c in known))
    both: tuple[tuple[str, Literal["cores", "GiB"], str], ...] = (
        ("CPU requested", "cores", "cores"),
        ("Memory requested", "GiB", "memory_bytes"),
    )
    return [
        *(_gpus(key, old, new) for key in sorted({*old.used, *new.used})),
        *(
            Amount(
                name=name,
                unit=unit,
                before=_scaled(getattr(old.needs, field), unit),
                after=_scaled(getattr(new.needs, field), unit),
                note=_DAEMON_SETS,
            )
            for name, unit, field in both
        ),
        Amount(name="Disk", unit="GiB", before=old.disk / GIB, after=new.disk / GIB),
        _euros(old, new, prices),
        _energy(old, new),
    ]


def headroom(before: Outputs, after: Outputs) -> list[Headroom]:
    """Free GPU memory of every model, before or after, the tightest first."""
    old, new = _models(before), _models(after)
    found = [_headroom(name, old.get(name), new.get(name)) for name in {**old, **new}]
    return sorted(found, key=lambda h: (h.free_after is None, h.free_after, h.name))


@dataclass(frozen=True)
class _Side:
    """The stack before or after the change."""

    needs: Needs
    """Requests of all long-running pods."""
    without_gpu: Needs
    """Requests of pods without GPUs: a GPU's price includes its share of the node."""
    disk: float
    """Claimed disk, bytes."""
    used: Mapping[str, float]
    """GPUs in use, by catalog key."""
    rented: Mapping[str, float]
    """GPUs of the pools, in use or not, by catalog key."""

    @classmethod
    def of(cls, outputs: Outputs, objects: Iterable[tuple[str, Mapping[str, Any]]]) -> "_Side":
        needs, without_gpu, disk = Needs(), Needs(), 0.0
        for kind, manifest in objects:
            found = workload(kind, manifest)
            disk += claims(kind, manifest) if manifest else 0
            if found:
                needs += found.needs
                without_gpu += Needs() if found.needs.gpus else found.needs
        used: dict[str, float] = {}
        rented: dict[str, float] = {}
        for pool in items(mapping(outputs, "gpus"), "pools"):
            key = str(pool.get("gpu"))
            used[key] = used.get(key, 0) + number(pool, "gpus_used")
            rented[key] = rented.get(key, 0) + number(pool, "gpus_available")
        return cls(needs, without_gpu, disk, used, rented)


def _gpus(key: str, old: _Side, new: _Side) -> Amount:
    return Amount(
        name=key,
        unit="GPUs",
        before=old.used.get(key, 0),
        after=new.used.get(key, 0),
        note=f"of {new.rented.get(key, 0):g} in the pools",
    )


def _energy(old: _Side, new: _Side) -> Amount:
    return Amount(
        name="Energy",
        unit="kWh/month",
        before=_kilowatt_hours(old),
        after=_kilowatt_hours(new),
        note="at most: board power of all GPUs in the pools; no other parts, no cooling",
    )


def _kilowatt_hours(side: _Side) -> float:
    known = gpus()
    watts = sum(known[key].power_watts * n for key, n in side.rented.items() if key in known)
    return watts * HOURS_PER_MONTH / _KILO


def _euros(old: _Side, new: _Side, prices: Prices) -> Amount:
    unpriced = sorted(key for key in {*old.rented, *new.rented} if prices.gpu(key) is None)
    note = f"list prices, no price for {', '.join(unpriced)}" if unpriced else "list prices"
    return Amount(
        name="Cost",
        unit="€/month",
        before=_cost(old, prices),
        after=_cost(new, prices),
        note=note,
    )


def _cost(side: _Side, prices: Prices) -> float:
    gpus = sum((prices.gpu(key) or 0) * count for key, count in side.rented.items())
    compute = prices.compute(side.without_gpu.cores, side.without_gpu.memory_bytes)
    return gpus + compute + prices.storage(side.disk)


def _scaled(value: float, unit: str) -> float:
    return value / GIB if unit == "GiB" else value


def _models(outputs: Outputs) -> dict[str, Mapping[str, Any]]:
    return {str(m.get("name")): m for m in items(mapping(outputs, "gpus"), "models")}


def _headroom(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> Headroom:
    free = _free(new)
    return Headroom(
        name=name,
        model_before=str(old.get("model")) if old else None,
        model_after=str(new.get("model")) if new else None,
        gpus_before=number(old, "gpus") if old else None,
        gpus_after=number(new, "gpus") if new else None,
        free_before=_free(old),
        free_after=free,
        gigabytes_after=number(new, "headroom_bytes") / GB if new else None,
        tight=free is not None and free < TIGHT,
    )


def _free(model: Mapping[str, Any] | None) -> float | None:
    size = number(model, "gpu_bytes")
    return number(model, "headroom_bytes") / size if size else None
