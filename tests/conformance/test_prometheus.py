"""promtool, amtool and the servers themselves take what is generated, and rules speak when due."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from components.gpu import dcgm_exporter
from components.monitoring.dashboards import DASHBOARDS
from components.monitoring.prometheus_config import alertmanager_config
from config.settings.observability import AlertWebhook
from tests.conformance.generated import STACKS, Generated
from tests.conformance.peers import exposition, prometheus
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.errors import RefusedError
from tests.conformance.peers.prometheus import Server
from tests.conformance.peers.relocate import relocated
from tests.conformance.peers.vllm import VllmSource
from tests.metric_catalog import METRICS

_QUERIES = [(board.uid, query) for board in DASHBOARDS for query in board.queries()]


def _rules(generated: Generated) -> dict[str, Any]:
    return json.loads(generated.config("prometheus")["rules.yaml"])


def _here(certificates: Certificates) -> dict[str, str]:
    files = {"crt": certificates.certificate, "key": certificates.key}
    return {f"/etc/tls/tls.{ending}": str(path) for ending, path in files.items()}


def _moved(generated: Generated, folder: Path, certificates: Certificates) -> dict[str, Any]:
    """prometheus.yaml, its files in *folder*; the tokens that it names are made."""
    tokens = folder / "tokens"
    tokens.mkdir()
    for name, token in generated.secret("prometheus-tokens").items():
        (tokens / name).write_text(token)
    (folder / "rules.yaml").write_text(generated.config("prometheus")["rules.yaml"])
    moves = {
        "/run/secrets/tokens": str(tokens),
        "/etc/prometheus": str(folder),
        "/etc/tls/ca.crt": str(certificates.authority),
    }
    moved = relocated(json.loads(generated.config("prometheus")["prometheus.yaml"]), moves)
    return dict(moved)


@pytest.mark.parametrize("stack", STACKS)
def test_rules_and_configuration_of_every_stack_are_accepted(
    stacks: Mapping[str, Generated], folder: Path, certificates: Certificates, stack: str
) -> None:
    generated = stacks[stack]
    rules = _rules(generated)
    written = sum(len(group["rules"]) for group in rules["groups"])

    assert f"{written} rules found" in prometheus.check_rules(folder, rules)
    said = prometheus.check_config(folder, _moved(generated, folder, certificates))
    assert "SUCCESS: 1 rule files found" in said


def test_every_web_configuration_is_accepted(
    prod: Generated, folder: Path, certificates: Certificates
) -> None:
    here = _here(certificates)
    files = [
        prod.config("prometheus")["web.yaml"],
        prod.config("alertmanager")["web.yaml"],
        *(prod.config(f"{pool}-dcgm")["web.yaml"] for pool in prod.stack.pools),
    ]
    for file in files:
        assert "SUCCESS" in prometheus.check_web_config(folder, relocated(json.loads(file), here))


@pytest.mark.parametrize("stack", STACKS)
def test_alertmanagers_configuration_of_every_stack_is_accepted(
    stacks: Mapping[str, Generated], folder: Path, stack: str
) -> None:
    config = json.loads(stacks[stack].config("alertmanager")["alertmanager.yaml"])

    assert "SUCCESS" in prometheus.check_alertmanager(folder, config)


def test_alertmanagers_configuration_with_a_webhook_is_accepted(folder: Path) -> None:
    webhook = AlertWebhook(url="https://alerts.example.org/hook", cidrs=["192.0.2.1/32"])

    assert "1 receivers" in prometheus.check_alertmanager(folder, alertmanager_config(webhook))


@pytest.fixture(scope="module")
def server(
    prod: Generated, tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Server]:
    """A Prometheus on prod's files, none of whose targets can be found."""
    folder = tmp_path_factory.mktemp("prometheus")
    files = {
        **prod.config("prometheus"),
        "web.yaml": relocated(prod.config("prometheus")["web.yaml"], _here(certificates)),
        "prometheus.yaml": json.dumps(_moved(prod, folder, certificates)),
    }
    arguments = prod.container("prometheus", "StatefulSet")["args"]
    with prometheus.start(folder / "server", arguments, files, certificates) as running:
        yield running


def test_prometheus_starts_over_tls_with_every_rule_and_target(
    server: Server, prod: Generated
) -> None:
    groups = server.get("/api/v1/rules").json()["data"]["groups"]
    pools = server.get("/api/v1/status/config").json()["data"]["yaml"]
    jobs = json.loads(prod.config("prometheus")["prometheus.yaml"])["scrape_configs"]

    assert sum(len(group["rules"]) for group in groups) == sum(
        len(group["rules"]) for group in _rules(prod)["groups"]
    )
    assert pools.count("job_name:") == len(jobs) > 10


@pytest.mark.parametrize(("board", "query"), _QUERIES)
def test_prometheus_understands_every_query_of_every_dashboard(
    server: Server, board: str, query: str
) -> None:
    answer = server.get("/api/v1/query", query=query)

    assert answer.status_code == 200, f"{board}: {answer.text}"


def test_prometheus_exposes_what_is_read_of_it(server: Server) -> None:
    exposed = exposition.series(server.get("/metrics").text)

    assert set(METRICS["prometheus"]) <= set(exposed)


def test_alertmanager_knows_every_argument_that_it_is_given(prod: Generated) -> None:
    arguments = prod.container("alertmanager", "StatefulSet")["args"]
    given = {argument.partition("=")[0] for argument in arguments}

    assert len(given) == len(arguments) > 3
    assert given - prometheus.alertmanager_flags() == set()


