"""The real programs on what is generated for prod, started once a run."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.conformance.generated import STACKS, Generated, generate
from tests.conformance.peers import cache, keycloak, litellm, model_server, postgres, redis, vllm
from tests.conformance.peers.certificates import Certificates, RsaKey
from tests.conformance.peers.keycloak import Keycloak
from tests.conformance.peers.litellm import LiteLlm
from tests.conformance.peers.model_server import ModelServer
from tests.conformance.peers.postgres import Postgres
from tests.conformance.peers.redis import Redis
from tests.conformance.peers.relocate import relocated
from tests.conformance.peers.vllm import VllmSource


class StartRouter(Protocol):
    """Starts a LiteLLM on a stack's files, its counters in a Redis."""

    def __call__(
        self,
        generated: Generated,
        counters: Redis,
        *,
        models: str | None = None,
        cooldown: int | None = None,
    ) -> AbstractContextManager[LiteLlm]:
        """A LiteLLM that finds every model at *models*, else where one is served.

        *cooldown* is for how long it leaves a model alone, in seconds, if not as configured.
        """
        ...


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
    """The realm's signing key, as the program's provider makes it."""
    return RsaKey.generate()


@pytest.fixture(scope="session")
def stacks(realm_key: RsaKey, certificates: Certificates) -> Mapping[str, Generated]:
    """What is generated for each stack, from its own YAML."""
    authority = certificates.authority.read_text()
    return {stack: generate(stack, realm_key, authority) for stack in STACKS}


@pytest.fixture(scope="session")
def prod(stacks: Mapping[str, Generated]) -> Generated:
    """What is generated for production."""
    return stacks["prod"]


@pytest.fixture(scope="session")
def realm(prod: Generated) -> dict[str, Any]:
    """Prod's realm file."""
    return json.loads(prod.secret("keycloak-realm")["realm.json"])


@pytest.fixture(scope="session")
def vllm_source() -> VllmSource:
    """The source of the deployed vLLM."""
    return vllm.source()


@pytest.fixture(scope="session")
def database(certificates: Certificates, prod: Generated) -> Iterator[Postgres]:
    """A PostgreSQL with the database and the role that Keycloak is told to use."""
    options = keycloak.parse(prod.secret("keycloak-config")["keycloak.conf"])
    with postgres.start(
        certificates,
        user=options["db-username"],
        password=options["db-password"],
        database=options["db-url-database"],
    ) as server:
        yield server


@pytest.fixture(scope="session")
def identity(
    tmp_path_factory: pytest.TempPathFactory,
    certificates: Certificates,
    database: Postgres,
    prod: Generated,
    realm: dict[str, Any],
) -> Iterator[Keycloak]:
    """A Keycloak on PostgreSQL, with prod's realm."""
    conf = prod.secret("keycloak-config")["keycloak.conf"]
    with keycloak.start(
        tmp_path_factory.mktemp("keycloak"),
        prod.container("keycloak")["args"],
        keycloak.here(conf, certificates, database.port),
        [realm],
        certificates,
    ) as server:
        yield server


@pytest.fixture(scope="session")
def models(certificates: Certificates) -> Iterator[ModelServer]:
    """A server that answers as vLLM does, in the place of every model."""
    with model_server.start(certificates) as server:
        yield server


@pytest.fixture(scope="session")
def counters(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates, prod: Generated
) -> Iterator[Redis]:
    """A Redis for the limits."""
    conf = prod.secret("redis")["redis.conf"]
    with redis.start(tmp_path_factory.mktemp("redis"), conf, certificates) as server:
        yield server


@pytest.fixture(scope="session")
def start_router(
    tmp_path_factory: pytest.TempPathFactory,
    certificates: Certificates,
    models: ModelServer,
) -> StartRouter:
    """Starts a LiteLLM on a stack's files, its models on this machine, its counters in a Redis."""
    served = models.url

    def start(
        generated: Generated,
        counters: Redis,
        *,
        models: str | None = None,
        cooldown: int | None = None,
    ) -> AbstractContextManager[LiteLlm]:
        files = generated.secret("router")
        config = json.loads(files["config.yaml"])
        urls = [entry["litellm_params"]["api_base"] for entry in config["model_list"]]
        shared = config["general_settings"]["coordination_redis"]
        places = {
            **dict.fromkeys(urls, f"{models or served}/v1"),
            shared["host"]: "localhost",
            "/etc/tls/ca.crt": str(certificates.authority),
        }
        shared["port"] = counters.port
        if cooldown is not None:
            config["router_settings"]["cooldown_time"] = cooldown
        return litellm.start(
            tmp_path_factory.mktemp("litellm"),
            generated.container("router")["args"],
            generated.environment("router"),
            {**files, "config.yaml": json.dumps(relocated(config, places))},
            certificates,
        )

    return start


@pytest.fixture(scope="session")
def router(start_router: StartRouter, prod: Generated, counters: Redis) -> Iterator[LiteLlm]:
    """A LiteLLM on prod's files, once a run."""
    with start_router(prod, counters) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for one check."""
    return tmp_path
