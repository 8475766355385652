"""promtool, amtool and the servers themselves take what is generated, and rules speak when due."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog.metrics import exporters
from components.monitoring.dashboards import DASHBOARDS
from components.monitoring.prometheus_config import alertmanager_config
from tests.conformance.alert_cases import cases
from tests.conformance.generated import STACKS, Generated
from tests.conformance.peers import exposition, prometheus
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.errors import RefusedError
from tests.conformance.peers.prometheus import Server
from tests.conformance.peers.relocate import relocated
from tests.conformance.peers.vllm import VllmSource
from tests.promql.lint import Lint
from tests.promql.stack import job_of

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
def test_rules_and_configuration_of_slow_are_accepted(
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
def test_alertmanagers_configuration_of_slow_is_accepted(
    stacks: Mapping[str, Generated], folder: Path, stack: str
) -> None:
    config = json.loads(stacks[stack].config("alertmanager")["alertmanager.yaml"])

    assert "SUCCESS" in prometheus.check_alertmanager(folder, config)


def test_alertmanagers_configuration_with_a_webhook_is_accepted(folder: Path) -> None:
    config = alertmanager_config("https://alerts.example.org/hook")

    assert "1 receivers" in prometheus.check_alertmanager(folder, config)


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
    """Debian's is older: it has every one of these metrics, and no label that is not recorded."""
    text = server.get("/metrics").text
    exporter = exporters()["prometheus"]

    assert exposition.differences(text, exporter) == {}


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


def test_the_records_of_vllm_are_what_its_source_exports(vllm_source: VllmSource) -> None:
    exported = vllm_source.series()
    for name, record in exporters()["vllm"].existing().items():
        for series in record.series(name):
            metric = exported[series]
            assert metric.kind == record.kind, series
            assert metric.condition is None, series
            assert metric.buckets == (record.edges or None), series


def test_the_gpu_exporter_is_told_to_collect_what_is_read_of_it(prod: Generated) -> None:
    pool = next(iter(prod.stack.pools))
    lines = prod.config(f"{pool}-dcgm")["counters.csv"].splitlines()
    collected = {tuple(word.strip() for word in line.split(",")[:2]) for line in lines}

    assert collected == {(n, m.kind) for n, m in exporters()["dcgm"].existing().items()}


_ALWAYS_FIRES = "Watchdog"


def _alerts(generated: Generated) -> dict[str, dict[str, Any]]:
    return {
        rule["alert"]: rule
        for group in _rules(generated)["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


def _targets(generated: Generated) -> list[tuple[str, str]]:
    """Job and component of each target."""
    scraped = json.loads(generated.config("prometheus")["prometheus.yaml"])["scrape_configs"]
    labels = [[label["replacement"] for label in config["relabel_configs"]] for config in scraped]
    return sorted({(job, component) for job, component in labels})


def _case(name: str, generated: Generated) -> Mapping[str, Any]:
    return cases(_targets(generated))[name].test(_alerts(generated)[name])


def _run(folder: Path, generated: Generated, *tests: Mapping[str, Any]) -> None:
    prometheus.test_rules(
        folder, _rules(generated), {"evaluation_interval": "1m", "tests": list(tests)}
    )


def test_every_alert_of_slow_has_a_case(stacks: Mapping[str, Generated]) -> None:
    for stack in stacks.values():
        assert set(_alerts(stack)) - {_ALWAYS_FIRES} == set(cases(_targets(stack)))


@pytest.mark.parametrize("name", cases([]))
def test_an_alert_fires_when_due_names_what_it_is_about_and_resolves(
    prod: Generated, folder: Path, name: str
) -> None:
    _run(folder, prod, _case(name, prod))


def test_the_watchdog_never_resolves(prod: Generated, folder: Path) -> None:
    rule = _alerts(prod)[_ALWAYS_FIRES]
    firing = {"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}
    said = {"eval_time": "1d", "alertname": _ALWAYS_FIRES, "exp_alerts": [firing]}

    _run(folder, prod, {"interval": "1m", "input_series": [], "alert_rule_test": [said]})


def test_what_an_alert_reads_is_missed_when_it_is_gone(prod: Generated) -> None:
    """An alert ends with its series; the targets that export them have one that begins."""
    missed = _alerts(prod)["TargetAbsent"]["expr"]
    for name, rule in _alerts(prod).items():
        lint = Lint(exporters())
        for group in _rules(prod)["groups"]:
            for record in group["rules"]:
                if record.get("record", "-") in rule["expr"]:
                    lint.evaluate(record["expr"])
        lint.evaluate(rule["expr"])
        read = {job_of(series) for series in lint.read}
        for job, component in _targets(prod):
            if job in read:
                assert f'absent(up{{job="{job}", component="{component}"}})' in missed, name


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


def test_an_alert_that_stays_silent_or_does_not_resolve_fails_its_test(
    prod: Generated, folder: Path
) -> None:
    case = cases(_targets(prod))["GpuXid"]
    rule = _alerts(prod)["GpuXid"]
    forever = {series: values.replace("stale", "1") for series, values in case.series.items()}
    for wrong in (replace(case, series={}), replace(case, series=forever)):
        with pytest.raises(RefusedError, match="FAILED"):
            _run(folder, prod, wrong.test(rule))
