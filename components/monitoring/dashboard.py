"""Grafana dashboards as data, with an automatic panel layout."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from components.common.labels import DOMAIN

DATASOURCE = "prometheus"
"""UID of the only data source."""

Unit = Literal[
    "short", "s", "ms", "percentunit", "reqps", "watt", "joule", "celsius", "mbytes", "bytes", "Bps"
]
"""Grafana's unit names; `mbytes` are MiB."""
Kind = Literal["timeseries", "stat"]

_COLUMNS, _HEIGHT = 24, 8
_WIDTH: Mapping[Kind, int] = {"timeseries": 12, "stat": 6}
_SCHEMA = 39
"""Schema version of Grafana 11; newer versions migrate it on load."""


@dataclass(frozen=True)
class Panel:
    """One panel; *queries* maps legends to PromQL."""

    title: str
    unit: Unit
    queries: Mapping[str, str]
    kind: Kind = "timeseries"


@dataclass(frozen=True)
class Dashboard:
    """Panels in order, two or four per row."""

    uid: str
    title: str
    panels: Sequence[Panel]

    def queries(self) -> Iterator[str]:
        """Every PromQL expression."""
        for panel in self.panels:
            yield from panel.queries.values()

    def json(self) -> dict[str, Any]:
        """The dashboard in Grafana's JSON model."""
        return {
            "uid": self.uid,
            "title": self.title,
            "tags": [DOMAIN],
            "schemaVersion": _SCHEMA,
            "editable": False,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "panels": list(_laid_out(self.panels)),
        }


def _laid_out(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    x = y = 0
    for number, panel in enumerate(panels, 1):
        width = _WIDTH[panel.kind]
        if x + width > _COLUMNS:
            x, y = 0, y + _HEIGHT
        yield {
            "id": number,
            "type": panel.kind,
            "title": panel.title,
            "datasource": {"type": "prometheus", "uid": DATASOURCE},
            "gridPos": {"x": x, "y": y, "w": width, "h": _HEIGHT},
            "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
            "targets": [
                {"refId": chr(ord("A") + n), "expr": expression, "legendFormat": legend}
                for n, (legend, expression) in enumerate(panel.queries.items())
            ],
        }
        x += width
