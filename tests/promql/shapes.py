"""What is known of the series that a metric or an expression yields."""

from dataclasses import dataclass, replace

from catalog.metrics import TARGET_LABELS, Exporter, Kind
from tests.promql.units import UNITS, Quantity


@dataclass(frozen=True)
class Shape:
    """What is known of every series that an expression yields."""

    labels: frozenset[str] | None
    """Labels that may be there; None for a scalar, which has no series."""
    unit: Quantity | None = None
    """None for a number that is written out, which takes any unit."""
    kind: Kind | None = None
    """Of a metric as it is scraped; None after a function."""
    bounds: frozenset[str] | None = None
    """Values of `le`, if these are buckets."""
    observed: Quantity | None = None
    """Unit of what is sorted into these buckets."""
    keeps: str | None = None
    """What the value goes on to say when its cause is gone."""
    number: float | None = None
    """A number that is written out."""

    @property
    def only_grows(self) -> bool:
        """Whether it is a count since the start of the program."""
        return self.kind in {"counter", "histogram", "summary"}

    @property
    def derived(self) -> "Shape":
        """The same series, with values of their own."""
        return replace(self, kind=None, keeps=None, bounds=None, observed=None)


def of_metric(exporter: Exporter, name: str) -> dict[str, Shape]:
    """The shapes of the series of the metric *name* of *exporter*."""
    metric = exporter.metrics[name]
    labels = exporter.labels_of(name) | TARGET_LABELS
    measured = Shape(labels, UNITS[metric.unit], metric.kind, keeps=metric.keeps)
    counted = replace(measured, unit=UNITS[metric.counts])
    buckets = replace(
        counted,
        labels=labels | {"le"},
        bounds=metric.bounds(),
        observed=measured.unit,
    )
    of = {f"{name}_count": counted, f"{name}_bucket": buckets}
    return {series: of.get(series, measured) for series in metric.series(name)}
