"""What a model server asks of the cluster."""

import json

import pytest

from base.quantity import Resources, parse
from components.models.model_server import grace_seconds
from components.models.vllm.args import vllm_args
from config.settings.models import TokenModelSettings
from tests.support import Recorded
from tests.unit.components.models.vllm.vllm_asked import (
    DEPLOYMENT,
    POLICY,
    ask,
    model,
    pod_of,
    served,
)

SECRET = "kubernetes:core/v1:Secret"


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask(tensor_parallel=4, replicas=2)


def arguments(settings: TokenModelSettings) -> list[str]:
    return vllm_args(served(settings, "small"))


def test_a_server_has_exactly_the_gpus_that_it_shards_over(asked: Recorded) -> None:
    [server] = pod_of(asked)["containers"]

    assert server["resources"]["requests"]["nvidia.com/gpu"] == "4"
    assert server["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert "--tensor-parallel-size=4" in server["args"]


def test_it_starts_once_the_weights_are_verified_and_the_pool_offers_gpus(asked: Recorded) -> None:
    edges = asked.one(DEPLOYMENT, "chat").depends_on
    pod = pod_of(asked)

    assert any(urn.endswith("ConfigMap::weights") for urn in edges)
    assert any(urn.endswith("ConfigMap::pool") for urn in edges)
    assert pod["runtimeClassName"] == "pool-auto"
    assert pod["nodeSelector"] == {"private-ai.dev/gpu-pool": "h200"}


def test_its_url_is_known_once_it_is_ready(asked: Recorded) -> None:
    consumer = asked.one("kubernetes:core/v1:ConfigMap", "consumer")

    assert consumer.inputs["data"]["llama-70b"] == "https://chat.llm-production.svc:8000/v1"
    assert any(urn.endswith("Deployment::chat") for urn in consumer.depends_on)


def test_it_can_read_the_weights_and_not_change_them(asked: Recorded) -> None:
    pod = pod_of(asked)
    [volume] = [v for v in pod["volumes"] if "persistentVolumeClaim" in v]
    [mount] = [m for m in pod["containers"][0]["volumeMounts"] if m["name"] == volume["name"]]

    assert volume["persistentVolumeClaim"]["claimName"] == "weights-auto"
    assert (mount["mountPath"], mount["readOnly"]) == ("/models", True)


def test_it_starts_behind_the_gate_that_verifies_its_weights(asked: Recorded) -> None:
    [gate] = pod_of(asked)["initContainers"]

    assert gate["command"] == ["python", "-m", "weights.verify"]


def test_its_key_is_in_a_file_and_nowhere_else(asked: Recorded) -> None:
    secret = asked.one(SECRET, "chat")
    [server] = pod_of(asked)["containers"]
    position = server["args"].index("--config")

    assert secret.secrets == {"stringData"}
    assert json.loads(secret.inputs["stringData"]["vllm.yaml"])["api-key"] == ["canary-password"]
    assert server["args"][position + 1] == "/run/secrets/vllm/vllm.yaml"
    assert "canary" not in json.dumps(asked.one(DEPLOYMENT, "chat").inputs)


def test_it_drains_before_it_is_killed(asked: Recorded) -> None:
    pod = pod_of(asked)
    [server] = pod["containers"]
    pre_stop = server["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert "--shutdown-timeout=120" in server["args"]
    assert pod["terminationGracePeriodSeconds"] > pre_stop + 120
    assert grace_seconds(model(drain_seconds=600)) > pre_stop + 600


def test_a_restart_waits_as_long_as_the_weights_take_to_load(asked: Recorded) -> None:
    [server] = pod_of(asked)["containers"]
    deployment = asked.one(DEPLOYMENT, "chat").inputs

    # 300 s for the engine and 100 s for 100 GB at 1 GB/s, with half as much again
    assert server["startupProbe"]["failureThreshold"] * server["startupProbe"]["periodSeconds"] == (
        600
    )
    patience = int(deployment["metadata"]["annotations"]["pulumi.com/timeoutSeconds"])
    assert patience >= 2 * 600


def test_shared_memory_grows_with_the_gpus_and_is_part_of_the_memory_limit(asked: Recorded) -> None:
    pod = pod_of(asked)
    [volume] = [v for v in pod["volumes"] if v["name"] == "shm"]
    limit = pod["containers"][0]["resources"]["limits"]["memory"]

    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "8192Mi"}
    assert parse(limit) == parse(model().resources.limits.memory) + parse("8Gi")
    assert Resources.fixed("1", "1Gi").with_memory(1).requests.memory == "1025Mi"


def test_an_update_never_asks_for_gpus_that_nobody_has(asked: Recorded) -> None:
    strategy = asked.one(DEPLOYMENT, "chat").inputs["spec"]["strategy"]["rollingUpdate"]

    assert strategy == {"maxSurge": 0, "maxUnavailable": 1}


def test_it_reaches_nobody_and_nobody_reaches_it_unasked(asked: Recorded) -> None:
    assert asked.of(POLICY) == []


def test_it_is_not_root_and_its_caches_have_a_place_to_be(asked: Recorded) -> None:
    pod = pod_of(asked)
    [server] = pod["containers"]
    env = {e["name"]: e["value"] for e in server["env"]}
    writable = [m["mountPath"] for m in server["volumeMounts"] if not m["readOnly"]]

    assert pod["securityContext"]["runAsNonRoot"] is True
    for variable in ("HOME", "HF_HOME", "VLLM_CACHE_ROOT", "TRITON_CACHE_DIR", "XDG_CONFIG_HOME"):
        assert any(env[variable].startswith(path) for path in writable)


def test_it_asks_no_hub_and_tells_nobody_that_it_runs(asked: Recorded) -> None:
    env = {e["name"]: e["value"] for e in pod_of(asked)["containers"][0]["env"]}

    assert env["HF_HUB_OFFLINE"] == env["TRANSFORMERS_OFFLINE"] == "1"
    assert env["VLLM_NO_USAGE_STATS"] == env["DO_NOT_TRACK"] == "1"
    assert env["VLLM_MEDIA_URL_ALLOW_REDIRECTS"] == "0"


def test_the_headless_service_that_metrics_are_read_from_is_in_its_certificate(
    asked: Recorded,
) -> None:
    service = asked.one("kubernetes:core/v1:Service", "chat-members").inputs["spec"]
    hosts = asked.one("tls:index/certRequest:CertRequest", "chat").inputs["dnsNames"]

    assert service["clusterIP"] == "None"
    assert {"chat.llm-production.svc", "chat-members.llm-production.svc"} <= set(hosts)


def test_it_speaks_tls_only_and_says_so_to_its_probes(asked: Recorded) -> None:
    [server] = pod_of(asked)["containers"]

    assert "--ssl-certfile=/etc/tls/tls.crt" in server["args"]
    assert "--ssl-keyfile=/etc/tls/tls.key" in server["args"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert server[probe]["httpGet"] == {"path": "/health", "port": 8000, "scheme": "HTTPS"}


def test_a_model_that_calls_tools_and_reasons_is_parsed() -> None:
    args = arguments(model(model="qwen3-4b", dtype=None))

    assert args[:2] == ["serve", "/models/abc"]
    assert "--served-model-name=small" in args
    assert {"--enable-auto-tool-choice", "--tool-call-parser=hermes"} <= set(args)
    assert "--reasoning-parser=qwen3" in args
    assert "--dtype=bfloat16" in args


def test_a_model_that_does_not_write_pools_instead() -> None:
    args = arguments(model(model="bge-m3", dtype=None, context_tokens=8192))

    assert "--runner=pooling" in args
    assert "--load-format=auto" in args  # it is published as pickles only
    assert not [a for a in args if a.startswith(("--kv-cache", "--enable-"))]


def test_every_answer_says_what_it_cost_even_in_a_stream() -> None:
    assert "--enable-force-include-usage" in arguments(model())


def test_a_single_server_is_not_told_to_spread() -> None:
    assert "topologySpreadConstraints" not in pod_of(ask(replicas=1))
    assert ask(replicas=1).of("kubernetes:policy/v1:PodDisruptionBudget") == []


def test_nodes_with_an_older_driver_get_the_build_for_it() -> None:
    image = pod_of(ask())["containers"][0]["image"]

    assert image == "registry.test/vllm:1"
    assert pod_of(ask(driver=570))["containers"][0]["image"] == "registry.test/vllm-cu129:1"
