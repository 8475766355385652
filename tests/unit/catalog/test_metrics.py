"""The records of metrics describe the versions that are deployed."""

import pytest
from pydantic import ValidationError

from catalog.metrics import TARGET_LABELS, Exporter, Metric, exporters
from catalog.metrics_reference import render
from components.gpu.dcgm_exporter import counters
from tests.paths import ROOT


@pytest.mark.parametrize("job", exporters())
def test_the_records_are_read_at_the_version_that_is_deployed(job: str) -> None:
    exporter = exporters()[job]

    assert exporter.is_deployed(), f"read the metrics of {exporter.image} anew, then set read_at"


@pytest.mark.parametrize("job", exporters())
def test_no_metric_has_a_label_that_prometheus_would_rename(job: str) -> None:
    exporter = exporters()[job]
    labels = frozenset[str]().union(*map(exporter.labels_of, exporter.metrics))

    assert labels & TARGET_LABELS == set()


def test_records_of_another_version_are_not_taken_for_those_deployed() -> None:
    exporter = exporters()["dcgm"]

    assert not exporter.model_copy(update={"read_at": "4.5.3-4.8.2"}).is_deployed()
    assert not exporter.model_copy(update={"read_at": "4.6.0"}).is_deployed()


@pytest.mark.parametrize(
    ("version", "exists"),
    [("1.9.0", False), ("1.10.0", True), ("1.16.3", True), ("1.17.0", False), ("1.19.0", False)],
)
def test_a_metric_exists_from_its_first_version_to_the_one_that_drops_it(
    version: str, exists: bool
) -> None:
    metric = Metric(
        kind="gauge", unit="count", meaning="x", since="1.10.0", until="1.17.0", instead="y"
    )

    assert metric.exists_at(version) is exists


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"kind": "histogram"}, id="a-histogram-without-edges"),
        pytest.param({"kind": "gauge", "edges": [1]}, id="edges-of-a-gauge"),
        pytest.param({"kind": "histogram", "edges": [2, 1]}, id="edges-that-descend"),
        pytest.param({"kind": "gauge", "until": "1.2"}, id="gone-without-a-successor"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Metric.model_validate({"unit": "count", "meaning": "x", **wrong})


def test_a_histogram_is_three_series_with_bounds_as_prometheus_writes_them() -> None:
    metric = Metric(kind="histogram", unit="seconds", meaning="x", edges=(0.5, 1))

    assert metric.series("h") == ("h_bucket", "h_sum", "h_count")
    assert metric.bounds() == {"0.5", "1.0", "+Inf"}


def test_a_line_of_the_collectors_file_has_three_fields() -> None:
    lines = counters().splitlines()

    assert len(lines) == len(exporters()["dcgm"].existing())
    assert {line.count(",") for line in lines} == {2}


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="lables"):
        Exporter.model_validate({"source": "x", "labels": [], "lables": [], "metrics": {}})


def test_the_page_is_current() -> None:
    assert (ROOT / "docs" / "reference" / "metrics.md").read_text() == render(), "run: make docs"
