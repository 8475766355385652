"""What the settings of models and GPU pools accept."""

from typing import Any

import pytest
from pydantic import ValidationError

from config.settings.model_store import ModelStoreSettings
from config.settings.models import MediaModelSettings, ModelSettings, TokenModelSettings
from config.settings.pools import GpuPoolSettings

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def settings(**given: Any) -> TokenModelSettings:
    base = {"model": "llama-3.3-70b", "pool": "h200", "context_tokens": 32768}
    return TokenModelSettings.model_validate(base | given)


def refused(model: type[ModelSettings | GpuPoolSettings | ModelStoreSettings], raw: Any) -> Any:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(raw)
    [error] = caught.value.errors()
    return error


def test_a_misspelt_model_is_refused_with_the_nearest_one() -> None:
    error = refused(
        TokenModelSettings, {"model": "llama3.3-70b", "pool": "a", "context_tokens": 4096}
    )

    assert error["loc"] == ("model",)
    assert "Did you mean 'llama-3.3-70b'?" in error["msg"]


def test_a_model_of_tokens_needs_a_context() -> None:
    none = refused(TokenModelSettings, {"model": "qwen3-4b", "pool": "a"})
    short = refused(TokenModelSettings, {"model": "qwen3-4b", "pool": "a", "context_tokens": 255})

    assert (none["loc"], none["type"]) == (("context_tokens",), "missing")
    assert "at least 256: longest prompt and answer together, tokens" in short["msg"]


def test_a_model_of_speech_has_no_context() -> None:
    raw = {"model": "whisper-large-v3", "pool": "a", "revision": COMMIT}

    assert MediaModelSettings.model_validate(raw).task == "transcribe"
    assert not hasattr(MediaModelSettings.model_validate(raw), "context_tokens")


def test_a_gpu_outside_the_catalog_is_refused_with_those_inside() -> None:
    error = refused(GpuPoolSettings, {"gpu": "h300", "nodes": 1, "gpus_per_node": 8})

    assert error["loc"] == ("gpu",)
    assert "h200-141gb" in error["msg"]


def test_weights_are_those_of_the_type_that_is_asked_for() -> None:
    full, half = settings(), settings(dtype="fp8")

    assert full.checkpoint.repository == "meta-llama/Llama-3.3-70B-Instruct"
    assert "FP8" in half.checkpoint.repository
    assert half.stored_bytes < full.stored_bytes * 0.6


def test_weights_that_are_stored_wider_than_served_take_the_disk_they_are_stored_in() -> None:
    embedder = settings(model="bge-m3", context_tokens=8192)

    assert embedder.served_dtype == "fp16"
    assert embedder.stored_bytes == pytest.approx(4 * embedder.spec.parameters, rel=1e-4)


def test_a_type_that_nobody_published_is_refused_with_those_that_are() -> None:
    error = refused(
        TokenModelSettings,
        {"model": "llama-3.3-70b", "dtype": "int4", "pool": "a", "context_tokens": 4096},
    )

    assert error["loc"] == ("dtype",)
    assert "bf16, fp8" in error["msg"]


def test_a_commit_must_be_given_where_the_catalog_knows_none() -> None:
    raw = {"model": "qwen3-4b", "dtype": "fp8", "pool": "a", "context_tokens": 4096}
    error = refused(TokenModelSettings, raw)

    assert error["loc"] == ("revision",)
    assert "Qwen/Qwen3-4B-FP8" in error["msg"]
    assert (
        TokenModelSettings.model_validate(raw | {"revision": COMMIT}).checkpoint.revision == COMMIT
    )


def test_a_repository_of_ones_own_needs_its_own_commit() -> None:
    raw = {
        "model": "llama-3.3-70b",
        "repository": "mirror/llama",
        "pool": "a",
        "context_tokens": 4096,
    }

    assert refused(TokenModelSettings, raw)["loc"] == ("revision",)


@pytest.mark.parametrize("revision", ["main", COMMIT[:-1], COMMIT.upper()])
def test_only_a_whole_commit_names_a_revision(revision: str) -> None:
    raw = {
        "model": "llama-3.3-70b",
        "revision": revision,
        "pool": "a",
        "context_tokens": 4096,
    }

    assert refused(TokenModelSettings, raw)["loc"] == ("revision",)


def test_a_model_that_is_not_public_needs_a_repository() -> None:
    raw = {"model": "elodie-32b", "revision": COMMIT, "pool": "a", "context_tokens": 4096}

    assert refused(TokenModelSettings, raw)["loc"] == ("repository",)


@pytest.mark.parametrize(
    ("model", "task"),
    [
        ("llama-3.3-70b", "chat"),
        ("deepseek-r1-distill-qwen-32b", "chat"),
        ("bge-m3", "embed"),
        ("bge-reranker-v2-m3", "rerank"),
    ],
)
def test_models_that_reason_or_code_are_asked_like_those_that_chat(model: str, task: str) -> None:
    assert settings(model=model, context_tokens=8192).task == task


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", {"kind": "hub", "endpoint": "http://hub.test"}),
        ("source", {"kind": "hub", "endpoint": "https://hub.test/"}),
        ("source", {"kind": "ftp", "endpoint": "https://hub.test"}),
        ("source", {"kind": "s3", "endpoint": "https://s3.test", "bucket": "Models"}),
        ("source", {"kind": "oci", "registry": "https://user:canary@registry.test"}),
        ("authority", "a certificate"),
        ("proxy", "https://user:canary@proxy.test:3128"),
        ("cidrs", []),
        ("cidrs", ["hub.test"]),
        ("ports", [0]),
        ("read_rate", "fast"),
    ],
)
def test_a_hub_that_cannot_be_reached_safely_is_refused_by_field(field: str, value: Any) -> None:
    raw = {"cidrs": ["198.51.100.0/24"], field: value}

    assert refused(ModelStoreSettings, raw)["loc"][0] == field
