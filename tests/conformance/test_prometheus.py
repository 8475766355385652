"""promtool and amtool accept sound configuration and refuse the rest."""

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.peers import prometheus
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.errors import RefusedError


def _rules(expression: str) -> dict[str, Any]:
    rule = {"alert": "QueueGrows", "expr": expression, "for": "5m", "labels": {"severity": "page"}}
    return {"groups": [{"name": "serving", "rules": [rule]}]}


def _config(certificates: Certificates) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "30s"},
        "scrape_configs": [
            {
                "job_name": "vllm",
                "scheme": "https",
                "tls_config": {"ca_file": str(certificates.authority)},
                "static_configs": [{"targets": ["vllm.models.svc:8000"]}],
            }
        ],
    }


def test_a_sound_rule_is_accepted(folder: Path) -> None:
    assert "1 rules found" in prometheus.check_rules(
        folder, _rules("sum(vllm:num_requests_waiting) > 10")
    )


def test_a_rule_that_does_not_parse_is_refused(folder: Path) -> None:
    with pytest.raises(RefusedError, match="unclosed left parenthesis"):
        prometheus.check_rules(folder, _rules("sum(vllm:num_requests_waiting > 10"))


@pytest.mark.parametrize(("waiting", "alerts"), [(11, 1), (9, 0)])
def test_a_rule_is_run_against_made_up_series(folder: Path, waiting: int, alerts: int) -> None:
    alert = {"exp_labels": {"severity": "page"}}
    tests = {
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": "vllm:num_requests_waiting", "values": f"{waiting}x10"}
                ],
                "alert_rule_test": [
                    {"eval_time": "6m", "alertname": "QueueGrows", "exp_alerts": [alert] * alerts}
                ],
            }
        ]
    }
    prometheus.test_rules(folder, _rules("sum(vllm:num_requests_waiting) > 10"), tests)


def test_a_rule_that_stays_silent_fails_its_test(folder: Path) -> None:
    tests = {
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": "vllm:num_requests_waiting", "values": "1x10"}],
                "alert_rule_test": [
                    {"eval_time": "6m", "alertname": "QueueGrows", "exp_alerts": [{}]}
                ],
            }
        ]
    }
    with pytest.raises(RefusedError, match="FAILED"):
        prometheus.test_rules(folder, _rules("sum(vllm:num_requests_waiting) > 10"), tests)


def test_a_sound_configuration_is_accepted(folder: Path, certificates: Certificates) -> None:
    assert "SUCCESS" in prometheus.check_config(folder, _config(certificates))


def test_a_configuration_with_an_unknown_key_is_refused(
    folder: Path, certificates: Certificates
) -> None:
    with pytest.raises(RefusedError, match="scrape_intervall"):
        prometheus.check_config(folder, {**_config(certificates), "scrape_intervall": "30s"})


def test_a_configuration_whose_credentials_are_missing_is_refused(
    folder: Path, certificates: Certificates
) -> None:
    config = _config(certificates)
    config["scrape_configs"][0]["authorization"] = {"credentials_file": "/nowhere/token"}

    with pytest.raises(RefusedError, match="/nowhere/token"):
        prometheus.check_config(folder, config)


def test_a_web_configuration_is_checked(folder: Path, certificates: Certificates) -> None:
    server = {"cert_file": str(certificates.certificate), "key_file": str(certificates.key)}

    assert "SUCCESS" in prometheus.check_web_config(folder, {"tls_server_config": server})
    with pytest.raises(RefusedError):
        prometheus.check_web_config(folder, {"tls_server": server})


def test_an_alertmanager_configuration_is_checked(folder: Path) -> None:
    config = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}

    assert "SUCCESS" in prometheus.check_alertmanager(folder, config)
    with pytest.raises(RefusedError, match="undefined receiver"):
        prometheus.check_alertmanager(folder, {**config, "route": {"receiver": "somebody"}})
