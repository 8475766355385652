"""What is wrong with a PromQL expression, given the metrics that exist.

An expression is evaluated on shapes instead of numbers: which labels the series of each part may
have, in which unit, and whether their value can ever fall.
"""

import re
from collections.abc import Mapping

import promql_parser as promql

from catalog.metrics import Exporter
from tests.promql.evaluation import Evaluation
from tests.promql.names import Names
from tests.promql.shapes import Shape

_LEGEND = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


class Lint:
    """Expressions over the metrics of *exporters* and over what rules record."""

    def __init__(self, exporters: Mapping[str, Exporter]) -> None:
        self._names = Names(exporters)

    @property
    def read(self) -> frozenset[str]:
        """Names of the series in every expression so far."""
        return frozenset(self._names.read)

    def record(self, name: str, expression: str) -> list[str]:
        """What is wrong with a recording rule; later expressions may read *name*."""
        shape, problems = self.evaluate(expression)
        self._names.record(name, shape)
        return problems

    def alert(self, expression: str, texts: str) -> list[str]:
        """What is wrong with an alert whose annotations are *texts*."""
        shape, problems = self.evaluate(expression, alert=True)
        if shape.only_grows:
            problems.append("a count since the start never falls: the alert would never resolve")
        return problems + self._unknown_labels(texts, shape)

    def panel(self, expression: str, legend: str) -> tuple[Shape, list[str]]:
        """Shape of a query of a dashboard, and what is wrong with it or its *legend*."""
        shape, problems = self.evaluate(expression)
        if shape.only_grows:
            problems.append("shows a count since the start: take its rate or increase")
        return shape, problems + self._unknown_labels(legend, shape)

    def evaluate(self, expression: str, *, alert: bool = False) -> tuple[Shape, list[str]]:
        """Shape of *expression*, and what is wrong with it."""
        evaluation = Evaluation(self._names, alert=alert)
        return evaluation.shape(promql.parse(expression)), evaluation.problems

    def _unknown_labels(self, text: str, shape: Shape) -> list[str]:
        labels = sorted(set(_LEGEND.findall(text)))
        return self._names.missing(labels, shape, "the text names the label")
