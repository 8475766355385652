"""Rules, panels and the autoscaler read what exists, and say what they show."""

import pytest

from catalog.metrics import exporters
from tests.promql.lint import Lint
from tests.promql.stack import problems


def test_every_expression_reads_metrics_labels_and_edges_that_exist() -> None:
    assert problems(Lint(exporters())) == {}


def test_every_metric_that_has_a_record_is_read() -> None:
    lint = Lint(exporters())
    problems(lint)
    unread = {
        name
        for job, exporter in exporters().items()
        for name, metric in exporter.existing().items()
        # What dcgm collects is there for a user's own dashboards as well.
        if job != "dcgm" and not metric.keeps and lint.read.isdisjoint(metric.series(name))
    }

    assert unread == set()


@pytest.fixture
def lint() -> Lint:
    return Lint(exporters())


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        pytest.param(
            "sum(rate(rest_responses_fail_total[5m]))",
            'gone since 1.17.0: read rest_responses_total{status=~"5.."}',
            id="a-metric-that-is-gone",
        ),
        pytest.param("vllm:gpu_cache_usage_perc", "neither exported nor", id="a-dead-name"),
        pytest.param("vllm:prompt_tokens", "neither exported nor", id="a-counter-without-total"),
        pytest.param(
            "sum by (Hostname) (DCGM_FI_DEV_POWER_USAGE)",
            "groups by 'Hostname'",
            id="a-group-by-a-label-of-an-older-version",
        ),
        pytest.param(
            'up{jobs="vllm"}', "matches 'jobs'", id="a-matcher-of-a-label-that-is-not-there"
        ),
        pytest.param('up{job="vlm"}', "no job is called 'vlm'", id="a-job-that-is-not-there"),
        pytest.param("rate(up[5m])", "rate() of a gauge", id="a-rate-of-a-gauge"),
        pytest.param("increase(up[5m])", "increase() of a gauge", id="an-increase-of-a-gauge"),
        pytest.param(
            "delta(vllm:prompt_tokens_total[5m])", "may be reset", id="a-difference-of-a-counter"
        ),
        pytest.param(
            'rate(vllm:time_to_first_token_seconds_bucket{le="2.0"}[5m])',
            'has no le="2.0": one of 0.001',
            id="a-bound-between-two-edges",
        ),
        pytest.param(
            'rate(vllm:time_to_first_token_seconds_bucket{le="10"}[5m])',
            'has no le="10"',
            id="a-bound-as-prometheus-2-wrote-it",
        ),
        pytest.param(
            "histogram_quantile(0.9, sum(rate(kong_request_latency_ms_bucket[5m])))",
            "needs the buckets of a histogram, by le",
            id="a-quantile-without-le",
        ),
        pytest.param(
            "histogram_quantile(0.9, rate(vllm:prompt_tokens_total[5m]))",
            "needs the buckets of a histogram",
            id="a-quantile-of-a-counter",
        ),
        pytest.param(
            "histogram_quantile(0.9, kong_request_latency_ms_bucket)",
            "of all time",
            id="a-quantile-of-all-time",
        ),
        pytest.param(
            "sum by (team) (rate(litellm_input_tokens_metric_total[5m]))"
            " / sum(rate(litellm_output_tokens_metric_total[5m]))",
            "nothing matches: ['team'] on the left",
            id="sides-that-never-match",
        ),
        pytest.param(
            "up + on (pod) up", "matches on 'pod'", id="a-match-on-a-label-that-is-not-there"
        ),
        pytest.param(
            "DCGM_FI_DEV_FB_USED > memory_resident_bytes", "nothing matches", id="other-series"
        ),
        pytest.param(
            "max(DCGM_FI_DEV_FB_USED) > max(memory_resident_bytes)",
            "1.04858e+06 byte compared with byte",
            id="mebibytes-and-bytes",
        ),
        pytest.param(
            "vllm:kv_cache_usage_perc > 95", "a share is compared with 95", id="percent-of-a-share"
        ),
        pytest.param(
            "sum(vllm:prompt_tokens_total)", "a restart of one looks like", id="a-sum-of-counters"
        ),
        pytest.param(
            "vllm:prompt_tokens_total / 2", "count since the start", id="arithmetic-of-a-counter"
        ),
    ],
)
def test_an_expression_that_cannot_mean_anything_is_found_out(
    lint: Lint, expression: str, problem: str
) -> None:
    _, found = lint.evaluate(expression)

    assert [text for text in found if problem in text], found


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        pytest.param("DCGM_FI_DEV_XID_ERRORS != 0", "keeps the last XID", id="the-last-xid"),
        pytest.param(
            "max by (litellm_model_name) (litellm_deployment_state) == 2",
            "keeps an outage",
            id="a-state-that-is-not-taken-back",
        ),
        pytest.param(
            "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL > 0", "the alert stays for ever", id="a-count-over-zero"
        ),
        pytest.param("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "never falls", id="a-count"),
    ],
)
def test_an_alert_that_would_not_resolve_is_found_out(
    lint: Lint, expression: str, problem: str
) -> None:
    found = lint.alert(expression, "")

    assert [text for text in found if problem in text], found


@pytest.mark.parametrize(
    "expression",
    [
        "increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL[1h]) > 0",
        "changes(DCGM_FI_DEV_XID_ERRORS[15m]) > 0",
        "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL unless DCGM_FI_DEV_ECC_DBE_VOL_TOTAL offset 5m",
    ],
)
def test_an_alert_that_resolves_has_no_problem(lint: Lint, expression: str) -> None:
    assert lint.alert(expression, "{{ $labels.hostname }}: {{ $value }}") == []


def test_a_text_that_names_a_label_of_an_older_version_is_told_the_new_one(lint: Lint) -> None:
    [problem] = lint.alert("DCGM_FI_DEV_GPU_TEMP > 85", "GPU of {{ $labels.Hostname }}")

    assert problem.endswith("it is now 'hostname'")


def test_a_legend_that_names_a_label_which_was_summed_away_is_found_out(lint: Lint) -> None:
    _, [problem] = lint.panel("sum by (gpu) (DCGM_FI_DEV_GPU_TEMP)", "{{hostname}} {{gpu}}")

    assert "'hostname': the series have gpu" in problem


def test_a_recorded_series_has_the_labels_of_its_rule(lint: Lint) -> None:
    lint.record("model:x", "sum by (model_name) (vllm:num_requests_running)")

    assert lint.panel("model:x", "{{model_name}}")[1] == []
    assert lint.panel("model:x", "{{engine}}")[1] != []
