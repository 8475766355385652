"""Prometheus's text format: what a running program exposes."""

import re
from collections.abc import Mapping
from math import inf

from catalog.metrics import Exporter, Metric

_SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s", re.MULTILINE)
_TYPE = re.compile(r"^# TYPE (\S+) (\w+)$", re.MULTILINE)
_LABEL = re.compile(r'([A-Za-z_]\w*)="(?:\\.|[^"\\])*"')


def series(text: str) -> Mapping[str, frozenset[str]]:
    """The labels that each time series of *text* has, by its name."""
    found: dict[str, frozenset[str]] = {}
    for name, labels in _SAMPLE.findall(text):
        found[name] = found.get(name, frozenset()) | frozenset(_LABEL.findall(labels))
    return found


def total(text: str, name: str, **labels: str) -> float:
    """The sum of the series called *name* with these *labels*, by regular expression."""
    return sum(
        float(value)
        for line, value in re.findall(rf"^{name}(\{{.*\}}) (\S+)$", text, re.MULTILINE)
        if all(re.search(rf'[{{,]{label}="{wanted}"', line) for label, wanted in labels.items())
    )


def differences(text: str, exporter: Exporter) -> Mapping[str, str]:
    """How what a program exposes in *text* differs from its records, by metric.

    Every recorded metric must be there, with its kind, its labels and its edges.
    """
    return {
        name: said
        for name, metric in exporter.existing().items()
        if (said := _difference(text, name, metric, exporter.labels_of(name)))
    }


def _difference(text: str, name: str, metric: Metric, labels: frozenset[str]) -> str:
    exposed, kinds = series(text), dict(_TYPE.findall(text))
    if missing := [part for part in metric.series(name) if part not in exposed]:
        return f"no {', '.join(missing)}"
    # OpenMetrics gives the type of a counter without its ending.
    kind = kinds.get(name) or kinds.get(name.removesuffix("_total"))
    if kind != metric.kind:
        return f"a {kind}, not a {metric.kind}"
    had = exposed[metric.series(name)[0]] - {"le"}
    if had != labels:
        return f"labels {', '.join(sorted(had))}, not {', '.join(sorted(labels))}"
    bounds = re.findall(rf'^{name}_bucket{{.*?\ble="([^"]+)"', text, re.MULTILINE)
    edges = {float(bound) for bound in bounds} - {inf}
    return "" if edges == set(metric.edges) else f"edges {sorted(edges)}, not {metric.edges}"
