"""How each engine is started, and what of it is let out."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from components.common.contracts import ModelApi
from config.settings.engines import Engine
from tests.unit.components.models.engines.engines_asked import COMMIT, WEIGHTS, Served, serve


def let_in(served: Served) -> set[str]:
    """The paths that a key opens."""
    blocks = re.findall(r"location (?:= )?(\S+) \{\s+if \(\$known", served.nginx())
    return set(blocks)


def test_llama_cpp_holds_the_context_of_every_slot_in_the_type_that_was_asked() -> None:
    words = serve("llama-cpp", concurrency=4).words()

    assert f"--model {WEIGHTS}/Qwen3-30B-A3B-Q8_0.gguf --alias chat" in words
    assert "--ctx-size 32768 --parallel 4" in words
    assert "--flash-attn on --cache-type-k q8_0 --cache-type-v q8_0" in words
    assert "--split-mode none" in words
    assert {"--metrics", "--no-ui", "--no-slots", "--offline"} <= set(words.split())


def test_llama_cpp_shares_out_layers_over_its_gpus() -> None:
    served = serve("llama-cpp", pipeline_parallel=2, kv_cache_dtype="auto")

    assert "--split-mode layer" in served.words()
    assert "--cache-type-k f16 --cache-type-v f16" in served.words()
    assert served.engine["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert "/dev/shm" in {m["mountPath"] for m in served.engine["volumeMounts"]}  # noqa: S108


def test_ollama_keeps_one_model_with_a_small_cache_and_never_pulls() -> None:
    served = serve("ollama", concurrency=4, max_sequences=32)
    env = served.environment()

    assert served.engine["command"] == ["ollama"]
    assert served.engine["args"] == ["serve"]
    assert (env["OLLAMA_KV_CACHE_TYPE"], env["OLLAMA_FLASH_ATTENTION"]) == ("q8_0", "1")
    assert (env["OLLAMA_NUM_PARALLEL"], env["OLLAMA_MAX_QUEUE"]) == ("4", "32")
    assert (env["OLLAMA_CONTEXT_LENGTH"], env["OLLAMA_KEEP_ALIVE"]) == ("8192", "-1")
    assert (env["OLLAMA_MAX_LOADED_MODELS"], env["OLLAMA_NO_CLOUD"]) == ("1", "1")
    assert "pull" not in json.dumps(served.pod)


def test_ollama_is_given_the_verified_file_under_the_name_that_users_ask_for() -> None:
    served = serve("ollama")
    prepare = served.pod["initContainers"][-1]
    gguf = f"{WEIGHTS}/Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf"

    assert served.file("Modelfile") == f"FROM {gguf}\nPARAMETER num_ctx 8192\n"
    assert f"file={gguf}" in prepare["command"][-1]
    assert "ollama create chat -f /etc/engine/Modelfile" in prepare["command"][-1]


def test_ollama_is_ready_once_the_model_is_loaded_and_not_before() -> None:
    probe = serve("ollama").engine["startupProbe"]

    assert probe["exec"] == {"command": ["ollama", "run", "chat", ""]}
    assert probe["timeoutSeconds"] == 530


def test_ollamas_administration_is_let_in_for_nobody() -> None:
    assert let_in(serve("ollama")) == {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/models",
    }


def test_tgi_divides_its_context_between_prompt_and_answer() -> None:
    words = serve("tgi", tensor_parallel=2, kv_cache_dtype="fp8").words()

    assert "--num-shard=2" in words
    assert "--max-total-tokens=8192 --max-input-tokens=7680" in words
    assert "--kv-cache-dtype=fp8_e4m3fn" in words
    assert "--usage-stats=off" in words


def test_triton_is_given_a_model_repository_out_of_two_files() -> None:
    served = serve("triton-vllm", tensor_parallel=2, kv_cache_dtype="fp8")
    told = json.loads(served.file("model.json"))

    assert "--backend=vllm" in served.words()
    assert 'backend: "vllm"' in served.file("config.pbtxt")
    assert (told["model"], told["tensor_parallel_size"]) == (WEIGHTS, 2)
    assert (told["max_model_len"], told["kv_cache_dtype"]) == (8192, "fp8")


def test_tritons_prepared_repository_is_found_where_its_own_files_say_it_is() -> None:
    served = serve("triton-trtllm")

    assert served.pod["initContainers"][-1]["command"][-1] == (
        f"ln -sfn {WEIGHTS} /var/lib/engine/model"
    )
    assert "--model-repository=/var/lib/engine/model/triton" in served.words()
    assert "--tokenizer=/var/lib/engine/model/tokenizer" in served.words()
    assert served.endpoint is not None
    assert served.endpoint.upstream_name == "ensemble"


def test_infinity_embeds_in_the_type_of_the_weights_and_runs_no_code_of_theirs() -> None:
    words = serve("infinity").words()

    assert f"--model-id={WEIGHTS} --served-model-name=chat" in words
    assert "--dtype=float16" in words
    assert "--no-trust-remote-code" in words
    assert serve("infinity").environment()["DO_NOT_TRACK"] == "1"


def test_a_long_input_fits_into_teis_batch() -> None:
    assert "--max-batch-tokens=16384" in serve("tei", context_tokens=512).words()
    assert "--max-batch-tokens=32768" in serve("tei", context_tokens=32768).words()


@pytest.mark.parametrize(
    ("engine", "model", "api", "paths"),
    [
        ("infinity", "bge-m3", "openai", {"/v1/embeddings", "/v1/models"}),
        ("infinity", "bge-reranker-v2-m3", "infinity", {"/v1/rerank", "/v1/models"}),
        ("tei", "bge-m3", "openai", {"/v1/embeddings"}),
        ("tei", "bge-reranker-v2-m3", "tei", {"/v1/rerank"}),
    ],
)
def test_who_embeds_and_who_reranks_is_asked_in_its_own_way(
    engine: Engine, model: str, api: ModelApi, paths: set[str]
) -> None:
    served = serve(engine, model=model)

    assert let_in(served) == paths
    assert served.endpoint is not None
    assert served.endpoint.api == api


def test_reranking_has_another_path_in_tei() -> None:
    assert "proxy_pass http://127.0.0.1:3000/rerank;" in serve("tei").nginx()


def run_prepare(served: Served, folder: Path) -> Path:
    """Run the script that prepares the engine, its paths moved below *folder*; returns its home."""
    script = served.pod["initContainers"][-1]["command"][-1]
    files = folder / "engine"
    files.mkdir()
    (files / "README.md").write_text(served.file("README.md"))
    moved = (
        script.replace("/models/", f"{folder}/models/")
        .replace("/etc/engine", str(files))
        .replace("/var/lib/engine", f"{folder}/home")
    )
    subprocess.run(["/bin/sh", "-euc", moved], check=True)
    return folder / "home"


def test_speaches_finds_the_verified_files_where_the_hubs_cache_would_be(tmp_path: Path) -> None:
    weights = tmp_path / "models" / COMMIT
    weights.mkdir(parents=True)
    for name in ("model.bin", "config.json", "tokenizer.json", "preprocessor_config.json"):
        (weights / name).write_text(name)
    served = serve("speaches")
    cache = run_prepare(served, tmp_path) / "hub/models--Systran--faster-whisper-large-v3"

    assert (cache / "refs" / "main").read_text() == COMMIT
    found = cache / "snapshots" / COMMIT
    assert (found / "model.bin").resolve() == weights / "model.bin"
    assert "pipeline_tag: automatic-speech-recognition" in (found / "README.md").read_text()
    assert served.endpoint is not None
    assert served.endpoint.upstream_name == "Systran/faster-whisper-large-v3"
    assert let_in(served) == {"/v1/audio/transcriptions"}


def test_a_voice_of_piper_is_one_repository_to_speaches(tmp_path: Path) -> None:
    voice = tmp_path / "models" / COMMIT / "fr/fr_FR/siwis/medium"
    voice.mkdir(parents=True)
    for name in ("fr_FR-siwis-medium.onnx", "fr_FR-siwis-medium.onnx.json"):
        (voice / name).write_text(name)
    served = serve("speaches", model="piper-fr-siwis-medium")
    cache = run_prepare(served, tmp_path) / "hub/models--private-ai--piper-fr_FR-siwis-medium"
    found = cache / "snapshots" / COMMIT

    assert (found / "model.onnx").read_text() == "fr_FR-siwis-medium.onnx"
    assert (found / "config.json").read_text() == "fr_FR-siwis-medium.onnx.json"
    assert "tags: [speaches, piper]" in (found / "README.md").read_text()
    assert served.endpoint is not None
    assert served.endpoint.upstream_name == "private-ai/piper-fr_FR-siwis-medium"
    assert let_in(served) == {"/v1/audio/speech"}


def test_comfyui_makes_images_with_what_it_has_and_loads_no_code() -> None:
    served = serve("comfyui")

    assert json.loads(served.file("models.yaml")) == {"stack": {"checkpoints": WEIGHTS}}
    assert "--disable-all-custom-nodes" in served.words()
    assert "--disable-api-nodes" in served.words()
    assert let_in(served) == {"/prompt", "/history/", "/view", "/ws", "/object_info"}
    images = served.asked.one("kubernetes:core/v1:ConfigMap", "images").inputs["data"]
    assert images == {
        "url": "https://chat.llm-production.svc:8443",
        "model": "sd_xl_base_1.0.safetensors",
    }
