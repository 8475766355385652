"""Keys of a config.json that nobody reads: asked about by name, never dropped."""

import re
from typing import Any

import pytest

from sizing.hf_config import model_from_config
from sizing.hf_fields import ConfigUnreadableError, Fields
from sizing.hf_unread import HARMLESS, judge
from tests.unit.sizing.architectures import CONFIGS


def refused(config: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(ConfigUnreadableError) as error:
        model_from_config(config, "mine")
    return {problem.path: problem.got for problem in error.value.problems}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("moonlight_rank", 64),
        ("moonlight", [1, 0, 1]),
        ("moonlight_config", {"width": 64}),
        ("moonlight_gate", True),
        ("moonlight_pattern", "ABAB"),
        ("mlp_ratio", 2.5),
    ],
)
def test_a_key_that_nobody_knows_is_told_by_name(key: str, value: object) -> None:
    assert list(refused({**CONFIGS["qwen3-8b"], key: value})) == [key]


@pytest.mark.parametrize("value", [None, False, 0, [], {}, ""])
def test_a_key_that_switches_a_part_off_is_not(value: object) -> None:
    model_from_config({**CONFIGS["qwen3-8b"], "moonlight_rank": value}, "mine")


def test_every_key_is_told_at_once_with_its_path() -> None:
    text = {**CONFIGS["gemma-3-27b"]["text_config"], "moonlight_rank": 8}
    config = {**CONFIGS["gemma-3-27b"], "text_config": text, "sunlight_rank": 8}
    assert list(refused(config)) == ["sunlight_rank", "text_config.moonlight_rank"]


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("refused-deepseek-v4-flash", {"model_type", "compress_ratios", "hc_mult", "o_lora_rank"}),
        ("refused-kimi-k3", {"text_config.routed_expert_hidden_size"}),
        ("refused-minimax-m3", {"model_type", "sparse_attention_config"}),
        ("refused-step-3.7-flash", {"model_type", "share_expert_dim"}),
    ],
)
def test_models_of_2026_that_are_not_modeled_are_refused_by_what_is_not_known(
    name: str, paths: set[str]
) -> None:
    assert paths <= set(refused(CONFIGS[name]))


def test_a_tower_that_is_not_understood_is_left_out_by_name() -> None:
    vision = {**CONFIGS["kimi-k2.5"]["vision_config"], "moonlight_layers": 3}
    spec = model_from_config({**CONFIGS["kimi-k2.5"], "vision_config": vision}, "mine")
    assert spec.unquantized_parameters is None
    assert spec.notes == [
        (
            "text model only: vision_config is left out, for vision_config.moonlight_layers is not"
            " understood"
        ),
    ]
    audio = model_from_config({**CONFIGS["gemma-4-26b-a4b"], "audio_config": {"layers": 3}}, "mine")
    assert audio.notes == ["text model only: audio_config is left out"]


def test_a_reader_knows_what_was_read_of_it_and_of_its_objects() -> None:
    fields = Fields({"a": 1, "b": {"c": 2, "d": 3}, "e": 4, "f": None}, "", [])
    fields.number("a")
    fields.child("b").number("c")
    assert [path for path, _, _ in fields.unread()] == ["e", "b.d"]
    assert not list(judge(Fields({"rope_theta": 1, "n_group": 8}, "", []), {}))


def test_every_harmless_key_has_a_reason_and_none_is_a_size() -> None:
    sizes = (
        *("num_hidden_layers", "hidden_size", "qk_rope_head_dim", "moe_latent_size", "d_ff"),
        *("num_kv_shared_layers", "sparse_attention_config", "layers_block_type", "kv_lora_rank"),
        *("padded_vocab_size", "n_inner", "intermediate_size_mlp", "num_global_key_value_heads"),
    )
    for reason, pattern in HARMLESS.items():
        assert reason
        assert [key for key in sizes if re.fullmatch(pattern, key)] == []
