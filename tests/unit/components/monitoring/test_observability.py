"""What watches the stack, and what it asks of the cluster."""

import json
from typing import Any

import pytest
from pulumi import Output
from pydantic import ValidationError

from components.common.contracts import OidcClient, ScrapeTarget
from components.common.network import Pods
from components.monitoring.grafana import environment
from components.monitoring.observability import Observability, ObservabilityArgs
from config.settings.observability import AlertWebhook, ObservabilitySettings
from tests.support import Recorded, deploy, openings, tier

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SECRET = "kubernetes:core/v1:Secret"
STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"

_kept: dict[str, Any] = {}


def target(job: str, name: str, port: int, bearer: Output[str] | None = None) -> ScrapeTarget:
    return ScrapeTarget(
        job=job,
        server=Pods(name, "elsewhere", {"app.kubernetes.io/instance": name}),
        host=Output.from_input(f"{name}-members.elsewhere.svc"),
        server_name=Output.from_input(f"{name}.elsewhere.svc"),
        port=port,
        bearer=bearer,
    )


def ask(*, disposable: bool = False, webhook_url: str | None = None, **settings: Any) -> Recorded:
    def program() -> None:
        watch = Observability(
            "observability",
            ObservabilityArgs(
                tier=tier("monitoring", disposable=disposable),
                settings=ObservabilitySettings(**settings),
                targets=[
                    target("vllm", "chat", 8000),
                    target("qdrant", "qdrant", 6333, Output.secret("canary-reader")),
                    target("minio", "minio", 9000),
                    target("minio", "minio", 9001),
                ],
                host="monitoring.test",
                webhook_url=Output.secret(webhook_url) if webhook_url else None,
                oidc=OidcClient(
                    client_id="grafana",
                    client_secret=Output.secret("canary-client"),
                    issuer="https://auth.test/realms/r",
                    discovery_url=Output.from_input(
                        "https://keycloak:8443/realms/r/.well-known/openid-configuration"
                    ),
                    server=Pods("keycloak", "auth"),
                    port=8443,
                    user_role="ai-user",
                    admin_role="ai-admin",
                ),
            ),
        )
        _kept["route"] = watch.route("monitoring.test")
        watch.admin_secret.apply(lambda name: _kept.update(admin=name))

    return deploy(program)


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask()


def container(workload: Any) -> dict[str, Any]:
    [only] = workload.inputs["spec"]["template"]["spec"]["containers"]
    return only


def test_prometheus_reads_every_target_its_own_parts_and_itself(asked: Recorded) -> None:
    text = asked.one(CONFIG_MAP, "prometheus").inputs["data"]["prometheus.yaml"]
    components = {
        relabel["replacement"]
        for scrape in json.loads(text)["scrape_configs"]
        for relabel in scrape["relabel_configs"]
        if relabel["target_label"] == "component"
    }

    assert components == {"chat", "qdrant", "minio", "alertmanager", "grafana", "prometheus"}


def test_tokens_are_files_of_a_secret_and_in_no_configuration(asked: Recorded) -> None:
    tokens = asked.one(SECRET, "prometheus-tokens")

    assert tokens.inputs["stringData"] == {"qdrant-qdrant": "canary-reader"}
    assert "stringData" in tokens.secrets
    assert "canary" not in json.dumps([a.inputs for a in asked.of(CONFIG_MAP)])


def test_grafanas_administrator_is_exported_by_name_alone(asked: Recorded) -> None:
    content = asked.one(SECRET, "grafana").inputs["stringData"]

    assert _kept["admin"] == "monitoring/grafana-auto"
    assert content["admin-password"] == "canary-password"


def test_no_secret_is_in_a_pod(asked: Recorded) -> None:
    workloads = [*asked.of(STATEFUL_SET), *asked.of(DEPLOYMENT)]

    assert len(workloads) == 3
    assert "canary" not in json.dumps([workload.inputs for workload in workloads])


