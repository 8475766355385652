"""The files that Prometheus and Alertmanager start from."""

from typing import Any

from components.monitoring.prometheus import retention_size
from components.monitoring.prometheus_config import (
    Job,
    alertmanager_config,
    prometheus_config,
    web_config,
)

CHAT = Job("vllm", "chat", "chat-members.m.svc", "chat.m.svc", 8000, "/metrics")
CODE = Job("vllm", "code", "code-members.m.svc", "code.m.svc", 8000, "/metrics")
QDRANT = Job("qdrant", "qdrant", "qdrant-members.d.svc", "qdrant.d.svc", 6333, "/metrics", "/token")
ALERTS = Job("alertmanager", "alertmanager", "am-members.o.svc", "am.o.svc", 9093, "/metrics")


def rendered() -> dict[str, Any]:
    return prometheus_config(
        [CHAT, CODE, QDRANT], scrape_seconds=15, rule_files=["/rules.yaml"], alertmanager=ALERTS
    )


def scrape(component: str) -> dict[str, Any]:
    [found] = [s for s in rendered()["scrape_configs"] if f"/{component}:" in s["job_name"]]
    return found


def test_every_pod_is_found_by_dns_and_read_over_verified_tls() -> None:
    chat = scrape("chat")

    assert chat["scheme"] == "https"
    assert chat["tls_config"] == {"ca_file": "/etc/tls/ca.crt", "server_name": "chat.m.svc"}
    [found_by] = chat["dns_sd_configs"]
    assert found_by["names"] == ["chat-members.m.svc"]
    assert (found_by["type"], found_by["port"]) == ("A", 8000)


def test_nothing_asks_the_api_server() -> None:
    assert "kubernetes_sd_configs" not in str(rendered())


def test_two_components_of_one_job_have_names_apart_and_the_label_in_common() -> None:
    names = [s["job_name"] for s in rendered()["scrape_configs"]]
    labels = {
        component: {
            r["target_label"]: r["replacement"] for r in scrape(component)["relabel_configs"]
        }
        for component in ("chat", "code")
    }

    assert len(set(names)) == 3
    assert labels == {
        "chat": {"job": "vllm", "component": "chat"},
        "code": {"job": "vllm", "component": "code"},
    }


def test_a_token_is_read_from_its_file_and_asked_of_nobody_else() -> None:
    assert scrape("qdrant")["authorization"] == {"type": "Bearer", "credentials_file": "/token"}
    assert "authorization" not in scrape("chat")


def test_alerts_go_to_alertmanager_over_verified_tls() -> None:
    [alertmanager] = rendered()["alerting"]["alertmanagers"]

    assert alertmanager["scheme"] == "https"
    assert alertmanager["tls_config"]["server_name"] == "am.o.svc"


def test_without_a_webhook_alerts_go_to_nobody() -> None:
    [receiver] = alertmanager_config(None)["receivers"]

    assert receiver == {"name": "people"}


def test_a_webhook_gets_every_alert() -> None:
    configuration = alertmanager_config("https://pager.test/in")
    [receiver] = configuration["receivers"]

    assert receiver["webhook_configs"][0]["url"] == "https://pager.test/in"
    assert configuration["route"]["receiver"] == receiver["name"]


def test_both_serve_tls_only() -> None:
    assert web_config()["tls_server_config"]["cert_file"] == "/etc/tls/tls.crt"


def test_metrics_leave_before_the_disk_is_full() -> None:
    assert retention_size("200Gi") == "174080MB"  # 85 % of 200 GiB
