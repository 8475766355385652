"""Every option of a stack's `vllm:` section becomes what the deployed vLLM accepts and means."""

import json
from typing import Any, get_args

import pytest
import yaml

from components.models.model_server import Role
from components.models.vllm.args import environment, vllm_args
from config.load import load
from config.reference import KEY
from config.settings.models import TokenModelSettings
from config.settings.vllm import OnlineQuantization
from config.settings.vllm_parsers import ReasoningParser, ToolParser
from tests.conformance.generated import ROOT
from tests.conformance.peers.vllm import VllmSource
from tests.unit.components.models.vllm.vllm_asked import ADAPTERS, FILES, model, served


def parsed(
    source: VllmSource,
    vllm: dict[str, Any],
    *,
    role: Role = "standalone",
    hosts: int = 1,
    **given: Any,
) -> dict[str, Any]:
    settings = model(**given, vllm=vllm)
    verb, *words = vllm_args(served(settings, role=role, hosts=hosts))
    assert verb == "serve"
    return source.parse(words, {"api-key": ["key"]})


@pytest.mark.parametrize(
    ("vllm", "option", "value"),
    [
        ({"quantization": "fp8_per_block"}, "quantization", "fp8_per_block"),
        ({"prefix_caching": False}, "enable_prefix_caching", False),
        ({"max_batched_tokens": 8192}, "max_num_batched_tokens", 8192),
        (
            {"chunked_prefill": False, "max_batched_tokens": 32768},
            "enable_chunked_prefill",
            False,
        ),
        ({"tool_parser": "pythonic"}, "tool_call_parser", "pythonic"),
        ({"reasoning_parser": "deepseek_r1"}, "reasoning_parser", "deepseek_r1"),
        ({"structured_outputs": "guidance"}, "structured_outputs_config", {"backend": "guidance"}),
        ({"data_parallel": 4}, "data_parallel_size", 4),
        ({"expert_parallel": True}, "enable_expert_parallel", True),
        ({"kv_offload": {"size": "64Gi"}}, "kv_offloading_size", 64.0),
        ({"kv_offload": {"size": "64Gi"}}, "kv_offloading_backend", "native"),
        (
            {"media": {"domains": ["a.test", "b.test"], "cidrs": ["198.51.100.0/24"]}},
            "allowed_media_domains",
            ["a.test", "b.test"],
        ),
    ],
)
def test_an_option_is_accepted_with_the_value_meant(
    vllm_source: VllmSource, vllm: dict[str, Any], option: str, value: Any
) -> None:
    assert parsed(vllm_source, vllm)[option] == value


def test_what_is_not_asked_for_is_left_to_vllm(vllm_source: VllmSource) -> None:
    plain = parsed(vllm_source, {})

    assert plain.keys().isdisjoint(
        {
            *("quantization", "max_num_batched_tokens", "enable_chunked_prefill"),
            *("structured_outputs_config", "data_parallel_size", "enable_expert_parallel"),
            *("kv_offloading_size", "kv_transfer_config", "speculative_config", "hf_overrides"),
            *("enable_lora", "lora_modules", "allowed_media_domains", "nnodes", "headless"),
            *("enable_sleep_mode",),
        }
    )


@pytest.mark.parametrize(
    ("speculation", "config"),
    [
        (
            {"method": "ngram", "tokens": 4},
            {"method": "ngram", "num_speculative_tokens": 4, "prompt_lookup_max": 4},
        ),
        ({"method": "mtp", "tokens": 1}, {"method": "mtp", "num_speculative_tokens": 1}),
        *(
            (
                {"method": method, "tokens": 3, "draft": FILES},
                {"method": method, "num_speculative_tokens": 3, "model": "/extras/draft/abc"},
            )
            for method in ("eagle", "eagle3", "draft_model")
        ),
    ],
)
def test_speculation_is_written_in_the_fields_of_vllms_own_configuration(
    vllm_source: VllmSource, speculation: dict[str, Any], config: dict[str, Any]
) -> None:
    found = parsed(vllm_source, {"speculation": speculation})["speculative_config"]

    assert found == config
    assert config.keys() <= vllm_source.fields("vllm.config.speculative", "SpeculativeConfig")
    methods = vllm_source.choices("vllm.config.speculative", "SpeculativeConfig", "method")
    assert config["method"] in methods


def test_adapters_are_loaded_by_name_with_room_for_the_widest(vllm_source: VllmSource) -> None:
    found = parsed(vllm_source, {"adapters": ADAPTERS})

    assert found["enable_lora"] is True
    assert (found["max_loras"], found["max_lora_rank"]) == (2, 32)
    modules = [json.loads(module) for module in found["lora_modules"]]
    assert modules == [
        {"name": "legal", "path": "/extras/adapter-legal/abc"},
        {"name": "medical", "path": "/extras/adapter-medical/abc"},
    ]
    fields = vllm_source.fields("vllm.entrypoints.openai.models.protocol", "LoRAModulePath")
    assert modules[0].keys() <= fields


