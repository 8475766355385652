"""What vLLM cannot do together is refused, in the very words that a person reads."""

import copy
from typing import Any

import pytest
import yaml

from base.problems import ConfigError
from config.checks import vllm as vllm_checks
from config.load import load
from config.reference import KEY
from tests.paths import ROOT
from tests.unit.components.models.vllm.vllm_asked import ADAPTERS, FILES

PROD = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())["config"][KEY]
CHAT = PROD["models"]["chat"]


def said(
    which: str = "chat", /, *, operators: tuple[str, ...] = (), nodes: int = 1, **changes: Any
) -> list[str]:
    """Every problem of prod, its pool of *nodes*, once *changes* are made to the model *which*."""
    raw = copy.deepcopy(PROD)
    raw["cluster"]["operators"] += operators
    raw["cluster"]["nodes"][0]["count"] = raw["pools"]["h200"]["nodes"] = nodes
    raw["models"][which] |= changes
    try:
        load(raw, "prod")
    except ConfigError as refused:
        return [str(problem) for problem in refused.problems]
    return []


@pytest.mark.parametrize(
    ("model", "changes", "message"),
    [
        pytest.param(
            "chat",
            {"vllm": {"quantization": "fp8_per_block"}},
            """\
models.chat.vllm.quantization
    got:      fp8_per_block over fp8 weights
    allowed:  16-bit weights: these are already quantized, which vLLM detects itself
    change:   Remove it.""",
            id="quantized-twice",
        ),
        pytest.param(
            "chat",
            {"max_sequences": 512, "vllm": {"max_batched_tokens": 256}},
            """\
models.chat.vllm.max_batched_tokens
    got:      256
    allowed:  at least max_sequences, 512: a step generates a token per request
    change:   Raise it, or lower max_sequences.""",
            id="fewer-tokens-than-requests",
        ),
        pytest.param(
            "chat",
            {"vllm": {"chunked_prefill": False, "max_batched_tokens": 8192}},
            """\
models.chat.vllm.chunked_prefill
    got:      false, with max_batched_tokens 8192
    allowed:  max_batched_tokens of context_tokens, 32768, or more: without it a\
 prompt is prefilled in one step
    change:   Set max_batched_tokens: 32768, or leave chunked_prefill on.""",
            id="a-prompt-that-no-step-holds",
        ),
        pytest.param(
            "chat",
            {
                "tensor_parallel": 1,
                "pipeline_parallel": 2,
                "vllm": {"speculation": {"method": "eagle3", "tokens": 3, "draft": FILES}},
            },
            """\
models.chat.vllm.speculation.method
    got:      eagle3 with pipeline_parallel 2
    allowed:  eagle3 with pipeline_parallel 1: it needs hidden states\
 from other stages, which vLLM passes on for few model classes only
    change:   Use tensor_parallel alone, or method ngram, mtp or draft_model.""",
            id="eagle3-over-stages",
        ),
        pytest.param(
            "chat",
            {"vllm": {"data_parallel": 2}, "replicas": 1},
            """\
models.chat.vllm.data_parallel
    got:      2 for llama-3.3-70b, which is not a mixture-of-experts model
    allowed:  1: the ranks of a dense model share nothing
    change:   Remove it, and set replicas: 2.""",
            id="data-parallel-without-experts",
        ),
        pytest.param(
            "chat",
            {"vllm": {"expert_parallel": True}},
            """\
models.chat.vllm.expert_parallel
    got:      true for llama-3.3-70b, which is not a mixture-of-experts model
    allowed:  false: there are no experts to distribute
    change:   Remove it.""",
            id="expert-parallel-without-experts",
        ),
        pytest.param(
            "chat",
            {"vllm": {"kv_offload": {"size": "64Gi"}, "prefix_caching": False}},
            """\
models.chat.vllm.kv_offload
    got:      set, with prefix_caching false
    allowed:  prefix_caching true: offloaded KV cache is found by its prefix
    change:   Leave prefix_caching on, or remove kv_offload.""",
            id="offload-without-prefixes",
        ),
        pytest.param(
            "chat",
            {
                "replicas": 1,
                "vllm": {
                    "kv_offload": {"size": "64Gi"},
                    "prefill_replicas": 1,
                    "routing": "prefix-aware",
                },
            },
            """\
models.chat.vllm.kv_offload
    got:      set, with prefill_replicas 1
    allowed:  one of the two: a server has one connector for its KV cache
    change:   Remove kv_offload or prefill_replicas.""",
            id="two-connectors",
        ),
        pytest.param(
            "chat",
            {"replicas": 1, "vllm": {"prefill_replicas": 1}},
            """\
models.chat.vllm.prefill_replicas
    got:      1 prefill servers, with routing round-robin
    allowed:  routing prefix-aware: its endpoint picker pairs prefill and decode servers
    change:   Set routing: prefix-aware.""",
            id="split-without-a-picker",
        ),
        pytest.param(
            "chat",
            {
                "replicas": 1,
                "tensor_parallel": 1,
                "pipeline_parallel": 2,
                "vllm": {"prefill_replicas": 1, "routing": "prefix-aware"},
            },
            """\
models.chat.vllm.prefill_replicas
    got:      1 prefill servers, with pipeline_parallel 2
    allowed:  pipeline_parallel 1: a decode server receives the KV cache of all layers
    change:   Use tensor_parallel alone, or set prefill_replicas: 0.""",
            id="split-over-stages",
        ),
        pytest.param(
            "chat",
            {"replicas": 1, "vllm": {"routing": "prefix-aware"}},
            """\
models.chat.vllm.routing
    got:      prefix-aware, with one server
    allowed:  two servers or more: with one there is no choice
    change:   Raise replicas, or remove routing.""",
            id="a-choice-of-one",
        ),
        pytest.param(
            "chat",
            {"vllm": {"routing": "prefix-aware", "prefix_caching": False}},
            """\
models.chat.vllm.routing
    got:      prefix-aware, with prefix_caching false
    allowed:  prefix_caching true: without it no server has a prefix cached
    change:   Leave prefix_caching on, or remove routing.""",
            id="routing-by-nothing",
        ),
        pytest.param(
            "chat",
            {"vllm": {"media": {"domains": ["a.test"], "cidrs": ["198.51.100.0/24"]}}},
            """\
models.chat.vllm.media
    got:      set for llama-3.3-70b, a text-only model
    allowed:  nothing: it fetches no images
    change:   Remove it.""",
            id="pictures-for-a-model-of-text",
        ),
        pytest.param(
            "embeddings",
            {"vllm": {"tool_parser": "hermes"}},
            """\
models.embeddings.vllm.tool_parser
    got:      set for bge-m3, which does not generate text
    allowed:  only data_parallel, max_batched_tokens, quantization for an embedding or reranking\
 model
    change:   Remove tool_parser.""",
            id="tools-for-a-model-that-does-not-write",
        ),
        pytest.param(
            "chat",
            {"vllm": {"adapters": {"code": ADAPTERS["legal"]}}},
            """\
models.chat.vllm.adapters
    got:      code
    allowed:  a name that no other model or adapter has: it is a served name
    change:   Rename the adapter.""",
            id="an-adapter-called-as-a-model",
        ),
        pytest.param(
            "chat",
            {"vllm": {"rdma": {"resource": "rdma/hca", "hca": "mlx5"}}},
            """\
models.chat.vllm.rdma
    got:      set, while each server runs on one node
    allowed:  a server that spans nodes, or prefill_replicas: nothing else uses the cards
    change:   Remove it.""",
            id="cards-that-nobody-uses",
        ),
        pytest.param(
            "embeddings",
            {"engine": "infinity", "vllm": {"quantization": "fp8_per_block"}},
            """\
models.embeddings.vllm
    got:      set, with engine: infinity
    allowed:  nothing: only vLLM reads it
    change:   Remove vllm, or set engine: vllm.""",
            id="a-section-for-another-engine",
        ),
    ],
)
def test_a_combination_is_refused_with_what_to_change(
    model: str, changes: dict[str, Any], message: str
) -> None:
    assert said(model, **changes) == [message]


