"""Models from their own config.json, of the catalog and never seen before.

tests/unit/catalog/configs holds config.json files with the keys that decide memory, typed from the
public ones or copied from where `_source` says; `_parameters` is what the hub counts in the
model's safetensors, `_parameters_without_mtp` what transformers 5.24 counts in the model that it
builds from the file (on torch's meta device), which has no layers for multi-token prediction.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.problems import Problem
from catalog.models import ModelSpec, WeightDtype, model
from sizing.hf_config import model_from_config
from sizing.hf_fields import ConfigUnreadableError
from sizing.kv import kv_bytes, kv_bytes_per_token
from sizing.parameters import mtp_parameters, parameters
from sizing.weights import computed_weights_bytes, weights_bytes
from tests.unit.sizing.architectures import CONFIGS, architecture

READABLE = sorted(name for name in CONFIGS if not name.startswith("refused-"))
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


def of(name: str) -> ModelSpec:
    return model_from_config(CONFIGS[name], name)


@pytest.mark.parametrize("name", READABLE)
def test_a_config_adds_up_to_the_parameters_that_are_counted_elsewhere(name: str) -> None:
    spec, config = of(name), CONFIGS[name]
    further = mtp_parameters(architecture(spec))
    if "_parameters_without_mtp" in config:
        assert spec.parameters - further == pytest.approx(
            config["_parameters_without_mtp"], rel=0.001
        )
    else:  # of all tensors; Scout's file does not describe 0.8 % of them, its vision adapter
        assert spec.parameters == pytest.approx(config["_parameters"], rel=0.009)


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
        # Letters and names of Nemotron's layers; 8 of 88, 6 of 52, 12 of 108 are attention.
        ("nemotron-3-super-120b", 2 * 8 * 2 * 128 * 2),
        ("nemotron-3.5-lightning-30b", 2 * 6 * 2 * 128 * 2),
        ("nemotron-3-ultra-550b", 2 * 12 * 2 * 128 * 2),
        ("nemotron-h-56b", 2 * 10 * 8 * 128 * 2),
        ("minimax-m2.7", 2 * 62 * 8 * 128 * 2),  # an attn_type_list of ones
        ("kimi-k2.5", 61 * (512 + 64) * 2),
        # MLA, and the index's key of 128 in every layer; of GLM-5.2 in the 21 that say "full".
        ("deepseek-v3.2", 61 * (512 + 64) * 2 + 61 * 128 * 2),
        ("glm-5", 78 * (512 + 64) * 2 + 78 * 128 * 2),
        ("glm-5.1-nvfp4", 78 * (512 + 64) * 2 + 78 * 128 * 2),
        ("glm-5.2", 78 * (512 + 64) * 2 + 21 * 128 * 2),
        ("glm-4.7-flash", 47 * (512 + 64) * 2),
        ("kimi-linear-48b", 7 * (512 + 64) * 2),  # 20 of 27 layers are Kimi Delta Attention
        # Keys of 192 and values of 128: 4 heads in 9 layers, 8 in the 39 with a window.
        ("mimo-v2-flash", (9 * 4 + 39 * 8) * (192 + 128) * 2),
        # 25 (50) layers with a window; 5 (10) of 2 (4) heads of 512, which store their values too.
        ("gemma-4-26b-a4b", 2 * (25 * 8 * 256 + 5 * 2 * 512) * 2),
        ("gemma-4-31b-nvfp4", 2 * (50 * 16 * 256 + 10 * 4 * 512) * 2),
        ("gemma-3n-e4b-text", 2 * (35 - 15) * 2 * 256 * 2),  # the last 15 layers share
        ("qwen3.5-27b", 2 * 16 * 4 * 256 * 2),
        ("qwen3.5-397b", 2 * 15 * 2 * 256 * 2),
        ("qwen3.6-27b-nvfp4", 2 * 16 * 4 * 256 * 2),
        ("qwen3-vl-8b", 2 * 36 * 8 * 128 * 2),
        ("falcon-h1-0.5b", 2 * 36 * 2 * 64 * 2),  # attention beside Mamba in every layer
        ("lfm2.5-vl-1.6b", 2 * 6 * 8 * 64 * 2),  # 10 of 16 layers are convolutions
        ("olmo-3.1-32b", 2 * 64 * 8 * 128 * 2),
        ("exaone-4.0-32b", 2 * 64 * 8 * 128 * 2),
        ("devstral-2-123b", 2 * 88 * 8 * 128 * 2),
        ("ernie-4.5-21b", 2 * 28 * 4 * 128 * 2),
        ("smollm3-3b", 2 * 36 * 4 * 128 * 2),  # no_rope_layers are not windows here
        ("llama-3.2-1b", 2 * 16 * 8 * 64 * 2),
        ("dots.llm1", 2 * 62 * 32 * 128 * 2),
        ("hunyuan-a13b", 2 * 32 * 8 * 128 * 2),
        ("granite-4.0-micro", 2 * 40 * 8 * 64 * 2),
        ("phi-4-mini", 2 * 32 * 8 * 128 * 2),
        ("seed-oss-36b", 2 * 64 * 8 * 128 * 2),
        ("jamba-mini", 2 * 4 * 8 * 128 * 2),  # attention in one layer of eight
        ("mimo-7b", 2 * 36 * 8 * 128 * 2),
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
        # 16 full layers; 48 that stop at 4,096
        ("exaone-4.0-32b", 2 * 8 * 128 * 2 * (16 * 100_000 + 48 * 4_096)),
        # 9 full layers of 4 heads; 39 of 8 that stop at 128
        (
            "mimo-v2-flash",
            (192 + 128) * 2 * (9 * 4 * 100_000 + 39 * 8 * 128),
        ),
        # 20 states of 32 heads of 128 x 128 in float32, convolutions over queries, keys, values
        (
            "kimi-linear-48b",
            7 * 576 * 2 * 100_000 + 20 * (3 * 3 * 4_096 * 2 + 32 * 128 * 128 * 4),
        ),
        # 28 states of 8192 x 16, convolutions over as many channels
        (
            "jamba-mini",
            2 * 4 * 8 * 128 * 2 * 100_000 + 28 * (3 * 8_192 * 2 + 8_192 * 16 * 2),
        ),
        # 10 convolutions that keep two of three inputs
        ("lfm2.5-vl-1.6b", 2 * 6 * 8 * 64 * 2 * 100_000 + 10 * 2 * 2_048 * 2),
        # 36 states of 24 heads of 64 x 128, convolutions over 1536 + 2 x 128 channels
        (
            "falcon-h1-0.5b",
            2 * 36 * 2 * 64 * 2 * 100_000 + 36 * (3 * 1_792 * 2 + 24 * 64 * 128 * 2),
        ),
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
        ({"layer_types": ["full_attention", "moonlight_attention"] * 18}, "layer_types"),
        ({"layer_types": ["full_attention"] * 35}, "layer_types"),
        ({"quantization_config": {"quant_method": "bitsandbytes"}}, "quantization_config"),
        ({"mamba_d_state": 16}, "mamba_d_state"),
        ({"n_head": 33}, "n_head"),  # num_attention_heads says 32
        ({"model_type": "qwen9", "architectures": ["Qwen9ForCausalLM"]}, "model_type"),
        ({"num_key_value_heads": 7}, "config"),
    ],
)
def test_what_cannot_be_sized_is_refused_and_never_guessed(
    change: dict[str, Any], path: str
) -> None:
    with pytest.raises(ConfigUnreadableError) as refused:
        model_from_config({**CONFIGS["qwen3-8b"], **change}, "mine")
    assert [problem.path.split(".")[0] for problem in refused.value.problems] == [path]


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
