"""Types of weights by module: exclusions, mixed checkpoints, groups."""

from typing import Any

import pytest

from sizing.hf_config import model_from_config
from sizing.hf_fields import ConfigUnreadableError
from sizing.kv import index_bytes_per_token, kv_bytes_per_token
from sizing.weights import weights_bytes
from tests.unit.sizing.architectures import CONFIGS, architecture

# Qwen3 8B: 36 layers of width 4096; attention 4096 x (4096 + 2 x 1024) + 4096 x 4096, an MLP of
# 12288, embeddings and head of 151936; 4096 x 73 + 36 x 256 in norms.
ATTENTION = 36 * (4096 * (4096 + 2 * 1024) + 4096 * 4096)
MLP = 36 * 3 * 4096 * 12288
EMBEDDINGS = 2 * 151936 * 4096
NORMS = 4096 * 73 + 36 * 256
NVFP4 = {"quant_method": "modelopt", "quant_algo": "NVFP4"}


def stored(quantization: dict[str, Any], name: str = "qwen3-8b") -> float:
    spec = model_from_config({**CONFIGS[name], "quantization_config": quantization}, name)
    return weights_bytes(spec, spec.dtype)


def test_modules_that_a_checkpoint_keeps_at_16_bits_have_16_bits() -> None:
    plain = ATTENTION * 4.5 / 8 + MLP * 4.5 / 8 + (EMBEDDINGS + NORMS) * 2
    assert stored(NVFP4 | {"ignore": ["lm_head"]}) == pytest.approx(plain, rel=1e-6)
    kept = [f"model.layers.{layer}.self_attn*" for layer in range(36)]
    with_attention = ATTENTION * 2 + MLP * 4.5 / 8 + (EMBEDDINGS + NORMS) * 2
    assert stored(NVFP4 | {"ignore": ["lm_head", *kept]}) == pytest.approx(with_attention, rel=1e-6)
    wild = NVFP4 | {"ignore": ["lm_head", "*.self_attn*"]}
    assert stored(wild) == pytest.approx(with_attention, rel=1e-6)
    expression = {
        "quant_method": "compressed-tensors",
        "format": "nvfp4-pack-quantized",
        "ignore": ["lm_head", "re:.*self_attn.*"],
    }
    assert stored(expression) == pytest.approx(with_attention, rel=1e-6)


def test_a_mixed_checkpoint_has_the_type_of_each_module_that_it_names() -> None:
    layers = {
        **{
            f"model.layers.{i}.self_attn.{p}_proj": {"quant_algo": "FP8"}
            for i in range(36)
            for p in "qkvo"
        },
        **{
            f"model.layers.{i}.mlp.{p}_proj": {"quant_algo": "W4A16_NVFP4", "group_size": 16}
            for i in range(36)
            for p in ("gate", "up", "down")
        },
        "lm_head": {"quant_algo": "W4A16_NVFP4", "group_size": 16},
    }
    mixed = {
        "quant_method": "modelopt",
        "quant_algo": "MIXED_PRECISION",
        "quantized_layers": layers,
    }
    head = EMBEDDINGS / 2
    right = ATTENTION * 1 + MLP * 4.5 / 8 + head * 2 + head * 4.5 / 8 + NORMS * 2
    assert stored(mixed) == pytest.approx(right, rel=1e-6)


def test_a_list_of_modules_that_was_cut_is_an_upper_bound_and_says_so() -> None:
    spec = model_from_config(CONFIGS["qwen3.6-27b-nvfp4"], "q")
    assert spec.parameters == pytest.approx(27.8e9, rel=0.001)
    assert "names 3 modules; the weights of all others are counted at 16 bits" in spec.notes[0]
    assert weights_bytes(spec, spec.dtype) == pytest.approx(2 * spec.parameters, rel=0.01)


def test_a_name_that_promises_what_the_file_does_not_say_is_told() -> None:
    spec = model_from_config(CONFIGS["qwen3-8b"], "Qwen3-8B-NVFP4")
    assert "the name says nvfp4 and config.json no quantization" in spec.notes[0]
    file = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "NVFP4"}}
    read = model_from_config(CONFIGS["qwen3-8b"], "Qwen3-8B-NVFP4", None, file)
    assert (read.dtype, read.notes) == ("nvfp4", [])


def test_groups_of_32_have_more_scales_than_groups_of_128() -> None:
    # Kimi K2.5 quantizes its experts alone, to 4 bits and a 16-bit scale for each 32.
    spec = model_from_config(CONFIGS["kimi-k2.5"], "kimi-k2.5")
    experts = 60 * 384 * 3 * 7168 * 2048
    rest = spec.parameters - experts
    assert spec.dtype == "int4"
    assert weights_bytes(spec, "int4") == pytest.approx(experts * 4.5 / 8 + rest * 2, rel=0.001)


def test_gpt_oss_stores_its_experts_in_mxfp4_and_all_else_in_16_bits() -> None:
    spec = model_from_config(CONFIGS["gpt-oss-120b"], "gpt-oss-120b")
    experts = 36 * 128 * 3 * 2880 * 2880
    right = experts * 4.25 / 8 + (spec.parameters - experts) * 2
    assert weights_bytes(spec, "mxfp4") == pytest.approx(right, rel=0.001)


@pytest.mark.parametrize(
    ("quantization", "path", "allowed"),
    [
        ({"quant_method": "modelopt", "quant_algo": "MOON4"}, "quant_algo", "MIXED_PRECISION"),
        ({"quant_method": "bitsandbytes"}, "quant_method", "compressed-tensors"),
        ({"quant_method": "awq", "bits": 3}, "bits", "4 or 8"),
        ({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION"}, "quantized_layers", "mod"),
        (NVFP4 | {"moonlight_bits": 3}, "moonlight_bits", "known"),
    ],
)
def test_an_unknown_quantization_blames_the_key_that_is_not_known(
    quantization: dict[str, Any], path: str, allowed: str
) -> None:
    with pytest.raises(ConfigUnreadableError) as refused:
        stored(quantization)
    [problem] = refused.value.problems
    assert problem.path == f"quantization_config.{path}"
    assert allowed in problem.allowed
    assert problem.got not in problem.allowed.split(", ")


def test_the_keys_of_an_index_are_in_the_cache_and_told_apart() -> None:
    arch = architecture(model_from_config(CONFIGS["deepseek-v3.2"], "deepseek-v3.2"))
    assert kv_bytes_per_token(arch) == 70_272 + 15_616
    assert index_bytes_per_token(arch) == 15_616
    assert index_bytes_per_token(arch, "fp8") == 61 * (128 + 4)
