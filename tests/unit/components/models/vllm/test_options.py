"""What the options of a model's `vllm:` section change in its pods, beside the arguments."""

import json
from typing import Any

from base.quantity import parse
from components.common.manifest import manifest
from tests.unit.components.models.vllm.vllm_asked import (
    ADAPTERS,
    DEPLOYMENT,
    FILES,
    POLICY,
    ask,
    container_of,
    environment_of,
    model,
    pod_of,
)

CONFIG = "kubernetes:core/v1:ConfigMap"
MODEL_OF_PICTURES: dict[str, Any] = {"model": "mistral-small-3.1-24b", "dtype": "bf16"}


def memory(**given: Any) -> int:
    return int(parse(container_of(pod_of(ask(**given)))["resources"]["limits"]["memory"]))


def test_adapters_are_asked_for_by_their_own_names_at_the_same_servers() -> None:
    asked = ask(vllm={"adapters": ADAPTERS})
    urls = asked.one(CONFIG, "consumer").inputs["data"]

    assert urls == dict.fromkeys(
        ("llama-70b", "legal", "medical"), "https://chat.llm-production.svc:8000/v1"
    )


def test_weights_besides_are_mounted_read_only_each_behind_its_own_gate() -> None:
    speculation = {"method": "eagle3", "tokens": 3, "draft": FILES}
    pod = pod_of(ask(vllm={"adapters": ADAPTERS, "speculation": speculation}))
    server = container_of(pod)
    mounts = {m["mountPath"]: m["readOnly"] for m in server["volumeMounts"]}

    for path in ("/models", "/extras/draft", "/extras/adapter-legal", "/extras/adapter-medical"):
        assert mounts[path] is True
    assert [gate["name"] for gate in pod["initContainers"]] == [
        "verify-weights",
        "verify-draft",
        "verify-adapter-legal",
        "verify-adapter-medical",
    ]


def test_a_server_may_take_longer_to_start_with_more_weights_to_read() -> None:
    def attempts(**given: Any) -> int:
        return container_of(pod_of(ask(**given)))["startupProbe"]["failureThreshold"]

    # 100 GB more at 1 GB/s, with half as much again, every ten seconds
    assert attempts(vllm={"adapters": {"legal": ADAPTERS["legal"]}}) == attempts() + 15


def test_a_kv_cache_on_the_host_is_memory_besides() -> None:
    sixty_four = int(parse("64Gi"))

    for backend in ("native", "lmcache"):
        offload = {"backend": backend, "size": "64Gi"}
        assert memory(vllm={"kv_offload": offload}) == memory() + sixty_four


def test_lmcache_is_told_its_size_and_to_tell_nobody() -> None:
    offload = {"backend": "lmcache", "size": "64Gi"}
    environment = environment_of(container_of(pod_of(ask(vllm={"kv_offload": offload}))))

    assert environment["LMCACHE_MAX_LOCAL_CPU_SIZE"] == "64"
    assert environment["LMCACHE_TRACK_USAGE"] == "false"


def test_pictures_are_fetched_from_where_it_is_said_and_nowhere_else() -> None:
    media = {"domains": ["a.test"], "cidrs": ["198.51.100.0/24"], "port": 8443}
    [policy] = ask(**MODEL_OF_PICTURES, vllm={"media": media}).of(POLICY)

    assert policy.inputs["spec"]["policyTypes"] == ["Egress"]
    assert policy.inputs["spec"]["egress"] == [
        {
            "to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}],
            "ports": [{"port": 8443, "protocol": "TCP"}],
        }
    ]
    assert ask(**MODEL_OF_PICTURES).of(POLICY) == []


def test_each_copy_of_the_attention_layers_has_gpus_of_its_own() -> None:
    given: dict[str, Any] = {"model": "qwen3-30b-a3b", "dtype": None, "tensor_parallel": 2}
    server = container_of(pod_of(ask(**given, vllm={"data_parallel": 2})))

    assert server["resources"]["limits"]["nvidia.com/gpu"] == "4"


def test_a_model_is_sized_by_what_vllm_makes_of_its_weights() -> None:
    plain = model(dtype="bf16")
    quantized = model(dtype="bf16", vllm={"quantization": "fp8_per_channel"})

    assert (plain.loaded_dtype, quantized.loaded_dtype) == ("bf16", "fp8")
    assert quantized.stored_bytes == plain.stored_bytes


def test_a_capability_that_may_load_adapters_at_run_time_is_never_given() -> None:
    asked = ask(vllm={"adapters": ADAPTERS})

    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in json.dumps(
        asked.one(DEPLOYMENT, "chat").inputs
    )


def test_a_manifest_names_fields_as_the_api_does_and_leaves_keys_of_maps_alone() -> None:
    typed = {
        "run_as_non_root": True,
        "exec_": {"command": ["a_b"]},
        "limits": {"nvidia.com/gpu": "1", "ephemeral-storage": "1Gi"},
        "env": [{"name": "HF_HOME", "value": "/x"}],
    }

    assert manifest(typed) == {
        "runAsNonRoot": True,
        "exec": {"command": ["a_b"]},
        "limits": {"nvidia.com/gpu": "1", "ephemeral-storage": "1Gi"},
        "env": [{"name": "HF_HOME", "value": "/x"}],
    }
