"""Every PromQL expression of the stack, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.metrics import exporters
from components.models.vllm import autoscaler
from components.monitoring.alert_rules import rules
from components.monitoring.dashboards import DASHBOARDS
from config.settings.observability import SloSettings
from tests.promql.lint import Lint
from tests.promql.units import shown_as

TARGETS = tuple((job, f"a-{job}") for job in exporters() if job != "any")


def generated(**slo: float) -> list[dict[str, Any]]:
    """The rules, in order."""
    groups = rules(SloSettings(**slo), TARGETS)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def problems(lint: Lint) -> dict[str, list[str]]:
    """What is wrong with each rule, panel and query of the autoscaler that is wrong."""
    found = dict([*_rules(lint), *_panels(lint), *_autoscaler(lint)])
    return {where: wrong for where, wrong in found.items() if wrong}


def _rules(lint: Lint) -> Iterator[tuple[str, list[str]]]:
    for rule in generated():
        if "record" in rule:
            yield rule["record"], lint.record(rule["record"], rule["expr"])
        else:
            yield rule["alert"], lint.alert(rule["expr"], _texts(rule["annotations"]))


def _texts(annotations: Mapping[str, str]) -> str:
    return " ".join(annotations.values())


def _panels(lint: Lint) -> Iterator[tuple[str, list[str]]]:
    for board in DASHBOARDS:
        for panel in board.panels:
            wrong: list[str] = []
            for legend, query in panel.queries.items():
                shape, said = lint.panel(query, legend)
                wrong += said
                if shape.unit and not shown_as(shape.unit, panel.unit):
                    wrong.append(f"{shape.unit} is shown as {panel.unit}: {query}")
            yield f"{board.uid}: {panel.title}", wrong


def _autoscaler(lint: Lint) -> Iterator[tuple[str, list[str]]]:
    for metric in (autoscaler.WAITING, autoscaler.RUNNING):
        query = autoscaler.query(metric, "chat")
        yield f"autoscaler: {metric}", lint.evaluate(query)[1]


def job_of(series: str) -> str | None:
    """The job that exports *series*; None for what Prometheus itself makes."""
    for job, exporter in exporters().items():
        if any(series in metric.series(name) for name, metric in exporter.metrics.items()):
            return None if job == "any" else job
    return None