def test_yarn_is_refused_where_vllm_would_stretch_the_wrong_configuration() -> None:
    changes: dict[str, Any] = {
        "model": "mistral-small-3.1-24b",
        "dtype": None,
        "vllm": {"rope_scaling": {"factor": 2, "original_tokens": 131072, "theta": 1e9}},
    }
    [message] = [m for m in said(**changes) if "rope" in m]

    assert (
        message
        == """\
models.chat.vllm.rope_scaling
    got:      set for mistral-small-3.1-24b, whose text model has a separate configuration
    allowed:  a text-only model: vLLM overrides the outer configuration only
    change:   Remove it."""
    )


def test_yarn_lets_a_context_through_that_the_model_alone_does_not_know() -> None:
    longer: dict[str, Any] = {
        "model": "qwen2.5-coder-32b",
        "context_tokens": 65536,
        "concurrency": 1,
    }
    scaling = {"factor": 2, "original_tokens": 32768, "theta": 1000000}

    assert "at most 32 768 tokens" in "".join(said("code", **longer))
    assert said("code", **longer, vllm={"rope_scaling": scaling}) == []


def test_a_version_that_does_not_drain_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_checks, "deployed_version", lambda: (0, 17, 1))

    assert said() == [
        """\
catalog/images.yaml: vllm
    got:      vLLM 0.17.1
    allowed:  vLLM 0.18.0 or newer, which drains requests when it stops
    change:   Name a newer image in catalog/images.yaml."""
    ]


