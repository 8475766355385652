"""`pai size`, as a person and as a script ask it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from sizing.report import SizeReport
from tests.paths import ROOT

# Mistral 7B v0.3's config.json, which the catalog does not have; its index says 14,496,047,104.
MISTRAL = {
    "architectures": ["MistralForCausalLM"],
    "model_type": "mistral",
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 32768,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "vocab_size": 32768,
}

QWEN_72B = ("qwen2.5-72b", "--gpu", "h200-141gb", "--dtype", "fp8", "--context", "32768")


def size(*arguments: str, status: int = 0) -> str:
    found = CliRunner().invoke(app, ["size", *arguments], env={"COLUMNS": "120", "TERM": "dumb"})
    assert found.exit_code == status, found.output
    return found.output


def size_json(*arguments: str, status: int = 0) -> dict[str, Any]:
    return json.loads(size(*arguments, "--json", status=status))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "mistral-7b-v0.3.json"
    file.write_text(json.dumps(MISTRAL), encoding="utf-8")
    return file


def test_a_72b_model_is_72_gb_nominal_with_10_gb_of_cache_and_fits_one_h200() -> None:
    found = size_json(*QWEN_72B)
    assert found["nominal_weights_bytes"] == pytest.approx(72e9, rel=0.03)
    assert found["weights_bytes"] == pytest.approx(75.2e9, rel=0.01)
    assert found["kv_bytes_per_token"] == 2 * 80 * 8 * 128 * 2
    assert found["kv_bytes_per_request"] == 10 * 1024**3
    assert (found["fits"], found["gpus"]) == (True, 1)


def test_a_person_sees_stored_and_nominal_sizes_the_cache_a_bar_and_every_placement() -> None:
    text = size(*QWEN_72B)
    assert "75.2 GB stored, 72.7 GB nominal" in text
    assert "327 680 bytes per token, 10.7 GB (10.0 GiB) for 32 768 tokens" in text
    assert "one h200-141gb\n████████▓▒░░░░░░" in text
    assert text.startswith("fits on 1 h200-141gb, 45.0 GB free\n")
    assert "parameters         72 706 203 648" in text
    assert "upper bounds (roofline)" in text
    assert "h100-80gb" in text


def test_scripts_get_the_documented_keys_and_no_others() -> None:
    found = size_json("qwen3-4b", "--gpu", "l4-24gb")
    assert set(found) == set(SizeReport.model_fields)
    asked_for = {
        *("weights_bytes", "kv_bytes_per_token", "overhead_bytes", "per_gpu_bytes", "fits"),
        *("max_context", "max_concurrency", "placements", "nominal_weights_bytes", "roofline"),
    }
    assert asked_for <= set(found)
    assert found["per_gpu_bytes"] == (
        found["per_gpu_weights_bytes"] + found["per_gpu_kv_bytes"] + found["overhead_bytes"]
    )
    page = (ROOT / "docs" / "explanation" / "sizing.md").read_text(encoding="utf-8")
    assert [key for key in found if f"`{key}`" not in page] == []


def test_what_does_not_fit_exits_3_and_says_what_would() -> None:
    found = size_json(
        "llama-3.3-70b", "--gpu", "h100-80gb", "--gpus", "3", "--concurrency", "8", status=3
    )
    assert found["fits"] is False
    assert found["headroom_bytes"] < 0
    assert found["roofline"] is None
    assert "--dtype fp8" in found["remedies"]
    assert "--kv-dtype fp8" in found["remedies"]
    assert "--dtype fp8 --kv-dtype fp8" not in found["remedies"], "either alone is enough"
    assert any(change.startswith("--gpus 4") for change in found["remedies"])
    text = size("llama-3.3-70b", "--gpu", "l40s-48gb", status=3)
    assert text.startswith("does not fit on 1 l40s-48gb: ")
    assert "fits with  --gpus 4" in text


def test_every_remedy_for_the_gpus_given_makes_it_fit() -> None:
    question = ("llama-3.3-70b", "--gpu", "h100-80gb", "--gpus", "3", "--concurrency", "8")
    for remedy in size_json(*question, status=3)["remedies"]:
        options = remedy.split(" (")[0].split()
        assert size_json(*question, *options)["fits"]


def test_without_a_gpu_it_looks_for_placements_on_all_of_them() -> None:
    found = size_json("llama-3.1-405b", "--dtype", "bf16")
    assert found["gpu"] is None
    assert found["per_gpu_bytes"] is None
    by_gpu = {each["gpu"]: each for each in found["placements"]}
    assert (by_gpu["h100-80gb"]["gpus"], by_gpu["h100-80gb"]["nodes"]) == (16, 2)
    assert all(each["fit"]["fits"] for each in by_gpu.values())


def test_the_context_is_the_models_own_or_32768_and_never_more_than_it_knows() -> None:
    assert size_json("bge-m3")["context"] == 8192
    assert size_json("llama-3.3-70b")["context"] == 32768
    assert "at most 32768 tokens" in size("qwen2.5-72b", "--context", "40000", status=2)


def test_a_config_json_never_seen_before_is_sized(config: Path) -> None:
    found = size_json("--config", str(config), "--gpu", "l4-24gb", "--context", "8192")
    assert found["model"] == "mistral-7b-v0.3"
    assert found["weights_bytes"] == 14_496_047_104
    assert found["kv_bytes_per_token"] == 2 * 32 * 8 * 128 * 2
    assert found["fits"]


def test_an_index_gives_the_weights_their_exact_size(config: Path) -> None:
    index = config.with_name("model.safetensors.index.json")
    index.write_text(json.dumps({"metadata": {"total_size": 14_496_100_000}}), encoding="utf-8")
    found = size_json("--config", str(config), "--index", str(index))
    assert found["weights_bytes"] == 14_496_100_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("llama-3.3-7b",), "Did you mean"),
        (("qwen3-4b", "--gpu", "h300"), "Did you mean 'h100-80gb'?"),
        (("qwen3-4b", "--gpu", "a100"), "one of a100-80gb, a100-40gb"),
        (("qwen3-4b", "--dtype", "fp9"), "Did you mean 'fp8'?"),
        (("qwen3-4b", "--kv-dtype", "fp9"), "Did you mean 'fp8'?"),
        (("qwen3-4b", "--config", __file__), "both MODEL and --config"),
        ((), "neither MODEL nor --config"),
        (("qwen3-4b", "--index", __file__), "an index together with --config"),
        (("--config", __file__), "is not JSON"),
        (
            ("whisper-large-v3", "--gpu", "l4-24gb", "--gpus", "2"),
            "divides the layers or attention heads of whisper-large-v3",
        ),
    ],
)
def test_a_question_that_makes_no_sense_exits_2_and_says_why(
    arguments: tuple[str, ...], message: str
) -> None:
    assert message in " ".join(size(*arguments, status=2).replace("│", "").split())


def test_a_config_json_that_lacks_what_matters_is_refused_with_everything_it_lacks(
    config: Path,
) -> None:
    lacking = {key: MISTRAL[key] for key in MISTRAL if key not in ("vocab_size", "hidden_size")}
    config.write_text(json.dumps(lacking), encoding="utf-8")
    text = size("--config", str(config), status=2)
    assert "vocab_size" in text
    assert "hidden_size" in text


@pytest.mark.parametrize(
    ("words", "key", "dtype"),
    [
        (("Qwen/Qwen3-30B-A3B-FP8",), "qwen3-30b-a3b", "fp8"),
        (("qwen3-30B-a3b-fp8",), "qwen3-30b-a3b", "fp8"),
        (("META-LLAMA/llama-3.3-70b-instruct",), "llama-3.3-70b", "bf16"),
        (("openai/gpt-oss-120b",), "gpt-oss-120b", "mxfp4"),
        (("Qwen/Qwen2.5-72B-Instruct-FP8",), "qwen2.5-72b", "fp8"),  # of RedHatAI in the catalog
        (("qwen2.5:72b",), "qwen2.5-72b", "bf16"),
        (("qwen3-4b", "--dtype", "bfloat16"), "qwen3-4b", "bf16"),
        (("qwen3-4b", "--dtype", "FP8_E4M3"), "qwen3-4b", "fp8"),
        (("qwen3-4b-fp8", "--dtype", "bf16"), "qwen3-4b", "bf16"),
    ],
)
def test_a_model_goes_by_the_names_that_people_know(
    words: tuple[str, ...], key: str, dtype: str
) -> None:
    found = size_json(*words)
    assert (found["model"], found["dtype"]) == (key, dtype)


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("H100", "h100-80gb"),
        ("H200", "h200-141gb"),
        ("L40S", "l40s-48gb"),
        ("RTX 4090", "rtx4090-24gb"),
        ("A100-80GB", "a100-80gb"),
        ("NVIDIA-H100-80GB-HBM3", "h100-80gb"),
        ("b200", "b200-180gb"),
    ],
)
def test_a_gpu_goes_by_the_names_that_people_know(word: str, key: str) -> None:
    assert size_json("qwen3-4b", "--gpu", word)["gpu"] == key


@pytest.mark.parametrize(
    ("word", "cache"), [("bf16", "auto"), ("Float16", "auto"), ("fp8_e5m2", "fp8")]
)
def test_a_cache_goes_by_the_names_that_engines_use(word: str, cache: str) -> None:
    assert size_json("qwen3-4b", "--kv-dtype", word)["kv_dtype"] == cache


def test_a_file_is_called_what_it_says_it_is(config: Path) -> None:
    config.write_text(json.dumps(MISTRAL | {"_name_or_path": "org/mine"}), encoding="utf-8")
    assert size_json("--config", str(config))["model"] == "org/mine"


def test_hf_quant_config_beside_the_file_says_how_it_is_quantized(config: Path) -> None:
    beside = config.with_name("hf_quant_config.json")
    beside.write_text(json.dumps({"quantization": {"quant_algo": "FP8"}}), encoding="utf-8")
    assert size_json("--config", str(config))["dtype"] == "fp8"


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "1" * 5000, "[]", '"text"', '{"a": ' * 5000, "\udcff", "", "{}"]
)
def test_a_file_that_is_no_config_is_refused_without_a_traceback(
    config: Path, content: str
) -> None:
    config.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert "got:" in size("--config", str(config), status=2)


def test_notes_and_the_part_that_is_an_index_are_told() -> None:
    file = ROOT / "tests" / "unit" / "catalog" / "configs" / "deepseek-v3.2.json"
    found = size_json("--config", str(file), "--dtype", "fp8")
    assert found["index_bytes_per_token"] == 15_616
    assert found["mtp_parameters"] == pytest.approx(13.48e9, rel=0.001)
    text = size("--config", str(file))
    assert "15 616 of them keys of its index" in text
    assert "note: 13.48 billion of the parameters are for multi-token prediction" in text


def test_speech_has_memory_and_no_tokens() -> None:
    found = size_json("whisper-large-v3", "--gpu", "l4-24gb")
    assert (found["fits"], found["roofline"], found["kv_bytes_per_token"]) == (True, None, 0)


@pytest.mark.parametrize("option", ["--concurrency", "--gpus", "--context"])
def test_a_number_beyond_all_measure_is_a_usage_error(option: str) -> None:
    done = CliRunner().invoke(app, ["size", "qwen3-8b", option, "1" + "0" * 400])

    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert option in done.output
