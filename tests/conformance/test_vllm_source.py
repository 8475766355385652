"""The harness for vLLM accepts and refuses what vLLM's parser does."""

import pytest

from tests.conformance.peers.errors import RefusedError
from tests.conformance.peers.vllm import VllmSource


def test_short_spellings_and_sizes_with_a_letter_are_read_as_vllm_reads_them(
    vllm_source: VllmSource,
) -> None:
    parsed = vllm_source.parse(["/models/llama", "-pp", "2", "--max-model-len", "32K"])

    assert (parsed["pipeline_parallel_size"], parsed["max_model_len"]) == (2, 32768)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--swap-space", "4"], id="an-option-of-an-older-version"),
        pytest.param(["--task", "embed"], id="an-option-that-was-renamed"),
        pytest.param(["--tensor-parallel", "4"], id="an-abbreviation"),
        pytest.param(["--dtype", "int4"], id="a-value-that-is-not-a-choice"),
        pytest.param(["--tensor-parallel-size", "four"], id="a-value-of-another-type"),
        pytest.param(["--max-model-len"], id="a-missing-value"),
        pytest.param(["--reasoning-parser", "qwen9"], id="an-unknown-reasoning-parser"),
        pytest.param(["--tool-call-parser", "qwen9"], id="an-unknown-tool-parser"),
        pytest.param(["--enable-auto-tool-choice"], id="tools-without-a-parser"),
        pytest.param(["--compilation-config", "{"], id="broken-json"),
        pytest.param(["--config=/etc/vllm.yaml"], id="a-config-file-that-vllm-ignores"),
    ],
)
def test_a_command_line_that_vllm_refuses_is_refused(
    vllm_source: VllmSource, words: list[str]
) -> None:
    with pytest.raises(RefusedError):
        vllm_source.parse(["/models/llama", *words])


def test_a_config_file_gives_the_key_and_the_command_line_wins_over_it(
    vllm_source: VllmSource,
) -> None:
    config = {
        "api-key": ["made-up-key"],
        "max-num-seqs": 64,
        "enable-prefix-caching": False,
        "compilation-config": {"level": 3},
    }

    parsed = vllm_source.parse(
        ["/models/llama", "--config", "/etc/vllm.yaml", "--max-num-seqs", "32"], config
    )

    assert parsed["api_key"] == ["made-up-key"]
    assert parsed["max_num_seqs"] == 32
    assert parsed["enable_prefix_caching"] is False


def test_a_config_file_with_an_unknown_key_is_refused(vllm_source: VllmSource) -> None:
    with pytest.raises(RefusedError, match="api-key-file"):
        vllm_source.parse(["/m", "--config", "/etc/vllm.yaml"], {"api-key-file": "/run/key"})


@pytest.mark.parametrize(
    "option",
    [
        *("--disable-prefix-caching", "--no-enable-prefix-caching", "--headless", "--nnodes"),
        *("--runner", "--convert", "--allowed-media-domains", "--ssl-cert-reqs"),
        *("--disable-access-log-for-endpoints", "--kv-transfer-config", "--otlp-traces-endpoint"),
    ],
)
def test_options_of_every_way_of_declaring_them_are_found(
    vllm_source: VllmSource, option: str
) -> None:
    assert option in vllm_source.arguments()


def test_choices_follow_aliases_into_other_modules(vllm_source: VllmSource) -> None:
    arguments = vllm_source.arguments()

    assert arguments["--runner"].choices == ("auto", "draft", "generate", "pooling")
    assert arguments["--convert"].choices == ("auto", "classify", "embed", "none")


def test_the_environment_holds_what_vllm_reads_and_nothing_else(vllm_source: VllmSource) -> None:
    environment = vllm_source.environment()

    assert {"VLLM_API_KEY", "VLLM_NO_USAGE_STATS", "VLLM_CACHE_ROOT"} <= environment
    assert "VLLM_USE_V1" not in environment


def test_expressions_over_real_series_have_no_problem(vllm_source: VllmSource) -> None:
    expression = """
      sum(vllm:num_requests_waiting) + rate(vllm:prefix_cache_hits_total[5m])
      > sum(rate(vllm:time_to_first_token_seconds_bucket{model_name="chat",le="2.5"}[5m]))
      / sum(rate(vllm:e2e_request_latency_seconds_count[5m]))
    """
    assert vllm_source.problems(expression) == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        pytest.param("vllm:gpu_cache_usage_perc > 0.9", "is not a series", id="a-dead-name"),
        pytest.param("vllm:prompt_tokens", "is not a series", id="a-counter-without-total"),
        pytest.param("vllm:num_requests_running_total", "is not a series", id="a-gauge-with-total"),
        pytest.param(
            'vllm:time_to_first_token_seconds_bucket{le="2.0"}', "has no le=", id="no-such-bucket"
        ),
        pytest.param(
            'vllm:time_to_first_token_seconds_bucket{le="10"}', "has no le=", id="not-as-printed"
        ),
        pytest.param("vllm:lora_requests_info", "is exported only if", id="a-conditional-metric"),
    ],
)
def test_an_expression_that_can_never_be_true_is_found_out(
    vllm_source: VllmSource, expression: str, problem: str
) -> None:
    (found,) = vllm_source.problems(expression)

    assert problem in found
