"""Models from their own config.json, of the catalog and never seen before.

tests/unit/catalog/configs holds config.json files with the keys that decide memory, typed from the
public ones (`_source`); `_parameters` is what the hub counts in the model's safetensors.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.problems import Problem
from catalog.models import WeightDtype, model
from sizing.hf_config import model_from_config
from sizing.hf_fields import ConfigUnreadableError
from sizing.kv import kv_bytes, kv_bytes_per_token
from sizing.parameters import parameters
from sizing.weights import computed_weights_bytes, weights_bytes
from tests.paths import ROOT
from tests.unit.sizing.architectures import architecture

CONFIGS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "tests" / "unit" / "catalog" / "configs").glob("*.json"))
}
READABLE = sorted(set(CONFIGS) - {"deepseek-v3.2"})
IN_THE_CATALOG = {
    "bge-m3": "bge-m3",
    "deepseek-v3": "deepseek-v3.1",
    "devstral-small": "devstral-small-2507",
    "gemma-3-27b": "gemma-3-27b",
    "glm-4.5-air": "glm-4.5-air",
    "gpt-oss-120b": "gpt-oss-120b",
    "gpt-oss-20b": "gpt-oss-20b",
    "granite-4.0-h-small": "granite-4.0-h-small",
    "kimi-k2": "kimi-k2",
    "llama-3.1-405b": "llama-3.1-405b",
    "llama-3.1-8b": "llama-3.1-8b",
    "llama-3.3-70b": "llama-3.3-70b",
    "llama-4-scout": "llama-4-scout",
    "mistral-large-2411": "mistral-large-2411",
    "mistral-small-3.1-24b": "mistral-small-3.1-24b",
    "nemotron-3-nano-30b": "nemotron-3-nano-30b-a3b",
    "nemotron-nano-9b-v2": "nemotron-nano-9b-v2",
    "nomic-embed-text-v1.5": "nomic-embed-text-v1.5",
    "phi-4": "phi-4",
    "qwen2.5-72b": "qwen2.5-72b",
    "qwen3-14b": "qwen3-14b",
    "qwen3-235b-a22b": "qwen3-235b-a22b",
    "qwen3-30b-a3b": "qwen3-30b-a3b",
    "qwen3-32b": "qwen3-32b",
    "qwen3-8b": "qwen3-8b",
    "qwen3-coder-480b": "qwen3-coder-480b",
    "qwen3.6-35b-a3b": "qwen3.6-35b-a3b",
}


@pytest.mark.parametrize("name", READABLE)
def test_a_config_adds_up_to_the_parameters_that_the_hub_counts(name: str) -> None:
    spec = model_from_config(CONFIGS[name], name)
    # Qwen3-Next's file does not tell of the layer that guesses ahead: 2.03 %.
    assert spec.parameters == pytest.approx(CONFIGS[name]["_parameters"], rel=0.021)


@pytest.mark.parametrize(("name", "key"), IN_THE_CATALOG.items())
def test_a_config_reads_as_the_catalog_has_it(name: str, key: str) -> None:
    read, known = model_from_config(CONFIGS[name], name), model(key)
    # XLM-RoBERTa reserves two of its 8194 positions, which only its code tells.
    same = {"max_context": 8192} if name == "bge-m3" else {}
    assert architecture(read).model_copy(update=same) == known.architecture
    assert read.dtype == known.dtype


@pytest.mark.parametrize(
    ("name", "exactly"),
    [
        ("llama-2-7b", 2 * 32 * 32 * 128 * 2),  # multi-head: 32 heads of 128 in 32 layers
        ("llama-3.1-405b", 2 * 126 * 8 * 128 * 2),  # grouped-query: 8 KV heads
        ("gpt-bigcode-santacoder", 2 * 24 * 1 * 128 * 2),  # multi-query
        ("mixtral-8x7b", 2 * 32 * 8 * 128 * 2),  # mixture of experts
        ("qwen3-235b-a22b", 2 * 94 * 4 * 128 * 2),  # the same, head_dim given
        ("gemma-3-27b", 2 * 62 * 16 * 128 * 2),  # all layers, inside the window
        ("gpt-oss-120b", 2 * 36 * 8 * 64 * 2),
        ("deepseek-v3", 61 * (512 + 64) * 2),  # MLA
        ("kimi-k2", 61 * (512 + 64) * 2),
        ("qwen3-next-80b", 2 * 12 * 2 * 256 * 2),  # hybrid: every fourth of 48 layers
        ("nemotron-nano-9b-v2", 2 * 4 * 8 * 128 * 2),  # hybrid: 4 stars among 56 letters
        ("granite-4.0-h-small", 2 * 4 * 8 * 128 * 2),
        ("bge-m3", 0),  # encoder
    ],
)
def test_the_cache_of_a_token_is_exactly_what_the_config_gives(name: str, exactly: int) -> None:
    assert kv_bytes_per_token(architecture(model_from_config(CONFIGS[name], name))) == exactly


@pytest.mark.parametrize(
    ("name", "exactly"),
    [
        # 10 full layers; 52 that stop at 1,024 tokens
        ("gemma-3-27b", 2 * 16 * 128 * 2 * (10 * 100_000 + 52 * 1_024)),
        # 12 and 12 that stop at 128
        ("gpt-oss-20b", 2 * 8 * 64 * 2 * (12 * 100_000 + 12 * 128)),
        # 12 full layers; 36 in chunks of 8,192
        ("llama-4-scout", 2 * 8 * 128 * 2 * (12 * 100_000 + 36 * 8_192)),
        # every layer stops at 4,096, half of Gemma 2's do
        ("mistral-7b-v0.1", 2 * 8 * 128 * 2 * 32 * 4_096),
        ("gemma-2-9b", 2 * 8 * 256 * 2 * (21 * 100_000 + 21 * 4_096)),
        # 36 linear layers: convolution over 8192 channels, 32 states of 128 x 128
        (
            "qwen3-next-80b",
            2 * 2 * 256 * 2 * 12 * 100_000 + 36 * (3 * 8_192 * 2 + 32 * 128 * 128 * 2),
        ),
        # 30 linear layers whose states are float32
        (
            "qwen3.6-35b-a3b",
            2 * 2 * 256 * 2 * 10 * 100_000 + 30 * (3 * 8_192 * 2 + 32 * 128 * 128 * 4),
        ),
        # 27 Mamba layers: 10240 + 2 x 8 x 128 channels, 128 states of 80 x 128 in float32
        (
            "nemotron-nano-9b-v2",
            2 * 8 * 128 * 2 * 4 * 100_000 + 27 * (3 * 12_288 * 2 + 128 * 80 * 128 * 4),
        ),
    ],
)
def test_a_long_sequence_holds_windows_and_states_and_no_more(name: str, exactly: int) -> None:
    assert kv_bytes(architecture(model_from_config(CONFIGS[name], name)), 100_000) == exactly


def test_a_window_that_is_switched_off_or_wider_than_the_context_is_none() -> None:
    off = architecture(model_from_config(CONFIGS["qwen2.5-72b"], "off"))
    wide = model_from_config({**CONFIGS["phi-3-mini"], "sliding_window": 262_144}, "wide")
    for arch in (off, architecture(wide)):
        assert (arch.layer_pattern, arch.window) == ("F", 0)


def test_an_index_beside_the_config_gives_the_size_of_the_weights() -> None:
    index = {"metadata": {"total_size": 16_381_470_720.0}, "weight_map": {}}
    spec = model_from_config(CONFIGS["qwen3-8b"], "qwen3-8b", index)
    assert weights_bytes(spec, "bf16") == 16_381_470_720
    other = model_from_config(CONFIGS["qwen3-8b"], "qwen3-8b", {"metadata": {"total_size": 17e9}})
    assert weights_bytes(other, "bf16") == 17_000_000_000
    assert computed_weights_bytes(other, "bf16") == 16_381_470_720


@pytest.mark.parametrize(
    ("quantization", "dtype"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8"),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, "int4"),
        ({"quant_method": "gptq", "bits": 8}, "int8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "nvfp4"),
        (
            {
                "quant_method": "compressed-tensors",
                "format": "float-quantized",
                "config_groups": {"group_0": {"weights": {"num_bits": 8, "type": "float"}}},
            },
            "fp8",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "format": "pack-quantized",
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}},
            },
            "int4",
        ),
        ({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}, "nvfp4"),
    ],
)
def test_the_quantization_of_a_checkpoint_is_read(
    quantization: dict[str, Any], dtype: WeightDtype
) -> None:
    spec = model_from_config({**CONFIGS["qwen3-8b"], "quantization_config": quantization}, "q")
    assert (spec.dtype, spec.serve_dtype) == (dtype, dtype)


def test_a_checkpoint_of_32_bits_is_served_at_16() -> None:
    spec = model_from_config(CONFIGS["bge-m3"], "bge-m3")
    assert (spec.dtype, spec.serve_dtype, spec.task) == ("fp32", "bf16", "embed")
    reranker = {**CONFIGS["bge-m3"], "architectures": ["XLMRobertaForSequenceClassification"]}
    assert model_from_config(reranker, "r").task == "rerank"


def test_everything_missing_is_told_at_once_in_four_parts() -> None:
    with pytest.raises(ConfigUnreadableError) as refused:
        model_from_config({"model_type": "llama", "num_attention_heads": 32}, "mine")
    assert [problem.path for problem in refused.value.problems] == [
        "num_hidden_layers",
        "hidden_size",
        "max_position_embeddings",
        "vocab_size",
        "intermediate_size",
    ]
    assert str(refused.value).startswith(
        "config.json of mine: 5 problems\n\n"
        "1. num_hidden_layers\n"
        "    got:      missing\n"
        "    allowed:  a whole number (or n_layer, num_layers)\n"
        "    change:   Add it: the model's own config class (transformers) has the default.\n\n"
    )


@pytest.mark.parametrize("wrong", ["62", -62, 6.2, True])
def test_a_value_of_the_wrong_kind_is_told_with_its_path(wrong: object) -> None:
    text = {**CONFIGS["gemma-3-27b"]["text_config"], "num_hidden_layers": wrong}
    with pytest.raises(ConfigUnreadableError) as refused:
        model_from_config({**CONFIGS["gemma-3-27b"], "text_config": text}, "mine")
    assert [(p.path, p.got) for p in refused.value.problems] == [
        ("text_config.num_hidden_layers", repr(wrong))
    ]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"index_topk": 2048}, "index_topk"),
        ({"layer_types": ["full_attention", "moonlight_attention"]}, "layer_types"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantization_config"),
        ({"mamba_d_state": 16, "mamba_expand": 2}, "mamba_num_heads"),
        ({"num_key_value_heads": 7}, "config"),
    ],
)
def test_what_cannot_be_sized_is_refused_and_never_guessed(
    change: dict[str, Any], path: str
) -> None:
    with pytest.raises(ConfigUnreadableError) as refused:
        model_from_config({**CONFIGS["qwen3-8b"], **change}, "mine")
    assert [problem.path.split(".")[0] for problem in refused.value.problems] == [path]


def test_deepseek_v3_2_has_an_index_that_is_not_modelled_and_says_so() -> None:
    with pytest.raises(ConfigUnreadableError, match="no sparse attention with a separate index"):
        model_from_config(CONFIGS["deepseek-v3.2"], "deepseek-v3.2")


@given(st.sampled_from(READABLE), st.data())
def test_a_config_with_any_key_taken_away_is_read_or_refused_with_a_path(
    name: str, data: st.DataObject
) -> None:
    config = dict(CONFIGS[name])
    del config[data.draw(st.sampled_from(sorted(config)))]
    problems: tuple[Problem, ...] = ()
    try:
        assert parameters(architecture(model_from_config(config, name))).total > 0
    except ConfigUnreadableError as error:
        problems = error.problems
    assert all(problem.path and problem.change for problem in problems)
