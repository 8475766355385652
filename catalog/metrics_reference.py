"""The reference page of the metrics: `python -m catalog.metrics_reference`."""

import sys
from collections.abc import Iterator

from catalog.metrics import TARGET_LABELS, Exporter, Metric, exporters

_HEAD = """# Metrics

<!-- Generated from catalog/metrics/ by `make docs`; edit the records there. -->

The metrics that the rules, the dashboards and the autoscaler read, and all that the GPU exporter
is told to collect, as the deployed versions export them. `tests/promql` checks every expression
against these records: names, labels, units, bounds of buckets, and whether an alert can resolve.
A new version of an image needs its records read anew; a test says so.

Prometheus adds the labels {target} to every series.
"""


def render() -> str:
    """The page, in Markdown."""
    target = ", ".join(f"`{label}`" for label in sorted(TARGET_LABELS))
    parts = [_HEAD.format(target=target)]
    parts += ["\n".join(_section(job, exporter)) for job, exporter in exporters().items()]
    return "\n".join(parts)


def _section(job: str, exporter: Exporter) -> Iterator[str]:
    title = "Of every target" if job == "any" else f'`job="{job}"`'
    yield f"## {title}\n"
    version = f"Version {exporter.read_at}. " if job != "any" else ""
    yield f"{version}Source: {exporter.source}.\n"
    if exporter.labels:
        yield f"Labels of all: {_listed(exporter.labels)}.\n"
    for old, new in exporter.renamed_labels.items():
        yield f"Older versions call the label `{new}` `{old}`.\n"
    yield "| metric | kind | unit | labels | meaning |"
    yield "| --- | --- | --- | --- | --- |"
    for name, metric in exporter.existing().items():
        yield (
            f"| `{name}` | {metric.kind} | {metric.unit} | {_listed(metric.labels)} |"
            f" {_meaning(metric)} |"
        )
    yield ""
    for name, metric in exporter.gone().items():
        yield f"Gone since {metric.until}: `{name}`. Read `{metric.instead}`.\n"


def _meaning(metric: Metric) -> str:
    said = [metric.meaning]
    if metric.edges:
        bounds = ", ".join(f"{edge:g}" for edge in metric.edges)
        said.append(f"Buckets up to {bounds}.")
    if metric.keeps:
        said.append(f"Not for alerts: it keeps {metric.keeps}.")
    if metric.source:
        said.append(f"Source: {metric.source}.")
    return " ".join(said).replace("|", "\\|")


def _listed(labels: frozenset[str]) -> str:
    return ", ".join(f"`{label}`" for label in sorted(labels))


if __name__ == "__main__":
    sys.stdout.write(render())