def test_yarn_names_the_base_and_the_longest_context_since_vllm_replaces_and_believes_them(
    vllm_source: VllmSource,
) -> None:
    scaling = {"factor": 4, "original_tokens": 32768, "theta": 1000000}
    found = json.loads(parsed(vllm_source, {"rope_scaling": scaling})["hf_overrides"])

    assert found == {
        "rope_parameters": {
            "rope_type": "yarn",
            "rope_theta": 1000000,
            "factor": 4,
            "original_max_position_embeddings": 32768,
        },
        "max_position_embeddings": 131072,
    }


@pytest.mark.parametrize(
    ("vllm", "role", "connector"),
    [
        (
            {"kv_offload": {"backend": "lmcache", "size": "64Gi"}},
            "standalone",
            "LMCacheConnectorV1",
        ),
        ({"prefill_replicas": 1, "routing": "prefix-aware"}, "prefill", "NixlConnector"),
        ({"prefill_replicas": 1, "routing": "prefix-aware"}, "decode", "NixlConnector"),
    ],
)
def test_a_connector_is_one_that_vllm_knows(
    vllm_source: VllmSource, vllm: dict[str, Any], role: Role, connector: str
) -> None:
    config = parsed(vllm_source, vllm, role=role)["kv_transfer_config"]

    assert config["kv_connector"] == connector
    assert config.keys() <= vllm_source.fields("vllm.config.kv_transfer", "KVTransferConfig")
    assert vllm_source.mentions(f'"{connector}"')


@pytest.mark.parametrize(("role", "headless"), [("leader", None), ("worker", True)])
def test_the_pods_of_a_group_know_their_place_in_it(
    vllm_source: VllmSource, role: Role, headless: bool | None
) -> None:
    settings = model(tensor_parallel=8, pipeline_parallel=2)
    _, *words = vllm_args(served(settings, role=role, hosts=2))
    # The kubelet puts what LeaderWorkerSet sets in the place of the variables.
    known = {"$(LWS_WORKER_INDEX)": "1", "$(LWS_LEADER_ADDRESS)": "chat-0.chat.llm-production"}
    for variable, value in known.items():
        words = [word.replace(variable, value) for word in words]
    found = vllm_source.parse(words, {"api-key": ["key"]})

    assert (found["nnodes"], found["node_rank"]) == (2, 1)
    assert found["master_addr"] == "chat-0.chat.llm-production"
    assert found.get("headless") is headless
    assert (found["tensor_parallel_size"], found["pipeline_parallel_size"]) == (8, 2)


def test_every_parser_that_a_stack_may_name_is_one_of_vllms_and_none_is_missing(
    vllm_source: VllmSource,
) -> None:
    assert set(get_args(ToolParser)) == vllm_source.tool_parsers()
    assert set(get_args(ReasoningParser)) == vllm_source.reasoning_parsers()


def test_every_quantisation_that_a_stack_may_name_is_one_of_vllms(vllm_source: VllmSource) -> None:
    module = "vllm.model_executor.layers.quantization"

    assert set(get_args(OnlineQuantization)) <= vllm_source.literal(module, "QuantizationMethods")


def test_every_backend_for_structured_outputs_that_a_stack_may_name_is_one_of_vllms(
    vllm_source: VllmSource,
) -> None:
    known = vllm_source.literal("vllm.config.structured_outputs", "StructuredOutputsBackend")

    assert {"auto", "xgrammar", "guidance", "outlines"} <= known


def test_cards_are_named_to_nccl_and_addresses_in_variables_that_vllm_reads(
    vllm_source: VllmSource,
) -> None:
    rdma = {"resource": "rdma/hca", "hca": "mlx5", "gid_index": 3}
    given = environment(model(vllm={"rdma": rdma}), "leader")

    assert given == {"NCCL_IB_DISABLE": "0", "NCCL_IB_HCA": "mlx5", "NCCL_IB_GID_INDEX": "3"}
    assert environment(model(), "leader") == {"NCCL_IB_DISABLE": "1"}
    assert {"VLLM_HOST_IP", "VLLM_NIXL_SIDE_CHANNEL_HOST"} <= vllm_source.environment()


def example_models() -> list[Any]:
    """Every model of every example stack that vLLM serves, with the parts that its pods play."""
    found: list[Any] = []
    for file in sorted((ROOT / "examples").glob("*.yaml")):
        stack = load(yaml.safe_load(file.read_text())["config"][KEY], file.stem)
        for name, settings in stack.models.items():
            hosts = settings.hosts(stack.pools[settings.pool].gpus_per_node)
            roles: tuple[Role, ...] = ("leader", "worker") if hosts > 1 else ("standalone",)
            found += [
                pytest.param(settings, name, role, hosts, id=f"{name}-{role}")
                for role in roles
                if settings.engine == "vllm" and isinstance(settings, TokenModelSettings)
            ]
    return found


@pytest.mark.parametrize(("settings", "name", "role", "hosts"), example_models())
def test_every_model_of_every_example_is_started_as_vllm_accepts_it(
    vllm_source: VllmSource, settings: TokenModelSettings, name: str, role: Role, hosts: int
) -> None:
    words = vllm_args(served(settings, name, role=role, hosts=hosts))[1:]
    words = [word.replace("$(LWS_WORKER_INDEX)", "1") for word in words]
    found = vllm_source.parse(words, {"api-key": ["key"]})

    assert found["served_model_name"] == [name]
    assert found.get("nnodes", 1) == hosts