def test_a_version_without_an_option_is_refused_where_the_option_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(vllm_checks, "deployed_version", lambda: (0, 21, 0))

    assert said() == []
    assert said(vllm={"kv_offload": {"size": "64Gi"}}) == [
        """\
models.chat.vllm.kv_offload
    got:      vLLM 0.21.0
    allowed:  vLLM 0.22.0 or newer, which offloads KV cache to host memory
    change:   Name a newer image in catalog/images.yaml."""
    ]


def test_the_version_is_read_from_the_image_that_is_deployed() -> None:
    assert vllm_checks.deployed_version() >= (0, 33, 0)


@pytest.mark.parametrize(
    ("vllm", "path", "allowed"),
    [
        (
            {"speculation": {"method": "eagle", "tokens": 3}},
            "models.chat.vllm.speculation",
            "with `draft`, the weights that method eagle needs",
        ),
        (
            {"speculation": {"method": "ngram", "tokens": 3, "draft": FILES}},
            "models.chat.vllm.speculation",
            "without `draft`, which only the methods draft_model, eagle, eagle3 use",
        ),
        (
            {"adapters": {"legal": ADAPTERS["legal"] | {"revision": "main"}}},
            "models.chat.vllm.adapters.legal.revision",
            "a commit of 40 hexadecimal digits: branches and tags move",
        ),
        (
            {"adapters": {"legal": ADAPTERS["legal"] | {"rank": 24}}},
            "models.chat.vllm.adapters.legal.rank",
            "input should be 1, 8, 16, 32, 64, 128, 256, 320 or 512",
        ),
        (
            {"kv_offload": {"size": "512Mi"}},
            "models.chat.vllm.kv_offload.size",
            "at least 1Gi",
        ),
        (
            {"media": {"domains": ["a.test"], "cidrs": ["a.test"]}},
            "models.chat.vllm.media.cidrs.0",
            "networks such as 198.51.100.0/24",
        ),
        ({"tool_parser": "qwen9"}, "models.chat.vllm.tool_parser", "'hermes'"),
    ],
)
def test_a_value_is_refused_by_its_own_path(vllm: dict[str, Any], path: str, allowed: str) -> None:
    messages = said(vllm=vllm)

    assert messages
    assert any(m.startswith((f"{path}\n", f"{path}.")) for m in messages), messages
    assert any(allowed in message for message in messages), messages


def test_a_team_may_be_given_an_adapter() -> None:
    raw = copy.deepcopy(PROD)
    raw["models"]["chat"] = CHAT | {"vllm": {"adapters": ADAPTERS}}
    raw["teams"]["developers"]["models"] = ["legal"]

    assert load(raw, "prod").served_names[:3] == ["chat", "legal", "medical"]


def test_two_models_have_no_adapter_of_the_same_name() -> None:
    raw = copy.deepcopy(PROD)
    for name in ("chat", "code"):
        raw["models"][name] |= {"vllm": {"adapters": {"legal": ADAPTERS["legal"]}}}
    with pytest.raises(ConfigError) as refused:
        load(raw, "prod")

    assert [problem.path for problem in refused.value.problems] == ["models.code.vllm.adapters"]


@pytest.mark.parametrize(
    "vllm",
    [
        {"adapters": {"legal": ADAPTERS["legal"] | {"size": "60Gi"}}},
        {"speculation": {"method": "eagle", "tokens": 3, "draft": FILES | {"size": "60Gi"}}},
        # 4 GiB of rank 16, padded to rank 256
        {
            "adapters": {
                "legal": ADAPTERS["legal"] | {"size": "4Gi", "rank": 16},
                "medical": ADAPTERS["medical"] | {"rank": 256},
            }
        },
    ],
    ids=["an-adapter", "a-draft", "a-padded-adapter"],
)
def test_weights_besides_must_fit_as_well(vllm: dict[str, Any]) -> None:
    [message] = said(vllm=vllm)

    assert message.startswith("models.chat.tensor_parallel\n")
    assert "on each of its 2 GPUs" in message
