"""Units of metrics, what arithmetic makes of them, and what Grafana's units mean."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.metrics import Unit
from components.monitoring import dashboard

_COUNTED = frozenset({"count", "request", "token", "code"})
"""What has no unit on a panel but its name in the title."""


@dataclass(frozen=True)
class Quantity:
    """*scale* times the product of *powers*: a millijoule is 0.001 joule."""

    scale: float = 1
    powers: Mapping[str, int] = field(default_factory=dict)

    def __mul__(self, other: "Quantity") -> "Quantity":
        """The unit of a product."""
        return self._combined(other, 1)

    def __truediv__(self, other: "Quantity") -> "Quantity":
        """The unit of a quotient."""
        return self._combined(other, -1)

    def _combined(self, other: "Quantity", sign: int) -> "Quantity":
        names = {*self.powers, *other.powers}
        powers = {n: self.powers.get(n, 0) + sign * other.powers.get(n, 0) for n in names}
        kept = {name: power for name, power in sorted(powers.items()) if power}
        return Quantity(self.scale * other.scale**sign, kept)

    def same(self, other: "Quantity") -> bool:
        """Whether numbers of both may be compared and added."""
        return self.powers == other.powers and math.isclose(self.scale, other.scale)

    @property
    def is_ratio(self) -> bool:
        """Whether it is a share, from 0 to 1."""
        return self.same(Quantity())

    def __str__(self) -> str:
        """Scale and powers: `0.001 joule token^-1`."""
        names = " ".join(f"{n}^{p}" if p != 1 else n for n, p in self.powers.items()) or "ratio"
        return names if math.isclose(self.scale, 1) else f"{self.scale:g} {names}"


PER_SECOND = Quantity(1, {"second": -1})

UNITS: Mapping[Unit, Quantity] = {
    "count": Quantity(1, {"count": 1}),
    "requests": Quantity(1, {"request": 1}),
    "tokens": Quantity(1, {"token": 1}),
    "ratio": Quantity(),
    "percent": Quantity(0.01),
    "seconds": Quantity(1, {"second": 1}),
    "milliseconds": Quantity(1e-3, {"second": 1}),
    "nanoseconds": Quantity(1e-9, {"second": 1}),
    "bytes": Quantity(1, {"byte": 1}),
    "mebibytes": Quantity(2**20, {"byte": 1}),
    "watts": Quantity(1, {"joule": 1, "second": -1}),
    "millijoules": Quantity(1e-3, {"joule": 1}),
    "celsius": Quantity(1, {"celsius": 1}),
    "megahertz": Quantity(1e6, {"second": -1}),
    "code": Quantity(1, {"code": 1}),
}

_PANELS: Mapping[dashboard.Unit, Quantity] = {
    "s": UNITS["seconds"],
    "ms": UNITS["milliseconds"],
    "percentunit": UNITS["ratio"],
    "reqps": UNITS["requests"] * PER_SECOND,
    "watt": UNITS["watts"],
    "joule": Quantity(1, {"joule": 1}),
    "celsius": UNITS["celsius"],
    "mbytes": UNITS["mebibytes"],
    "bytes": UNITS["bytes"],
    "Bps": UNITS["bytes"] * PER_SECOND,
}


def shown_as(quantity: Quantity, unit: dashboard.Unit) -> bool:
    """Whether a panel with *unit* says what *quantity* is.

    `short` prints the bare number, of things or of things per second.
    """
    if unit == "short":
        things = {n: p for n, p in quantity.powers.items() if n != "second"}
        per = quantity.powers.get("second", 0)
        return bool(things) and set(things) <= _COUNTED and quantity.scale == 1 and per in {0, -1}
    expected = _PANELS[unit]
    if "request" in expected.powers:
        return quantity.same(expected)
    things = {n: p for n, p in quantity.powers.items() if n not in _COUNTED or p > 0}
    return Quantity(quantity.scale, things).same(expected)
