"""The files that LiteLLM starts from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from components.common.contracts import ModelApi, ModelEndpoint, ModelTask, RedisAccess
from components.common.network import Pods
from components.models.router_config import identities, router_config
from config.settings.router import RouterSettings
from config.settings.teams import Team

ANY = Pods("any", "any")


def endpoint(
    name: str,
    task: ModelTask,
    key: str,
    tokens: int | None,
    *,
    api: ModelApi = "vllm",
    upstream: str = "",
) -> ModelEndpoint[str]:
    url = f"https://{name}.models.svc:8000/v1"
    return ModelEndpoint(name, task, url, key, ANY, 8000, tokens, api, upstream)


MODELS = [
    endpoint("chat", "chat", "chat-key", 32768),
    endpoint("embeddings", "embed", "e-key", 8192),
    endpoint("reranker", "rerank", "r-key", 8192),
]
SPEECH = [
    endpoint(
        "dictation",
        "transcribe",
        "d-key",
        None,
        api="openai",
        upstream="Systran/faster-whisper-large-v3",
    ),
    endpoint("voice", "speak", "v-key", None, api="openai"),
]


def rendered(models: Sequence[ModelEndpoint[str]] = MODELS, **settings: Any) -> dict[str, Any]:
    return router_config(
        RouterSettings(**settings),
        models=models,
        redis=RedisAccess("redis.llm-data.svc", 6379, "redis-password", ANY),
        master_key="sk-master",
        ca_file="/etc/tls/ca.crt",
    )


def test_every_model_is_asked_under_its_own_name_with_its_own_key() -> None:
    entries = {entry["model_name"]: entry for entry in rendered()["model_list"]}

    assert list(entries) == ["chat", "embeddings", "reranker"]
    assert entries["embeddings"]["litellm_params"] == {
        "model": "hosted_vllm/embeddings",
        "api_base": "https://embeddings.models.svc:8000/v1",
        "api_key": "e-key",
    }


@pytest.mark.parametrize(
    ("model", "mode"),
    [
        ("chat", "chat"),
        ("embeddings", "embedding"),
        ("reranker", "rerank"),
        ("dictation", "audio_transcription"),
        ("voice", "audio_speech"),
    ],
)
def test_a_task_becomes_the_mode_that_litellm_knows(model: str, mode: str) -> None:
    [entry] = [e for e in rendered([*MODELS, *SPEECH])["model_list"] if e["model_name"] == model]

    assert entry["model_info"]["mode"] == mode


@pytest.mark.parametrize(
    ("api", "model"),
    [
        ("vllm", "hosted_vllm/chat"),
        ("openai", "openai/chat"),
        ("infinity", "infinity/chat"),
        ("tei", "huggingface/chat"),
    ],
)
def test_each_engine_is_asked_in_its_own_way(api: ModelApi, model: str) -> None:
    [entry] = rendered([replace(MODELS[0], api=api)])["model_list"]

    assert entry["litellm_params"]["model"] == model


def test_an_engine_that_knows_the_model_by_another_name_is_asked_by_that() -> None:
    entry, _ = rendered(SPEECH)["model_list"]

    assert entry["model_name"] == "dictation"
    assert entry["litellm_params"]["model"] == "openai/Systran/faster-whisper-large-v3"


def test_speech_is_not_measured_in_tokens() -> None:
    for entry in rendered(SPEECH)["model_list"]:
        assert entry["model_info"].keys() == {"mode"}


def test_only_what_writes_answers_has_a_longest_answer() -> None:
    longest = {
        entry["model_name"]: entry["model_info"].get("max_output_tokens")
        for entry in rendered()["model_list"]
    }

    assert longest == {"chat": 32768, "embeddings": None, "reranker": None}


def test_retries_timeouts_and_cooldown_have_the_documented_defaults() -> None:
    configuration = rendered()

    assert configuration["litellm_settings"]["num_retries"] == 3
    assert configuration["litellm_settings"]["request_timeout"] == 3600
    assert configuration["litellm_settings"]["drop_params"] is True
    # litellm 1.106.2, litellm/utils.py:2416: it asks Hugging Face for a tokenizer otherwise.
    assert configuration["litellm_settings"]["disable_hf_tokenizer_download"] is True
    assert configuration["router_settings"]["allowed_fails"] == 5
    assert configuration["router_settings"]["cooldown_time"] == 30


def test_as_many_failures_as_litellm_allows_by_itself_are_a_policy() -> None:
    def of(allowed: int) -> dict[str, Any]:
        settings: dict[str, Any] = rendered(allowed_fails=allowed)["router_settings"]
        return settings

    assert "allowed_fails_policy" not in of(2) | of(4)
    assert of(3)["allowed_fails_policy"] == {"InternalServerErrorAllowedFails": 3}


def test_both_switches_that_enforce_a_teams_models_are_on() -> None:
    configuration = rendered()

    assert configuration["general_settings"]["custom_auth_run_common_checks"] is True
    assert configuration["litellm_settings"]["enable_post_custom_auth_checks"] is True


def test_limits_are_shared_over_tls_and_without_redis_nobody_is_let_in() -> None:
    general = rendered()["general_settings"]

    assert general["fail_closed_rate_limit_enforcement"] is True
    assert general["coordination_redis"]["ssl"] is True
    assert general["coordination_redis"]["ssl_ca_certs"] == "/etc/tls/ca.crt"


def test_metrics_tell_no_person_apart() -> None:
    excluded = set(rendered()["litellm_settings"]["prometheus_exclude_labels"])

    assert {"user", "user_email", "end_user", "client_ip", "hashed_api_key"} <= excluded


def test_the_identities_hold_hashes_of_keys_and_no_key() -> None:
    known = identities(
        {"finance": Team(models=["chat"], tokens_per_minute=200, requests_per_minute=5)},
        {"finance": "sk-finance"},
        issuer="https://auth.test/realms/r",
        audience="llm-api",
    )

    assert known["keys"] == {hashlib.sha256(b"sk-finance").hexdigest(): "finance"}
    assert "sk-finance" not in json.dumps(known)
    assert known["teams"]["finance"] == {
        "models": ["chat"],
        "tokens_per_minute": 200,
        "requests_per_minute": 5,
    }