def test_retention_and_disk_have_the_documented_defaults(asked: Recorded) -> None:
    prometheus = asked.one(STATEFUL_SET, "prometheus")
    [claim] = prometheus.inputs["spec"]["volumeClaimTemplates"]

    assert "--storage.tsdb.retention.time=30d" in container(prometheus)["args"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "200Gi"


@pytest.mark.parametrize("disposable", [True, False])
def test_metrics_are_protected_unless_the_stack_is_disposable(disposable: bool) -> None:
    assert ask(disposable=disposable).one(STATEFUL_SET, "prometheus").protect is not disposable


def test_prometheus_may_reach_each_component_on_the_ports_it_reads(asked: Recorded) -> None:
    opened = openings(asked)

    assert opened["prometheus-to-minio"] == [9000, 9001]
    assert {name for name in opened if name.startswith("prometheus-to-")} == {
        f"prometheus-to-{name}"
        for name in ("chat", "qdrant", "minio", "alertmanager", "grafana", "prometheus")
    }


def test_nobody_else_is_reached_but_by_grafana_prometheus_and_the_realm(asked: Recorded) -> None:
    others = {
        name for name in openings(asked) if "-to-" in name and not name.startswith("prometheus-")
    }

    assert others == {"grafana-to-prometheus", "grafana-to-keycloak"}


def test_no_pod_holds_a_token_of_the_api_server(asked: Recorded) -> None:
    workloads = [*asked.of(STATEFUL_SET), *asked.of(DEPLOYMENT)]
    specs = [workload.inputs["spec"]["template"]["spec"] for workload in workloads]

    assert not any(spec["automountServiceAccountToken"] for spec in specs)
    assert not [a for a in asked.values() if "rbac" in a.type]


def test_all_three_are_probed_over_tls(asked: Recorded) -> None:
    workloads = [*asked.of(STATEFUL_SET), *asked.of(DEPLOYMENT)]

    assert {container(w)["readinessProbe"]["httpGet"]["scheme"] for w in workloads} == {"HTTPS"}


def test_grafana_takes_its_secrets_from_files(asked: Recorded) -> None:
    variables = {e["name"]: e["value"] for e in container(asked.one(DEPLOYMENT, "grafana"))["env"]}
    files = asked.one(SECRET, "grafana").inputs["stringData"]
    named = {v.rsplit("/", 1)[1] for k, v in variables.items() if k.endswith("__FILE")}

    assert named == set(files) == {"admin-password", "secret-key", "client-secret"}


def test_people_sign_in_at_the_public_realm_and_grafana_asks_inside(asked: Recorded) -> None:
    variables = {e["name"]: e["value"] for e in container(asked.one(DEPLOYMENT, "grafana"))["env"]}
    name = "GF_AUTH_GENERIC_OAUTH"

    assert variables[f"{name}_AUTH_URL"].startswith("https://auth.test/realms/r/")
    assert variables[f"{name}_TOKEN_URL"].startswith("https://keycloak:8443/realms/r/protocol/")
    assert variables[f"{name}_ROLE_ATTRIBUTE_STRICT"] == "true"


def test_grafana_finds_prometheus_once_it_is_ready_and_every_dashboard(asked: Recorded) -> None:
    sources = asked.one(CONFIG_MAP, "grafana-datasources")
    [source] = json.loads(sources.inputs["data"]["prometheus.yaml"])["datasources"]

    assert source["url"] == "https://prometheus.monitoring.svc:9090"
    assert any(urn.endswith("StatefulSet::prometheus") for urn in sources.depends_on)
    assert set(asked.one(CONFIG_MAP, "grafana-dashboards").inputs["data"]) == {
        "models.json",
        "gpus.json",
        "platform.json",
    }


def test_grafana_calls_nobody_on_the_internet() -> None:
    variables = environment("monitoring.test")

    assert variables["GF_ANALYTICS_REPORTING_ENABLED"] == "false"
    assert variables["GF_ANALYTICS_CHECK_FOR_UPDATES"] == "false"
    assert variables["GF_SECURITY_DISABLE_GRAVATAR"] == "true"


@pytest.mark.usefixtures("asked")
def test_grafanas_own_metrics_are_not_public() -> None:
    assert _kept["route"].blocked == ("/metrics",)


def test_only_with_a_webhook_does_alertmanager_leave_the_cluster(asked: Recorded) -> None:
    paged = ask(webhook=AlertWebhook(url="https://pager.test/in", cidrs=["192.0.2.1/32"]))

    assert openings(paged)["alertmanager-to-192.0.2.1/32"] == [443]
    assert not [name for name in openings(asked) if name.startswith("alertmanager-to-")]


def test_the_webhooks_url_is_in_a_secret_alone() -> None:
    """Of many receivers the path is the credential."""
    asked = ask(
        webhook_url="https://pager.test/canary-token", webhook=AlertWebhook(cidrs=["192.0.2.1/32"])
    )
    routing = asked.one(SECRET, "alertmanager-routing")
    [receiver] = json.loads(routing.inputs["stringData"]["alertmanager.yaml"])["receivers"]
    server = container(asked.one(STATEFUL_SET, "alertmanager"))
    mounts = {mount["name"]: mount["mountPath"] for mount in server["volumeMounts"]}

    assert "stringData" in routing.secrets
    assert receiver["webhook_configs"][0]["url"] == "https://pager.test/canary-token"
    assert f"--config.file={mounts['routing']}/alertmanager.yaml" in server["args"]
    others = [each.inputs for each in asked.values() if each is not routing]
    assert "canary-token" not in json.dumps(others, default=str)


def test_without_a_webhook_there_is_nothing_secret_about_alerts(asked: Recorded) -> None:
    assert "alertmanager.yaml" in asked.one(CONFIG_MAP, "alertmanager").inputs["data"]
    assert not [secret for secret in asked.of(SECRET) if secret.name == "alertmanager-routing"]


@pytest.mark.parametrize("url", ["http://pager.test", "https://user:secret@pager.test"])
def test_a_webhook_in_clear_or_with_a_password_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        AlertWebhook(url=url, cidrs=["192.0.2.1/32"])
