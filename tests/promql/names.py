"""Names that an expression may use: of series, labels and jobs."""

from collections.abc import Iterable, Mapping

from catalog.metrics import Exporter
from tests.promql.shapes import Shape, of_metric


class Names:
    """The series of *exporters*, and those that rules have recorded so far."""

    def __init__(self, exporters: Mapping[str, Exporter]) -> None:
        self._jobs = frozenset(exporters)
        self._recorded: dict[str, Shape] = {}
        self._gone = {
            series: (metric.instead or "", metric.until or "")
            for exporter in exporters.values()
            for name, metric in exporter.gone().items()
            for series in metric.series(name)
        }
        self._renamed = {
            old: new
            for exporter in exporters.values()
            for old, new in exporter.renamed_labels.items()
        }
        self._exported = {
            series: shape
            for exporter in exporters.values()
            for name in exporter.existing()
            for series, shape in of_metric(exporter, name).items()
        }
        self.read: set[str] = set()
        """Names of the series in every expression so far."""

    def record(self, name: str, shape: Shape) -> None:
        """Let later expressions read *name*."""
        self._recorded[name] = shape.derived

    def series(self, name: str) -> Shape | str:
        """The series called *name*, or what is wrong with it."""
        self.read.add(name)
        if shape := self._exported.get(name) or self._recorded.get(name):
            return shape
        if gone := self._gone.get(name):
            instead, version = gone
            return f"{name} is gone since {version}: read {instead}"
        return f"{name} is neither exported nor recorded"

    def missing(self, labels: Iterable[str], shape: Shape, what: str) -> list[str]:
        """What is wrong with *labels* that series of *shape* must have."""
        had = shape.labels or frozenset()
        return [
            f"{what} {label!r}: the series have {', '.join(sorted(had)) or 'no labels'}"
            + (f"; it is now {new!r}" if (new := self._renamed.get(label)) else "")
            for label in labels
            if label not in had
        ]

    def knows_job(self, job: str) -> bool:
        """Whether the catalog has the metrics of *job*."""
        return job in self._jobs
