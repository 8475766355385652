"""Prometheus's text format: what a running program exposes."""

import re
from collections.abc import Mapping

_SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s", re.MULTILINE)
_LABEL = re.compile(r'([A-Za-z_]\w*)="(?:\\.|[^"\\])*"')


def series(text: str) -> Mapping[str, frozenset[str]]:
    """The labels that each time series of *text* has, by its name."""
    found: dict[str, frozenset[str]] = {}
    for name, labels in _SAMPLE.findall(text):
        found[name] = found.get(name, frozenset()) | frozenset(_LABEL.findall(labels))
    return found


def names(metric: str, kind: str) -> frozenset[str]:
    """The series of one *metric* of that *kind*: a histogram is three."""
    if kind == "histogram":
        return frozenset(f"{metric}_{part}" for part in ("bucket", "sum", "count"))
    return frozenset({metric})
