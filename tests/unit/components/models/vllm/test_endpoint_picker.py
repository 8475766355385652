"""What chooses among the servers of a model, and how prompts are read apart from answers."""

import json
from typing import Any

import pytest

from components.models.vllm.picker_config import picker_config, proxy_config
from tests.support import Recorded, openings
from tests.unit.components.models.vllm.vllm_asked import (
    DEPLOYMENT,
    SERVICE,
    ask,
    container_of,
    environment_of,
    pod_of,
)

CONFIG = "kubernetes:core/v1:ConfigMap"
ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"
SPLIT = {"prefill_replicas": 2, "routing": "prefix-aware"}


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask(replicas=3, vllm={"routing": "prefix-aware"})


@pytest.fixture(scope="module")
def split() -> Recorded:
    return ask(replicas=3, vllm=SPLIT)


def test_users_reach_the_picker_instead_of_the_servers(asked: Recorded) -> None:
    url = asked.one(CONFIG, "consumer").inputs["data"]["llama-70b"]

    assert url == "https://chat-picker.llm-production.svc:8000/v1"
    needed = asked.one(CONFIG, "consumer").depends_on
    assert any(urn.endswith("Deployment::chat-picker") for urn in needed)
    assert any(urn.endswith("Deployment::chat") for urn in needed)


def test_without_it_users_reach_the_servers(asked: Recorded) -> None:
    plain = ask(replicas=3)

    assert plain.one(CONFIG, "consumer").inputs["data"]["llama-70b"].startswith("https://chat.")
    assert len(plain.of(DEPLOYMENT)) == len(asked.of(DEPLOYMENT)) - 1


def test_there_are_two_so_that_one_may_fail(asked: Recorded) -> None:
    assert asked.one(DEPLOYMENT, "chat-picker").inputs["spec"]["replicas"] == 2


def test_it_may_watch_the_pods_of_its_namespace_and_nothing_else(asked: Recorded) -> None:
    role = asked.one(ROLE, "chat-picker").inputs

    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    ]
    assert pod_of(asked, "chat-picker")["automountServiceAccountToken"] is True
    assert pod_of(asked)["automountServiceAccountToken"] is False


def test_it_looks_at_the_servers_of_its_own_model(asked: Recorded) -> None:
    arguments = container_of(pod_of(asked, "chat-picker"), "picker")["args"]

    assert (
        "--endpoint-selector=app.kubernetes.io/name=vllm,app.kubernetes.io/instance=chat"
        in arguments
    )
    assert "--endpoint-target-ports=8000" in arguments


def test_of_a_server_that_spans_nodes_it_looks_at_the_leader_only() -> None:
    wide = ask(tensor_parallel=8, pipeline_parallel=2, replicas=2, vllm={"routing": "prefix-aware"})
    arguments = container_of(pod_of(wide, "chat-picker"), "picker")["args"]

    [selector] = [a for a in arguments if a.startswith("--endpoint-selector")]
    assert selector.endswith(",leaderworkerset.sigs.k8s.io/worker-index=0")


def test_it_reaches_the_servers_and_the_api_server(asked: Recorded) -> None:
    assert openings(asked) == {
        "chat-picker-to-chat-picker-servers": [8000],
        "chat-picker-servers-from-chat-picker": [8000],
        "chat-picker-to-10.96.0.1/32": [443, 6443],
    }


