"""A real LiteLLM routes over TLS and limits by team, from generated files alone."""

import pytest

from tests.conformance import samples
from tests.conformance.peers.keycloak import Keycloak
from tests.conformance.peers.litellm import LiteLlm
from tests.conformance.peers.model_server import COMPLETION_TOKENS, PROMPT_TOKENS, ModelServer
from tests.conformance.peers.redis import Redis

_RESEARCH = samples.RESEARCH_KEY


def test_a_question_reaches_the_model_with_the_models_own_key(
    router: LiteLlm, models: ModelServer
) -> None:
    answer = router.chat(_RESEARCH, "code")

    assert answer.status_code == 200, answer.text
    assert answer.json()["usage"]["total_tokens"] == PROMPT_TOKENS + COMPLETION_TOKENS
    assert models.requests[-1].path == "/v1/chat/completions"
    assert models.requests[-1].authorization == f"Bearer {samples.MODEL_KEY}"
    assert models.requests[-1].body["model"] == "code"


def test_a_stream_is_passed_on(router: LiteLlm) -> None:
    answer = router.chat(_RESEARCH, "chat", stream=True)

    assert answer.status_code == 200
    assert answer.text.rstrip().endswith("data: [DONE]")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "embed", "input": ["un texte"]}),
        ("/v1/rerank", {"model": "rerank", "query": "?", "documents": ["un texte"]}),
    ],
)
def test_embeddings_and_reranking_reach_guarded_paths(
    router: LiteLlm, models: ModelServer, path: str, body: dict[str, object]
) -> None:
    answer = router.post(path, _RESEARCH, body)

    assert answer.status_code == 200, answer.text
    assert models.requests[-1].path == path
    assert models.requests[-1].authorization == f"Bearer {samples.MODEL_KEY}"


@pytest.mark.parametrize("key", [None, "sk-unknown", samples.MASTER_KEY])
def test_whoever_is_not_known_is_refused(router: LiteLlm, key: str | None) -> None:
    assert router.chat(key, "chat").status_code == 401


def test_a_model_outside_the_team_is_refused_and_not_listed(router: LiteLlm) -> None:
    assert router.chat(samples.FINANCE_KEY, "code").status_code == 403

    listed = router.get("/v1/models", samples.FINANCE_KEY).json()["data"]
    assert [model["id"] for model in listed] == ["chat"]


def test_a_token_of_the_realm_belongs_to_the_team_of_its_group(
    router: LiteLlm, identity: Keycloak
) -> None:
    token = identity.token("pkcs8", samples.CLIENT, samples.CLIENT_SECRET)["access_token"]
    other_realm = identity.token("pkcs1", samples.CLIENT, samples.CLIENT_SECRET)["access_token"]

    assert router.chat(token, "code").status_code == 200
    assert router.chat(other_realm, "code").status_code == 401  # same key, another issuer


def test_a_team_over_its_tokens_is_limited_and_another_goes_on(router: LiteLlm) -> None:
    answers = [router.chat(samples.FINANCE_KEY, "chat") for _ in range(6)]

    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert "Limit type: tokens" in answers[-1].text
    assert router.chat(samples.FINANCE_OTHER_KEY, "chat").status_code == 429
    assert router.chat(_RESEARCH, "chat").status_code == 200


def test_limits_are_counted_in_redis(router: LiteLlm, limits: Redis) -> None:
    router.chat(_RESEARCH, "chat")

    _, size = limits.ask(f"AUTH {samples.REDIS_PASSWORD}", "DBSIZE")
    assert int(size.removeprefix(":")) > 0
    assert limits.ask("DBSIZE")[0].startswith("-NOAUTH")


def test_probes_and_metrics_need_no_key(router: LiteLlm) -> None:
    router.chat(_RESEARCH, "chat")

    assert router.get("/health/liveliness").status_code == 200
    assert router.get("/health/readiness").status_code == 200
    assert 'team="research"' in router.get("/metrics/").text


def test_secrets_show_in_no_log_argument_or_environment(router: LiteLlm) -> None:
    router.chat(samples.FINANCE_KEY, "chat")
    visible = router.running.output() + router.running.exposed()

    assert "--ssl_keyfile_path" in visible, "its processes were not looked at"
    for secret in (
        samples.MODEL_KEY,
        samples.REDIS_PASSWORD,
        samples.MASTER_KEY,
        samples.FINANCE_KEY,
    ):
        assert secret not in visible
