"""A model that its engine cannot serve is refused before anything is created."""

from typing import Any

import pytest

from base.problems import ConfigError, Problem
from catalog.models import Task
from config.load import load
from config.settings.engines import ENGINE_SPECS, Engine
from tests.unit.components.models.engines.engine_stacks import COMMIT, stack
from tests.unit.components.models.engines.engines_asked import SETTINGS


def problems(**models: dict[str, Any]) -> list[Problem]:
    with pytest.raises(ConfigError) as refused:
        load(stack(**models), "prod")
    return list(refused.value.problems)


@pytest.mark.parametrize(
    "given",
    [
        {"engine": "ollama", "model": "qwen3-30b-a3b", "dtype": "q4_k_m", "kv_cache_dtype": "q8_0"},
        {
            "engine": "llama-cpp",
            "model": "qwen3-30b-a3b",
            "dtype": "q8_0",
            "pipeline_parallel": 2,
        },
        {"engine": "tgi", "model": "qwen2.5-7b", "tensor_parallel": 2},
        {"engine": "triton-vllm", "model": "qwen2.5-7b", "kv_cache_dtype": "fp8"},
        {
            "engine": "triton-trtllm",
            "model": "qwen2.5-7b",
            "repository": "entreprise/qwen-trtllm",
            "revision": COMMIT,
            "sha256": {"triton/ensemble/config.pbtxt": "0" * 64},
        },
        {"engine": "infinity", "model": "bge-m3"},
        {"engine": "tei", "model": "bge-reranker-v2-m3"},
        {"engine": "speaches", "model": "whisper-large-v3", "revision": COMMIT},
        {"engine": "comfyui", "model": "sdxl-base-1.0", "revision": COMMIT},
        {"engine": "comfyui", "model": "flux1-schnell", "dtype": "fp8"},
    ],
)
def test_one_word_chooses_an_engine_that_suits(given: dict[str, Any]) -> None:
    config = load(stack(other=given), "prod")

    assert config.models["other"].engine == given["engine"]


@pytest.mark.parametrize(
    ("given", "path", "got", "allowed", "change"),
    [
        (
            {"engine": "tei", "model": "qwen2.5-7b"},
            "models.other.engine",
            "tei for qwen2.5-7b, a model with task chat",
            "a model with task embed, rerank: Text Embeddings Inference supports no other",
            "Set engine to vllm or tgi or triton-vllm.",
        ),
        (
            {"model": "whisper-large-v3", "revision": COMMIT},
            "models.other.engine",
            "vllm for whisper-large-v3, a model with task transcribe",
            "a model with task chat, reasoning, code, embed, rerank: vLLM supports no other",
            "Set engine to speaches.",
        ),
        (
            {"engine": "ollama", "model": "qwen3-30b-a3b"},
            "models.other.dtype",
            "bf16, with engine: ollama",
            "q8_0, q4_k_m: Ollama supports no other type",
            "Set dtype: q8_0 or q4_k_m, or engine: vllm or tgi or triton-vllm.",
        ),
        (
            {"model": "qwen3-30b-a3b", "dtype": "q4_k_m"},
            "models.other.dtype",
            "q4_k_m, with engine: vllm",
            "fp32, bf16, fp16, fp8, int8, int4, mxfp4, nvfp4: vLLM supports no other type",
            "Set dtype: bf16 or fp8, or engine: ollama or llama-cpp.",
        ),
        (
            {"engine": "comfyui", "model": "flux1-schnell"},
            "models.other.dtype",
            "bf16, with engine: comfyui",
            "fp16, fp8: ComfyUI supports no other type",
            "Set dtype: fp8.",
        ),
        (
            {"model": "qwen2.5-7b", "kv_cache_dtype": "q8_0"},
            "models.other.kv_cache_dtype",
            "q8_0, with engine: vllm",
            "auto, fp8: the types of vLLM's KV cache",
            "Set kv_cache_dtype: fp8.",
        ),
        (
            {"engine": "infinity", "model": "bge-m3", "kv_cache_dtype": "fp8"},
            "models.other.kv_cache_dtype",
            "fp8, with engine: infinity",
            "auto: the types of Infinity's KV cache",
            "Set kv_cache_dtype: auto.",
        ),
        (
            {
                "engine": "ollama",
                "model": "qwen3-30b-a3b",
                "dtype": "q4_k_m",
                "tensor_parallel": 2,
            },
            "models.other.tensor_parallel",
            "2, with engine: ollama",
            "1: Ollama runs on one GPU here",
            "Set tensor_parallel: 1, and replicas for more requests.",
        ),
        (
            {
                "engine": "llama-cpp",
                "model": "qwen3-30b-a3b",
                "dtype": "q4_k_m",
                "tensor_parallel": 2,
            },
            "models.other.tensor_parallel",
            "2, with engine: llama-cpp",
            "1: llama.cpp server supports pipeline_parallel only",
            "Set tensor_parallel: 1, and replicas for more requests.",
        ),
        (
            {"engine": "tgi", "model": "qwen2.5-7b", "pipeline_parallel": 2},
            "models.other.pipeline_parallel",
            "2, with engine: tgi",
            "1: Text Generation Inference supports tensor_parallel only",
            "Set pipeline_parallel: 1, and replicas for more requests.",
        ),
        (
            {"engine": "triton-trtllm", "model": "qwen2.5-7b"},
            "models.other.repository",
            "nothing, with engine: triton-trtllm",
            (
                "a repository of your own, and its files in models.other.sha256: a Triton model"
                " repository with an engine that trtllm-build built for the GPUs of the pool"
                " (docs/reference/engines.md)"
            ),
            "Build it, and set repository, revision and sha256; or set engine: vllm.",
        ),
        (
            {
                "engine": "llama-cpp",
                "model": "qwen3-30b-a3b",
                "dtype": "q4_k_m",
                "repository": "entreprise/qwen3-gguf",
                "revision": COMMIT,
            },
            "models.other.repository",
            "entreprise/qwen3-gguf",
            "a repository with a file named in the catalog, since llama.cpp server loads one file",
            "Use the catalog's repository, or name the file in catalog/models.yaml.",
        ),
    ],
)
def test_what_an_engine_cannot_do_is_said_with_what_to_change(
    given: dict[str, Any], path: str, got: str, allowed: str, change: str
) -> None:
    assert Problem(path, got, allowed, change) in problems(other=given)


