"""What counts the servers of a model."""

import pytest

from components.models.vllm.autoscaler import RUNNING, WAITING, query, scaled_object
from components.monitoring.prometheus_config import Job, prometheus_config
from config.settings.autoscaling import AutoscalingSettings
from sizing.startup import ENGINE_START_SECONDS
from tests.support import Recorded
from tests.unit.components.models.vllm.vllm_asked import (
    AUTHENTICATION,
    DEPLOYMENT,
    POLICY,
    SCALED,
    ask,
)

SETTINGS = {
    "min": 2,
    "max": 5,
    "waiting_per_replica": 3,
    "running_per_replica": 24,
    "stabilization_seconds": 240,
}


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask(autoscaling=SETTINGS)


def test_the_number_of_servers_is_left_to_keda(asked: Recorded) -> None:
    deployment = asked.one(DEPLOYMENT, "chat").inputs
    spec = asked.one(SCALED, "chat-autoscaler").inputs["spec"]

    assert "replicas" not in deployment["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 5)
    assert spec["scaleTargetRef"]["name"] == "chat-auto"


def test_it_waits_for_the_need_to_last_in_both_directions(asked: Recorded) -> None:
    advanced = asked.one(SCALED, "chat-autoscaler").inputs["spec"]["advanced"]
    behavior = advanced["horizontalPodAutoscalerConfig"]["behavior"]

    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 240
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 240
    assert behavior["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 240}]


@pytest.mark.parametrize(("start", "stable"), [(400, 400), (5000, 3600)])
def test_the_need_lasts_as_long_as_a_start_unless_somebody_says(start: int, stable: int) -> None:
    spec = scaled_object(
        AutoscalingSettings(max=5),
        start_seconds=start,
        target={},
        prometheus="https://prometheus",
        authentication="it",
        component="chat",
    )
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]

    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == stable


def test_a_start_is_the_engines_own_and_the_reading_of_its_weights() -> None:
    """100 GB at 1 GB/s."""
    scaled = ask(autoscaling={"max": 5}).one(SCALED, "chat-autoscaler").inputs["spec"]
    behavior = scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]

    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == ENGINE_START_SECONDS + 100


def test_a_pace_beyond_what_kubernetes_takes_is_its_longest() -> None:
    asked = ask(autoscaling={"max": 5, "stabilization_seconds": 3600})
    behavior = asked.one(SCALED, "chat-autoscaler").inputs["spec"]["advanced"][
        "horizontalPodAutoscalerConfig"
    ]["behavior"]

    assert behavior["scaleDown"]["policies"][0]["periodSeconds"] == 1800


def test_each_query_is_one_number_of_all_servers_of_the_one_model(asked: Recorded) -> None:
    triggers = asked.one(SCALED, "chat-autoscaler").inputs["spec"]["triggers"]
    asks = {t["metadata"]["query"]: t["metadata"]["threshold"] for t in triggers}

    assert asks == {
        'sum(vllm:num_requests_waiting{job="vllm",component="chat"})': "3",
        'sum(vllm:num_requests_running{job="vllm",component="chat"})': "24",
    }
    assert {t["metricType"] for t in triggers} == {"AverageValue"}


def test_the_labels_of_the_query_are_those_that_prometheus_puts_on_the_servers() -> None:
    job = Job(job="vllm", component="chat", host="h", server_name="s", port=8000, path="/metrics")
    config = prometheus_config([job], scrape_seconds=30, rule_files=[], alertmanager=job)
    [scrape] = config["scrape_configs"]

    for rule in scrape["relabel_configs"]:
        assert f'{rule["target_label"]}="{rule["replacement"]}"' in query(WAITING, "chat")
        assert f'{rule["target_label"]}="{rule["replacement"]}"' in query(RUNNING, "chat")


def test_a_prometheus_that_lost_its_targets_takes_no_server_away(asked: Recorded) -> None:
    spec = asked.one(SCALED, "chat-autoscaler").inputs["spec"]

    assert {t["metadata"]["ignoreNullValues"] for t in spec["triggers"]} == {"false"}
    assert spec["fallback"] == {
        "failureThreshold": 3,
        "replicas": 2,
        "behavior": "currentReplicasIfHigher",
    }


def test_prometheus_is_asked_over_tls_that_keda_verifies(asked: Recorded) -> None:
    triggers = asked.one(SCALED, "chat-autoscaler").inputs["spec"]["triggers"]
    authentication = asked.one(AUTHENTICATION, "chat-autoscaler").inputs

    for trigger in triggers:
        assert trigger["metadata"]["serverAddress"] == "https://prometheus.monitoring.svc:9090"
        assert trigger["metadata"]["authModes"] == "tls"
        assert trigger["authenticationRef"]["name"] == authentication["metadata"]["name"]
    assert authentication["spec"]["secretTargetRef"] == [
        {"parameter": "ca", "name": "chat-autoscaler-tls-auto", "key": "ca.crt"},
        {"parameter": "cert", "name": "chat-autoscaler-tls-auto", "key": "tls.crt"},
        {"parameter": "key", "name": "chat-autoscaler-tls-auto", "key": "tls.key"},
    ]


def test_keda_alone_is_let_in_to_prometheus_and_the_model_is_not_touched(asked: Recorded) -> None:
    [policy] = asked.of(POLICY)
    [rule] = policy.inputs["spec"]["ingress"]

    assert policy.inputs["metadata"]["namespace"] == "monitoring"
    assert policy.inputs["spec"]["podSelector"]["matchLabels"] == {
        "app.kubernetes.io/name": "prometheus",
        "app.kubernetes.io/instance": "prometheus",
    }
    assert rule["ports"] == [{"port": 9090, "protocol": "TCP"}]
    assert rule["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}},
            "podSelector": {"matchLabels": {"app": "keda-operator"}},
        }
    ]


def test_it_is_ready_once_keda_has_taken_it_up(asked: Recorded) -> None:
    metadata = asked.one(SCALED, "chat-autoscaler").inputs["metadata"]

    assert metadata["annotations"]["pulumi.com/waitFor"] == "condition=Ready"


def test_a_model_of_a_fixed_size_has_none_of_it() -> None:
    asked = ask(replicas=2)

    assert asked.of(SCALED) == asked.of(AUTHENTICATION) == []
    assert asked.one(DEPLOYMENT, "chat").inputs["spec"]["replicas"] == 2