def test_no_rule_or_query_reads_a_series_that_vllm_does_not_export(
    vllm_source: VllmSource, stacks: Mapping[str, Generated]
) -> None:
    expressions = {query for _, query in _QUERIES} | {
        rule["expr"]
        for generated in stacks.values()
        for group in _rules(generated)["groups"]
        for rule in group["rules"]
    }
    read = [expression for expression in expressions if "vllm:" in expression]

    assert len(read) > 10
    assert {e: found for e in read if (found := vllm_source.problems(e))} == {}


def test_the_metric_catalog_holds_what_vllm_exports(vllm_source: VllmSource) -> None:
    exported = vllm_source.series()
    for name, kind in METRICS["vllm"].items():
        for series in exposition.names(name, kind):
            assert exported[series].kind == kind, series
            assert exported[series].condition is None, series


def test_the_gpu_exporter_is_told_to_collect_what_is_read_of_it(prod: Generated) -> None:
    pool = next(iter(prod.stack.pools))
    lines = prod.config(f"{pool}-dcgm")["counters.csv"].splitlines()
    collected = {tuple(word.strip() for word in line.split(",")[:2]) for line in lines}

    assert collected == {(name, kind) for name, (kind, _) in dcgm_exporter.COUNTERS.items()}
    assert set(METRICS["dcgm"].items()) <= collected


_LATE = {
    'vllm:time_to_first_token_seconds_bucket{model_name="chat",le="2.5"}': "0+1x100",
    'vllm:time_to_first_token_seconds_bucket{model_name="chat",le="+Inf"}': "0+10x100",
    'vllm:time_to_first_token_seconds_count{model_name="chat"}': "0+10x100",
}
_REQUESTS = "litellm_proxy_total_requests_metric_total"


@pytest.mark.parametrize(
    ("alert", "labels", "series"),
    [
        pytest.param("TtftSloBurnFast", {"model_name": "chat"}, _LATE, id="late-first-tokens"),
        pytest.param(
            "AvailabilitySloBurnFast",
            {},
            {
                f'{_REQUESTS}{{status_code="200"}}': "0+10x100",
                f'{_REQUESTS}{{status_code="503"}}': "0+10x100",
            },
            id="our-errors",
        ),
        pytest.param(
            "RequestQueueGrows",
            {"model_name": "chat"},
            {
                'vllm:num_requests_waiting{model_name="chat",engine="0"}': "9x100",
                'vllm:num_requests_running{model_name="chat",engine="0"}': "8x100",
            },
            id="a-queue",
        ),
        pytest.param(
            "ModelUnreachable",
            {"litellm_model_name": "chat"},
            {'litellm_deployment_state{litellm_model_name="chat"}': "2x100"},
            id="a-model-gone",
        ),
    ],
)
def test_an_alert_of_prod_speaks_of_what_it_is_for(
    prod: Generated, folder: Path, alert: str, labels: dict[str, str], series: dict[str, str]
) -> None:
    [rule] = [
        rule
        for group in _rules(prod)["groups"]
        for rule in group["rules"]
        if rule.get("alert") == alert
    ]
    summary = rule["annotations"]["summary"].replace("{{ $labels.model_name }}", "chat")
    summary = summary.replace("{{ $labels.litellm_model_name }}", "chat")
    expected = {
        "exp_labels": {"severity": rule["labels"]["severity"], **labels},
        "exp_annotations": {"summary": summary, "action": rule["annotations"]["action"]},
    }
    prometheus.test_rules(folder, _rules(prod), _case(series, alert, [expected]))


def test_a_healthy_stack_raises_nothing(prod: Generated, folder: Path) -> None:
    healthy = {
        **_LATE,
        'vllm:time_to_first_token_seconds_bucket{model_name="chat",le="2.5"}': "0+10x100",
        f'{_REQUESTS}{{status_code="200"}}': "0+10x100",
        'litellm_deployment_state{litellm_model_name="chat"}': "0x100",
    }
    for alert in ("TtftSloBurnFast", "AvailabilitySloBurnFast", "ModelUnreachable"):
        prometheus.test_rules(folder, _rules(prod), _case(healthy, alert, []))


def _case(series: Mapping[str, str], alert: str, expected: list[Any]) -> dict[str, Any]:
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    expectation = {"eval_time": "90m", "alertname": alert, "exp_alerts": expected}
    return {
        "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": inputs, "alert_rule_test": [expectation]}],
    }


def _spoilt(value: Mapping[str, Any], text: str, by: str) -> dict[str, Any]:
    written = json.dumps(value)
    assert text in written
    return dict(json.loads(written.replace(text, by)))


def test_what_they_would_refuse_is_refused(
    prod: Generated, folder: Path, certificates: Certificates
) -> None:
    config = _moved(prod, folder, certificates)
    alerts = json.loads(prod.config("alertmanager")["alertmanager.yaml"])
    web = relocated(json.loads(prod.config("prometheus")["web.yaml"]), _here(certificates))
    for check, value, said in (
        (prometheus.check_rules, _spoilt(_rules(prod), "vector(1)", "vector(1"), "parenthesis"),
        (prometheus.check_config, _spoilt(config, "scrape_interval", "interval"), "not found"),
        (prometheus.check_config, _spoilt(config, "tokens/", "missing/"), "no such file"),
        (prometheus.check_web_config, _spoilt(web, "tls_server", "tls"), "tls_config"),
        (prometheus.check_alertmanager, {**alerts, "receivers": []}, "undefined receiver"),
    ):
        with pytest.raises(RefusedError, match=said):
            check(folder, value)


def test_an_alert_that_stays_silent_fails_its_test(prod: Generated, folder: Path) -> None:
    with pytest.raises(RefusedError, match="FAILED"):
        prometheus.test_rules(folder, _rules(prod), _case({}, "ModelUnreachable", [{}]))