def test_a_model_of_another_task_is_one_problem_and_not_five() -> None:
    found = problems(
        other={
            "engine": "speaches",
            "model": "qwen2.5-7b",
            "context_tokens": 8192,
            "kv_cache_dtype": "fp8",
            "tensor_parallel": 2,
        }
    )

    assert [problem.path for problem in found] == ["models.other.engine"]


def test_settings_of_vllm_are_refused_for_another_engine() -> None:
    found = problems(
        other={"engine": "tgi", "model": "qwen2.5-7b", "vllm": {"prefix_caching": False}}
    )

    assert [problem.path for problem in found] == ["models.other.vllm"]


def test_the_chat_asks_one_model_for_images() -> None:
    image = {"engine": "comfyui", "model": "sdxl-base-1.0", "revision": COMMIT}
    [problem] = problems(first=image, second=image)

    assert problem == Problem(
        "models.second.engine",
        "comfyui, a second time",
        "one image model, which the chat uses; models.first is the first",
        "Remove models.second or models.first.",
    )


def test_an_unknown_engine_is_refused_with_the_list_of_them() -> None:
    [problem] = problems(other={"engine": "lama.cpp", "model": "qwen2.5-7b"})

    assert problem.path == "models.other.engine"
    assert "'llama-cpp'" in problem.allowed


@pytest.mark.parametrize("task", ["chat", "embed", "rerank", "transcribe", "speak", "image"])
def test_there_is_an_engine_for_every_task(task: Task) -> None:
    able: list[Engine] = [name for name, spec in ENGINE_SPECS.items() if task in spec.tasks]

    assert able


# By engine: the oldest driver branch, from the CUDA of its image (catalog/images.yaml).
_DRIVERS: dict[Engine, int] = {
    "vllm": 525,
    "ollama": 531,
    "llama-cpp": 525,
    "tgi": 525,
    "triton-vllm": 580,
    "triton-trtllm": 580,
    "infinity": 525,
    "tei": 525,
    "speaches": 525,
    "comfyui": 525,
}


@pytest.mark.parametrize("engine", ENGINE_SPECS)
def test_every_engine_is_refused_on_a_driver_older_than_its_cuda(engine: Engine) -> None:
    given = {"engine": engine, "revision": COMMIT, **SETTINGS.get(engine, {"model": "qwen3-4b"})}

    def refused(driver: int) -> list[str]:
        raw = stack(other=given)
        raw["pools"]["more"] |= {"gpu": "a100-80gb", "driver": driver}
        raw["cluster"]["nodes"][-1]["profile"] = "4xa100-80gb"
        raw["pools"]["more"]["gpus_per_node"] = 4
        try:
            load(raw, "prod")
        except ConfigError as error:
            return [p.allowed for p in error.problems if p.path == "pools.more.driver"]
        return []

    needed = _DRIVERS[engine]
    [allowed] = refused(needed - 1)
    assert allowed.startswith(f"{needed} or newer, for models.other: {engine} ")
    assert refused(needed) == []
