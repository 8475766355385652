"""Rules and dashboards: they speak when they should."""

from typing import Any

import pytest
from pydantic import ValidationError

from catalog.metrics import exporters
from components.monitoring.alert_rules import rules
from components.monitoring.dashboard import Dashboard, Panel
from components.monitoring.dashboards import DASHBOARDS
from config.settings.observability import TTFT_BUCKETS, SloSettings
from tests.promql.lint import Lint
from tests.promql.stack import problems

TARGETS = [("vllm", "code"), ("dcgm", "l40s-dcgm"), ("vllm", "chat"), ("vllm", "chat")]


def generated(**slo: float) -> list[dict[str, Any]]:
    groups = rules(SloSettings(**slo), TARGETS)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alert(name: str, **slo: float) -> dict[str, Any]:
    [found] = [rule for rule in generated(**slo) if rule.get("alert") == name]
    return found


def test_every_recorded_series_is_read_by_an_alert_or_a_panel() -> None:
    lint = Lint(exporters())
    problems(lint)

    assert {rule["record"] for rule in generated() if "record" in rule} <= lint.read


@pytest.mark.parametrize("seconds", TTFT_BUCKETS)
def test_a_promise_about_first_tokens_reads_a_bucket_spelt_as_vllm_spells_it(
    seconds: float,
) -> None:
    [late] = [
        rule["expr"]
        for rule in generated(first_token_seconds=seconds)
        if rule.get("record") == "model:ttft_slo_missed:ratio_rate1h"
    ]

    assert f'le="{float(seconds)}"' in late


def test_a_promise_between_two_buckets_is_refused_with_the_buckets() -> None:
    with pytest.raises(ValidationError, match=r"bound of vLLM's TTFT histogram: 0.25, 0.5"):
        SloSettings(first_token_seconds=2.0)


def test_the_fast_burn_needs_both_windows_over_14_4_times_the_allowance() -> None:
    expression = alert("TtftSloBurnFast", first_token_objective=0.95)["expr"]

    assert expression == (
        "model:ttft_slo_missed:ratio_rate1h > 0.72 and model:ttft_slo_missed:ratio_rate5m > 0.72"
    )


@pytest.mark.parametrize("name", ["TtftSloBurnFast", "AvailabilitySloBurnFast"])
def test_no_objective_makes_an_alert_that_cannot_fire(name: str) -> None:
    expression = alert(name, first_token_objective=0.95, availability_objective=0.95)["expr"]

    assert float(expression.rsplit(" ", 1)[1]) < 1


def test_a_share_is_not_taken_for_percent() -> None:
    bound = float(alert("KvCacheFull")["expr"].rsplit(" ", 1)[1])

    assert 0 < bound < 1


def test_the_absence_of_each_component_is_noticed_though_others_of_its_job_are_there() -> None:
    assert alert("TargetAbsent")["expr"] == (
        'absent(up{job="dcgm", component="l40s-dcgm"})'
        ' or absent(up{job="vllm", component="chat"})'
        ' or absent(up{job="vllm", component="code"})'
    )


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    alerts = [rule for rule in generated() if "alert" in rule]

    assert len({rule["alert"] for rule in alerts}) == len(alerts)
    assert all(rule["annotations"]["summary"] for rule in alerts)
    assert all(rule["annotations"]["action"] for rule in alerts)
    assert {rule["labels"]["severity"] for rule in alerts} == {"critical", "warning", "none"}


def test_panels_do_not_overlap_and_stay_on_the_page() -> None:
    board = Dashboard(
        "x", "X", [Panel("a", "s", {"l": "up"}, "stat"), *[Panel("b", "s", {"l": "up"})] * 3]
    ).json()
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_three_dashboards_have_addresses_of_their_own() -> None:
    assert [board.uid for board in DASHBOARDS] == ["models", "gpus", "platform"]
