"""Metrics that rules and dashboards may read: one record each, as deployed versions export them.

A metric that no target exports means an alert that never fires and a panel without data; a label
that it does not have, a message without a name. `tests/promql` checks every expression against
these records.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, Field, model_validator

from base.model import Model
from catalog.images import image_spec
from catalog.load import catalog_file

Kind = Literal["counter", "gauge", "histogram", "summary"]

Unit = Literal[
    "count",
    "requests",
    "tokens",
    "ratio",
    "percent",
    "seconds",
    "milliseconds",
    "nanoseconds",
    "bytes",
    "mebibytes",
    "watts",
    "millijoules",
    "celsius",
    "megahertz",
    "code",
]
"""What one of it is; `code` is a number with a meaning of its own, not a quantity."""

TARGET_LABELS = frozenset({"job", "component", "instance"})
"""Labels that Prometheus adds to every series; see components/monitoring/prometheus_config.py."""

_PARTS: Mapping[Kind, tuple[str, ...]] = {
    "counter": ("",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}


_Labels = Annotated[frozenset[str], Field(strict=False)]
"""YAML has lists only."""


def _ascending(edges: tuple[float, ...]) -> tuple[float, ...]:
    if list(edges) != sorted(set(edges)):
        message = "must ascend"
        raise ValueError(message)
    return edges


Version = Annotated[str, Field(pattern=r"^\d+(\.\d+)+$")]


class Metric(Model):
    """One metric of an exporter."""

    kind: Kind
    unit: Unit
    meaning: str = Field(min_length=1)
    labels: _Labels = frozenset()
    """Besides those that all metrics of the exporter have."""
    edges: Annotated[tuple[float, ...], Field(strict=False), AfterValidator(_ascending)] = ()
    """Upper bounds of a histogram's buckets, without infinity."""
    counts: Unit = "count"
    """What one observation of a histogram or summary is."""
    keeps: str | None = None
    """What it goes on to say when the cause is gone; an alert on it would never resolve."""
    since: Version | None = None
    """First version that exports it, where an older one may be deployed."""
    until: Version | None = None
    """First version that no longer exports it."""
    instead: str | None = None
    """What to read from that version on."""
    source: str | None = None
    """Where it differs from the exporter's."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.edges) != (self.kind == "histogram"):
            message = "edges belong to a histogram, and a histogram has them"
            raise ValueError(message)
        if bool(self.until) != bool(self.instead):
            message = "a metric that is gone names what to read instead"
            raise ValueError(message)
        return self

    def series(self, name: str) -> tuple[str, ...]:
        """Names of the time series of the metric *name*: a histogram has three."""
        return tuple(f"{name}{part}" for part in _PARTS[self.kind])

    def exists_at(self, version: str) -> bool:
        """Whether *version* of the exporter has it."""
        at = _numbers(version)
        return not (
            (self.since and at < _numbers(self.since))
            or (self.until and at >= _numbers(self.until))
        )

    def bounds(self) -> frozenset[str]:
        """Values of `le`, as Prometheus writes them since version 3."""
        return frozenset({*(str(float(edge)) for edge in self.edges), "+Inf"})


class Exporter(Model):
    """The metrics of one `job`."""

    image: str | None = None
    """Key of images.yaml; None where the program is not deployed by this stack."""
    read_at: str = "any"
    """Version of the program that the records describe."""
    source: str
    labels: _Labels
    """Labels of every metric; some may be absent from some series."""
    renamed_labels: Mapping[str, str] = {}
    """Present names of labels by their names in versions before `read_at`."""
    metrics: Mapping[str, Metric]

    def existing(self) -> Mapping[str, Metric]:
        """The metrics that the described version has, by name."""
        return {name: m for name, m in self.metrics.items() if m.exists_at(self.read_at)}

    def gone(self) -> Mapping[str, Metric]:
        """Those that it does not have."""
        return {name: m for name, m in self.metrics.items() if not m.exists_at(self.read_at)}

    def labels_of(self, metric: str) -> frozenset[str]:
        """Every label that series of *metric* may have, except `le` and those of the target."""
        return self.labels | self.metrics[metric].labels

    def is_deployed(self) -> bool:
        """Whether images.yaml deploys the version that the records describe."""
        if self.image is None:
            return True
        pattern = rf"v?{re.escape(self.read_at)}(-[a-z][\w.-]*)?"
        return re.fullmatch(pattern, image_spec(self.image).tag) is not None


@cache
def exporters() -> Mapping[str, Exporter]:
    """Every exporter by `job`; `any` stands for what Prometheus adds to each."""
    return {
        file.stem: Exporter.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        for file in sorted(catalog_file("metrics").glob("*.yaml"))
    }


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
