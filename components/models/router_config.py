"""Configuration files of LiteLLM, as data: no Pulumi here.

Every key was accepted by LiteLLM 1.106.2; https://docs.litellm.ai/docs/proxy/config_settings.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from components.common.contracts import ModelApi, ModelEndpoint, ModelTask, RedisAccess
from config.settings.router import RouterSettings
from config.settings.teams import Team

_MODE: Mapping[ModelTask, str] = {
    "chat": "chat",
    "embed": "embedding",
    "rerank": "rerank",
    "transcribe": "audio_transcription",
    "speak": "audio_speech",
}

_PROVIDER: Mapping[ModelApi, str] = {
    "vllm": "hosted_vllm",
    "openai": "openai",
    "infinity": "infinity",
    "tei": "huggingface",
}
"""LiteLLM provider by API: https://docs.litellm.ai/docs/providers."""

_ALLOWED_FAILS_OF_LITELLM = 3
"""Its default of `allowed_fails` (litellm/__init__.py:549)."""

_IN_TOKENS = ("chat", "embed", "rerank")
"""Tasks with requests limited in tokens."""

_PERSONAL_LABELS = (
    "client_ip",
    "user_agent",
    "user",
    "user_email",
    "end_user",
    "hashed_api_key",  # for a person: the hash of the user ID
)
"""Left out of the metrics, which distinguish teams and models but never people."""


def router_config(
    settings: RouterSettings,
    *,
    models: Sequence[ModelEndpoint[str]],
    redis: RedisAccess[str],
    master_key: str,
    ca_file: str,
) -> dict[str, Any]:
    """The `config.yaml`; it contains secrets."""
    return {
        "model_list": [_model(model) for model in models],
        "litellm_settings": {
            "drop_params": True,
            "num_retries": settings.retries,
            "request_timeout": settings.request_timeout_seconds,
            "cache": False,
            "disable_hf_tokenizer_download": True,  # it counts with its own; there is no way out
            "set_verbose": False,
            "json_logs": True,
            "turn_off_message_logging": True,  # keeps prompts out of the log
            "ssl_verify": ca_file,
            "callbacks": ["prometheus"],
            # The model list of a team is enforced only with this and the common checks below.
            "enable_post_custom_auth_checks": True,
            "require_auth_for_metrics_endpoint": False,  # the network admits Prometheus only
            "prometheus_exclude_labels": list(_PERSONAL_LABELS),
        },
        "router_settings": {
            "routing_strategy": "least-busy",
            "allowed_fails": settings.allowed_fails,
            "cooldown_time": settings.cooldown_seconds,
            **_policy(settings.allowed_fails),
        },
        "general_settings": {
            "master_key": master_key,  # required at startup; custom_auth ignores it
            "custom_auth": "router_auth.user_api_key_auth",
            "custom_auth_run_common_checks": True,
            "fail_closed_rate_limit_enforcement": True,
            "coordination_redis": {
                "host": redis.host,
                "port": redis.port,
                "password": redis.password,
                "ssl": True,
                "ssl_ca_certs": ca_file,
            },
        },
    }


def _policy(allowed_fails: int) -> dict[str, Any]:
    """What makes LiteLLM follow *allowed_fails* where that is its own default too.

    It takes its default for not set (router_utils/cooldown_handlers.py:656), and a model with one
    deployment then cools down after a thousand failures alone (:408); unless there is a policy for
    any kind of error. The others follow `allowed_fails` then.
    """
    if allowed_fails != _ALLOWED_FAILS_OF_LITELLM:
        return {}
    return {"allowed_fails_policy": {"InternalServerErrorAllowedFails": allowed_fails}}


def _model(model: ModelEndpoint[str]) -> dict[str, Any]:
    limits: dict[str, int] = {}
    if model.context_tokens is not None:
        limits = {"max_input_tokens": model.context_tokens}
        if model.task == "chat":
            limits |= dict.fromkeys(("max_tokens", "max_output_tokens"), model.context_tokens)
    return {
        "model_name": model.name,
        "litellm_params": {
            "model": f"{_PROVIDER[model.api]}/{model.upstream_name or model.name}",
            "api_base": model.url,
            "api_key": model.api_key,
        },
        "model_info": {"mode": _MODE[model.task], **limits},
    }


def identities(
    teams: Mapping[str, Team], keys: Mapping[str, str], *, issuer: str, audience: str
) -> dict[str, Any]:
    """The data of `router_auth.py`: limits per team, and only the hashes of *keys* (by team)."""
    return {
        "issuer": issuer,
        "audience": audience,
        "teams": {
            name: {
                "models": team.models,
                "tokens_per_minute": team.tokens_per_minute,
                "requests_per_minute": team.requests_per_minute,
            }
            for name, team in teams.items()
        },
        "keys": {hashlib.sha256(key.encode()).hexdigest(): name for name, key in keys.items()},
    }
