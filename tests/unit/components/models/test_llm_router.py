"""What a router asks of the cluster."""

import json
from typing import Any

import pytest
from pulumi import Output
from pulumi_kubernetes.core.v1 import ConfigMap

from components.common.contracts import ModelEndpoint, ModelTask, RedisAccess
from components.common.network import Pods
from components.models.llm_router import LlmRouter, LlmRouterArgs
from config.settings.router import RouterSettings
from config.settings.teams import Team
from tests.support import Recorded, deploy, openings, tier

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SECRET = "kubernetes:core/v1:Secret"

_kept: dict[str, Any] = {}


def model(name: str, task: ModelTask) -> ModelEndpoint[Output[str]]:
    return ModelEndpoint(
        name=name,
        task=task,
        url=Output.from_input(f"https://{name}.llm-production.svc:8000/v1"),
        api_key=Output.secret(f"canary-{name}-key"),
        server=Pods(name, "llm-production", {"app.kubernetes.io/instance": name}),
        port=8000,
        context_tokens=8192,
    )


def ask(**settings: Any) -> Recorded:
    def program() -> None:
        router = LlmRouter(
            "router",
            LlmRouterArgs(
                tier=tier("llm-production"),
                settings=RouterSettings(**settings),
                models=[model("chat", "chat"), model("embeddings", "embed")],
                teams={"finance": Team(models=["chat"]), "research": Team()},
                issuer="https://auth.test/realms/r",
                public_key=Output.from_input("public key"),
                redis=RedisAccess(
                    host=Output.from_input("redis.llm-data.svc"),
                    port=6379,
                    password=Output.secret("canary-redis-password"),
                    server=Pods("redis", "llm-data", {"app.kubernetes.io/name": "redis"}),
                ),
            ),
        )
        _kept["route"] = router.route("ai.test")
        ConfigMap("client", data={"url": router.url})

    return deploy(program)


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask()


def server(asked: Recorded) -> dict[str, Any]:
    [container] = asked.one(DEPLOYMENT, "router").inputs["spec"]["template"]["spec"]["containers"]
    return container


def test_all_its_files_lie_in_one_secret_beside_each_other(asked: Recorded) -> None:
    secret = asked.one(SECRET, "router")

    assert set(secret.inputs["stringData"]) == {
        "config.yaml",
        "identities.json",
        "realm.pem",
        "router_auth.py",
    }
    assert "stringData" in secret.secrets


def test_no_secret_is_in_its_pods(asked: Recorded) -> None:
    assert "canary" not in json.dumps(asked.one(DEPLOYMENT, "router").inputs)


def test_its_configuration_holds_each_models_address_and_key(asked: Recorded) -> None:
    configuration = json.loads(asked.one(SECRET, "router").inputs["stringData"]["config.yaml"])
    chat = configuration["model_list"][0]["litellm_params"]

    assert chat["api_base"] == "https://chat.llm-production.svc:8000/v1"
    assert chat["api_key"] == "canary-chat-key"
    assert configuration["general_settings"]["coordination_redis"]["password"].startswith("canary")


def test_every_team_has_a_key_in_a_secret_of_its_own(asked: Recorded) -> None:
    keys = {team: asked.one(SECRET, f"team-{team}-api-key") for team in ("finance", "research")}

    assert all(k.inputs["stringData"]["api-key"].startswith("sk-") for k in keys.values())
    assert all("stringData" in k.secrets for k in keys.values())


def test_it_reaches_every_model_and_redis_and_nothing_reaches_it(asked: Recorded) -> None:
    assert set(openings(asked)) == {
        "router-to-chat",
        "chat-from-router",
        "router-to-embeddings",
        "embeddings-from-router",
        "router-to-redis",
        "redis-from-router",
    }


def test_it_answers_over_tls_only_and_is_probed_so(asked: Recorded) -> None:
    container = server(asked)

    assert "/etc/tls/tls.key" in container["args"]
    assert {
        container[probe]["httpGet"]["scheme"]
        for probe in ("readinessProbe", "livenessProbe", "startupProbe")
    } == {"HTTPS"}


def test_two_replicas_lose_one_at_a_time(asked: Recorded) -> None:
    assert asked.one(DEPLOYMENT, "router").inputs["spec"]["replicas"] == 2
    assert asked.one("kubernetes:policy/v1:PodDisruptionBudget", "router")


def test_nothing_is_fetched_at_the_start(asked: Recorded) -> None:
    environment = {entry["name"]: entry["value"] for entry in server(asked)["env"]}

    assert environment["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert "DATABASE_URL" not in environment


@pytest.mark.usefixtures("asked")
def test_only_the_models_api_is_routed_and_only_to_the_authenticated() -> None:
    route = _kept["route"]

    assert route.authenticated is True
    assert all(path.startswith("/v1/") for path in route.paths)


def test_its_address_reads_through_its_deployment(asked: Recorded) -> None:
    clients = [a for a in asked.values() if a.name == "client"]

    assert any(urn.endswith("Deployment::router") for a in clients for urn in a.depends_on)