def test_it_answers_as_long_as_the_servers_drain(asked: Recorded) -> None:
    pod = pod_of(asked, "chat-picker")
    wait = container_of(pod, "proxy")["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert wait >= 120
    assert pod["terminationGracePeriodSeconds"] > wait


def listener(config: dict[str, Any]) -> dict[str, Any]:
    [chain] = config["static_resources"]["listeners"][0]["filter_chains"]
    return chain


def cluster(config: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [c for c in config["static_resources"]["clusters"] if c["name"] == name]
    return found


def test_its_proxy_speaks_tls_on_both_sides_and_verifies_who_answers(asked: Recorded) -> None:
    config = json.loads(asked.one(CONFIG, "chat-picker").inputs["data"]["envoy.yaml"])
    context = cluster(config, "servers")["transport_socket"]["typed_config"]

    assert "DownstreamTlsContext" in listener(config)["transport_socket"]["typed_config"]["@type"]
    assert context["sni"] == "chat.llm-production.svc"
    assert context["common_tls_context"]["validation_context"] == {
        "trusted_ca": {"filename": "/etc/tls/ca.crt"},
        "match_typed_subject_alt_names": [
            {"san_type": "DNS", "matcher": {"exact": "chat.llm-production.svc"}}
        ],
    }


def test_its_proxy_lets_nothing_through_but_openais_api() -> None:
    manager = listener(proxy_config("chat.svc"))["filters"][0]["typed_config"]
    [host] = manager["route_config"]["virtual_hosts"]

    assert [route["match"] for route in host["routes"]] == [{"prefix": "/v1/"}]
    # Or /v1/../metrics would be let through.
    assert manager["normalize_path"] is True
    assert manager["path_with_escaped_slashes_action"] == "REJECT_REQUEST"


def test_its_proxy_goes_where_the_picker_says() -> None:
    config = proxy_config("chat.svc")
    filters = listener(config)["filters"][0]["typed_config"]["http_filters"]

    assert [f["name"].rpartition(".")[2] for f in filters] == ["health_check", "ext_proc", "router"]
    assert cluster(config, "servers")["original_dst_lb_config"] == {
        "use_http_header": True,
        "http_header_name": "x-gateway-destination-endpoint",
    }


def test_the_beginning_of_a_prompt_weighs_more_than_load() -> None:
    config = picker_config(split=False)
    [profile] = config["schedulingProfiles"]
    weights = {p["pluginRef"]: p.get("weight", 0) for p in profile["plugins"]}

    assert max(weights, key=weights.__getitem__) == "prefix-cache-scorer"
    assert weights.keys() <= {plugin["type"] for plugin in config["plugins"]}


def test_a_split_names_every_plugin_that_it_refers_to() -> None:
    config = picker_config(split=True)
    known = {plugin["type"] for plugin in config["plugins"]}

    assert [p["name"] for p in config["schedulingProfiles"]] == ["prefill", "decode"]
    for profile in config["schedulingProfiles"]:
        assert {p["pluginRef"] for p in profile["plugins"]} <= known
        assert profile["plugins"][0]["pluginRef"] == f"{profile['name']}-filter"


def test_servers_that_read_and_servers_that_write_are_deployments_of_their_own(
    split: Recorded,
) -> None:
    reading = split.one(DEPLOYMENT, "chat-prefill").inputs["spec"]
    writing = split.one(DEPLOYMENT, "chat").inputs["spec"]

    assert (reading["replicas"], writing["replicas"]) == (2, 3)
    assert reading["selector"] != writing["selector"]
    roles = [d["template"]["metadata"]["labels"]["llm-d.ai/role"] for d in (reading, writing)]
    assert roles == ["prefill", "decode"]


def test_the_picker_sees_both_and_users_reach_those_that_write(split: Recorded) -> None:
    arguments = container_of(pod_of(split, "chat-picker"), "picker")["args"]
    labels = split.one(DEPLOYMENT, "chat-prefill").inputs["spec"]["template"]["metadata"]["labels"]
    selector = split.one(SERVICE, "chat").inputs["spec"]["selector"]

    assert "--endpoint-selector=private-ai.dev/model=llama-70b" in arguments
    assert labels["private-ai.dev/model"] == "llama-70b"
    assert labels["app.kubernetes.io/instance"] != selector["app.kubernetes.io/instance"]


def test_who_writes_has_the_sidecar_in_front_over_tls(split: Recorded) -> None:
    pod = pod_of(split)
    sidecar, server = container_of(pod, "sidecar"), container_of(pod)

    assert sidecar["ports"] == [{"name": "https", "containerPort": 8000}]
    assert {"--port=8000", "--model-server-port=8200", "--secure-proxy=true"} <= set(
        sidecar["args"]
    )
    assert "--port=8200" in server["args"]
    assert server["readinessProbe"]["httpGet"]["port"] == 8200
    assert [c["name"] for c in pod_of(split, "chat-prefill")["containers"]] == ["vllm"]


def test_both_are_found_by_their_own_address(split: Recorded) -> None:
    for name in ("chat", "chat-prefill"):
        environment = environment_of(container_of(pod_of(split, name)))
        assert environment["VLLM_NIXL_SIDE_CHANNEL_HOST"] == {
            "fieldRef": {"fieldPath": "status.podIP"}
        }


def test_the_two_reach_each_other_and_nobody_else_new(split: Recorded) -> None:
    between = {name for name in openings(split) if "picker" not in name}

    assert between == {
        "chat-to-chat-prefill",
        "chat-prefill-from-chat",
        "chat-prefill-to-chat",
        "chat-from-chat-prefill",
    }


def test_users_wait_for_those_that_read_as_well(split: Recorded) -> None:
    needed = split.one(CONFIG, "consumer").depends_on

    assert any(urn.endswith("Deployment::chat-prefill") for urn in needed)
