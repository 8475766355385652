"""The real programs, started once a run where a test does not need one of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import samples
from tests.conformance.peers import cache, keycloak, litellm, model_server, postgres, redis, vllm
from tests.conformance.peers.certificates import Certificates, RsaKey
from tests.conformance.peers.keycloak import Keycloak
from tests.conformance.peers.litellm import LiteLlm
from tests.conformance.peers.model_server import ModelServer
from tests.conformance.peers.postgres import Postgres
from tests.conformance.peers.redis import Redis
from tests.conformance.peers.vllm import VllmSource


@pytest.fixture(scope="session", autouse=True)
def progress(request: pytest.FixtureRequest) -> Iterator[None]:
    """Installations say what they do as they do it: pytest would show it only on failure."""
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")
    captured = cache.say

    def shown(line: str) -> None:
        with capture.global_and_fixture_disabled():
            captured(line)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "say", shown)
        yield


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One authority and one server certificate for every program of the run."""
    return Certificates.issue(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def realm_key() -> RsaKey:
    """The realm's signing key, as the program generates it."""
    return RsaKey.generate()


@pytest.fixture(scope="session")
def vllm_source() -> VllmSource:
    """The source of the deployed vLLM."""
    return vllm.source()


@pytest.fixture(scope="session")
def database(certificates: Certificates) -> Iterator[Postgres]:
    """A PostgreSQL for Keycloak."""
    with postgres.start(
        certificates, user="keycloak", password=samples.DATABASE_PASSWORD, database="keycloak"
    ) as server:
        yield server


@pytest.fixture(scope="session")
def identity(
    tmp_path_factory: pytest.TempPathFactory,
    certificates: Certificates,
    database: Postgres,
    realm_key: RsaKey,
) -> Iterator[Keycloak]:
    """A Keycloak on PostgreSQL, with the sample realms."""
    options = keycloak.here(samples.KEYCLOAK_CONF, certificates, database.port)
    realms = samples.realms(realm_key)
    with keycloak.start(
        tmp_path_factory.mktemp("keycloak"), options, realms, certificates
    ) as server:
        yield server


@pytest.fixture(scope="session")
def models(certificates: Certificates) -> Iterator[ModelServer]:
    """A server that answers as vLLM does."""
    with model_server.start(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def limits(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Redis]:
    """A Redis for the router's limits."""
    with redis.start(tmp_path_factory.mktemp("redis"), samples.REDIS_CONF, certificates) as server:
        yield server


@pytest.fixture(scope="session")
def router(
    tmp_path_factory: pytest.TempPathFactory,
    certificates: Certificates,
    realm_key: RsaKey,
    models: ModelServer,
    limits: Redis,
) -> Iterator[LiteLlm]:
    """A LiteLLM on the sample configuration."""
    config: dict[str, Any] = samples.router_config(
        models_url=models.url, redis_port=limits.port, authority=certificates.authority
    )
    files = samples.router_files(realm_key)
    with litellm.start(tmp_path_factory.mktemp("litellm"), config, files, certificates) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for one check."""
    return tmp_path
