"""What every engine besides vLLM asks of the cluster."""

import json

import pytest

from base.quantity import parse
from components.models.engines import auth_proxy
from config.settings.engines import Engine
from tests.unit.components.models.engines.engines_asked import (
    DEPLOYMENT,
    OTHERS,
    SECRET,
    WEIGHTS,
    Served,
    serve,
)

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"


@pytest.fixture(scope="module", params=OTHERS)
def engine(request: pytest.FixtureRequest) -> Engine:
    return request.param


@pytest.fixture(scope="module")
def served(engine: Engine) -> Served:
    return serve(engine, replicas=2)


def test_it_is_reached_over_tls_at_a_url_that_is_known_once_it_is_ready(served: Served) -> None:
    consumer = served.asked.one("kubernetes:core/v1:ConfigMap", "consumer")
    service = served.asked.one("kubernetes:core/v1:Service", "chat").inputs["spec"]

    assert consumer.inputs["data"]["url"] == "https://chat.llm-production.svc:8443/v1"
    assert any(urn.endswith("Deployment::chat") for urn in consumer.depends_on)
    assert [port["targetPort"] for port in service["ports"]] == [auth_proxy.PORT]
    assert served.proxy["ports"] == [{"name": "https", "containerPort": auth_proxy.PORT}]


def test_the_engine_itself_is_reached_by_its_own_pod_alone(served: Served) -> None:
    told = f"{served.words()} {json.dumps(served.environment())}"

    assert "127.0.0.1" in told
    assert "0.0.0.0" not in told  # noqa: S104 - it must not
    assert "ports" not in served.engine
    assert served.asked.of(POLICY) == []


def test_its_key_is_in_a_file_of_the_front_and_nowhere_else(served: Served) -> None:
    secret = served.asked.one(SECRET, "chat")
    mounts = {m["name"] for m in served.engine["volumeMounts"]}

    assert secret.secrets == {"stringData"}
    assert secret.inputs["stringData"][auth_proxy.KEYS] == '"~^Bearer canary-password$" yes;\n'
    assert "keys" in {m["name"] for m in served.proxy["volumeMounts"]}
    assert mounts & {"keys", "tls"} == set()
    assert "canary" not in json.dumps(served.asked.one(DEPLOYMENT, "chat").inputs)


def test_it_starts_on_verified_weights_that_it_can_only_read(served: Served) -> None:
    [weights] = [m for m in served.engine["volumeMounts"] if m["name"] == "weights"]
    edges = served.asked.one(DEPLOYMENT, "chat").depends_on

    assert served.pod["initContainers"][0]["name"] == "verify-weights"
    assert (weights["mountPath"], weights["readOnly"]) == ("/models", True)
    assert any(urn.endswith("ConfigMap::weights") for urn in edges)


def test_only_the_engine_has_gpus_and_it_has_its_pools(served: Served) -> None:
    pod = served.pod
    others = [*pod["initContainers"], served.proxy]

    assert served.engine["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert not [c for c in others if "nvidia.com/gpu" in c["resources"]["limits"]]
    assert pod["nodeSelector"] == {"private-ai.dev/gpu-pool": "l40s"}
    assert pod["runtimeClassName"] == "pool-auto"


def test_what_prepares_it_sees_no_gpu_of_the_node(served: Served) -> None:
    prepares = [c for c in served.pod["initContainers"] if c["name"] == "prepare"]

    for container in prepares:
        env = {entry["name"]: entry["value"] for entry in container["env"]}
        assert env["NVIDIA_VISIBLE_DEVICES"] == "void"


def test_a_start_has_the_time_that_the_weights_take_to_load(served: Served) -> None:
    probe = served.engine["startupProbe"]
    annotations = served.asked.one(DEPLOYMENT, "chat").inputs["metadata"]["annotations"]

    # 300 s for the engine and 50 s for 50 GB at 1 GB/s, with half as much again
    assert probe["failureThreshold"] * probe["periodSeconds"] == 530
    assert int(annotations["pulumi.com/timeoutSeconds"]) >= 2 * 525


def test_it_is_asked_through_its_front_whether_it_is_well(served: Served) -> None:
    for probe in ("readinessProbe", "livenessProbe"):
        assert served.engine[probe]["httpGet"] == {
            "path": "/health",
            "port": auth_proxy.PORT,
            "scheme": "HTTPS",
        }
        assert served.proxy[probe]["httpGet"]["path"] == auth_proxy.ALIVE
    assert (
        served.engine["livenessProbe"]["failureThreshold"]
        > (served.engine["readinessProbe"]["failureThreshold"])
    )


def test_it_goes_on_until_the_front_has_let_go_of_the_last_request(served: Served) -> None:
    leaves = served.proxy["lifecycle"]["preStop"]["sleep"]["seconds"]
    engine_stays = served.engine["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert "worker_shutdown_timeout 120s;" in served.nginx()
    assert engine_stays >= leaves + 120
    assert served.pod["terminationGracePeriodSeconds"] > engine_stays


def test_it_is_not_root_and_asks_nobody_outside(served: Served) -> None:
    pod = served.pod

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    for container in pod["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["resources"]["limits"].keys() >= {"cpu", "memory", "ephemeral-storage"}
    assert served.proxy["securityContext"]["readOnlyRootFilesystem"] is True


def test_an_update_never_asks_for_gpus_that_nobody_has(served: Served) -> None:
    spec = served.asked.one(DEPLOYMENT, "chat").inputs["spec"]

    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert served.pod["topologySpreadConstraints"]


def test_metrics_are_read_through_the_front_where_there_are_any(served: Served) -> None:
    told = "location = /metrics" in served.nginx()

    assert (served.metrics is not None) == told
    if served.metrics:
        assert (served.metrics.port, served.metrics.path) == (auth_proxy.PORT, auth_proxy.METRICS)


def test_every_engine_says_whether_it_has_metrics_and_what_they_are_called() -> None:
    jobs = {engine: (found := serve(engine).metrics) and found.job for engine in OTHERS}

    assert jobs == {
        "ollama": None,
        "llama-cpp": "llama-cpp",
        "tgi": "tgi",
        "triton-vllm": "triton-vllm",
        "triton-trtllm": "triton-trtllm",
        "infinity": "infinity",
        "tei": "tei",
        "speaches": None,
        "comfyui": None,
    }


def test_shared_memory_is_part_of_the_memory_limit() -> None:
    served = serve("tgi", model="qwen2.5-72b", dtype="int4", tensor_parallel=4)
    [volume] = [v for v in served.pod["volumes"] if v["name"] == "shm"]
    plain = serve("infinity").engine["resources"]["limits"]["memory"]

    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "8192Mi"}
    limit = served.engine["resources"]["limits"]["memory"]
    assert parse(limit) == parse(plain) + parse("8Gi")


def test_the_weights_are_where_the_store_says(served: Served) -> None:
    assert WEIGHTS in json.dumps(
        [served.words(), served.pod, served.asked.of("kubernetes:core/v1:ConfigMap")], default=str
    )
