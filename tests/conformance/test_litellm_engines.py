"""A real LiteLLM asks each engine in its own way, under the name that the engine knows."""

from collections.abc import Iterator

import httpx
import pytest

from tests.conformance.conftest import StartRouter
from tests.conformance.generated import Generated, generate
from tests.conformance.peers.certificates import Certificates, RsaKey
from tests.conformance.peers.litellm import LiteLlm
from tests.conformance.peers.model_server import ModelServer
from tests.conformance.peers.process import ANSWER_SECONDS
from tests.conformance.peers.redis import Redis
from tests.unit.components.models.engines.engine_stacks import COMMIT, stack
from tests.unit.components.models.engines.engines_asked import OTHERS, SETTINGS


@pytest.fixture(scope="module")
def engines(realm_key: RsaKey, certificates: Certificates) -> Generated:
    """Prod, with one model of every engine beside its own."""
    models = {e: {"engine": e, "revision": COMMIT, **SETTINGS[e]} for e in OTHERS}
    more = {
        "infinity-reranks": {"engine": "infinity", "model": "bge-reranker-v2-m3"},
        "tei-embeds": {"engine": "tei", "model": "bge-m3"},
        "voice": {"engine": "speaches", "model": "piper-fr-siwis-medium", "revision": COMMIT},
    }
    raw = stack(**models, **more)
    return generate("prod", realm_key, certificates.authority.read_text(), raw)


@pytest.fixture(scope="module")
def asking(start_router: StartRouter, engines: Generated, counters: Redis) -> Iterator[LiteLlm]:
    """A LiteLLM on that stack's files, with every engine at one address of this machine.

    The Redis is prod's: the mocks make a password of its name, and the name is the same.
    """
    with start_router(engines, counters) as running:
        yield running


_CHAT = ("/v1/chat/completions", {"messages": [{"role": "user", "content": "?"}]})
_EMBED = ("/v1/embeddings", {"input": ["un texte"]})
_RERANK = ("/v1/rerank", {"query": "?", "documents": ["un texte"]})
_SPEAK = ("/v1/audio/speech", {"input": "bonjour", "voice": "siwis"})


@pytest.mark.parametrize(
    ("model", "question", "arrives"),
    [
        ("ollama", _CHAT, "ollama"),
        ("llama-cpp", _CHAT, "llama-cpp"),
        ("tgi", _CHAT, "tgi"),
        ("triton-vllm", _CHAT, "triton-vllm"),
        ("triton-trtllm", _CHAT, "ensemble"),
        ("infinity", _EMBED, "infinity"),
        ("tei-embeds", _EMBED, "tei-embeds"),
        ("infinity-reranks", _RERANK, "infinity-reranks"),
        ("voice", _SPEAK, "private-ai/piper-fr_FR-siwis-medium"),
    ],
)
def test_a_model_is_asked_on_the_path_and_by_the_name_that_its_engine_knows(
    asking: LiteLlm,
    models: ModelServer,
    engines: Generated,
    *,
    model: str,
    question: tuple[str, dict[str, object]],
    arrives: str,
) -> None:
    path, body = question
    key = engines.secret("team-direction-api-key")["api-key"]
    answer = asking.post(path, key, {"model": model, **body})

    assert answer.status_code == 200, answer.text
    asked = models.requests[-1]
    assert (asked.path, asked.body["model"]) == (path, arrives)
    known = engines.secret(model)["keys.map"]
    assert asked.authorization is not None
    assert f'"~^{asked.authorization}$"' in known


def test_teis_reranker_is_asked_in_its_own_form(
    asking: LiteLlm, models: ModelServer, engines: Generated
) -> None:
    key = engines.secret("team-direction-api-key")["api-key"]
    answer = asking.post("/v1/rerank", key, {"model": "tei", "query": "?", "documents": ["a", "b"]})

    assert answer.status_code == 200, answer.text
    assert [found["index"] for found in answer.json()["results"]] == [0, 1]
    asked = models.requests[-1]
    assert (asked.path, asked.body["texts"]) == ("/v1/rerank", ["a", "b"])


def test_a_recording_becomes_text(asking: LiteLlm, models: ModelServer, engines: Generated) -> None:
    key = engines.secret("team-direction-api-key")["api-key"]
    answer = httpx.post(
        f"{asking.url}/v1/audio/transcriptions",
        headers={"Authorization": f"Bearer {key}"},
        data={"model": "speaches"},
        files={"file": ("said.wav", b"RIFF", "audio/wav")},
        verify=asking.trust,
        timeout=ANSWER_SECONDS,
    )

    assert (answer.status_code, answer.json()["text"]) == (200, "bonjour"), answer.text
    assert models.requests[-1].path == "/v1/audio/transcriptions"
