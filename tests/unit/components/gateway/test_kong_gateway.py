"""What the gateway asks of the cluster."""

import json
from typing import Any

import pytest
from pulumi import Output

from components.common.contracts import RedisAccess, Route, Upstream
from components.common.network import Pods
from components.gateway.kong_gateway import KongGateway, KongGatewayArgs
from config.settings.gateway import GatewaySettings
from config.settings.teams import Team
from tests.support import Recorded, deploy, openings, tier

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SECRET = "kubernetes:core/v1:Secret"
SERVICE = "kubernetes:core/v1:Service"
REQUEST = "tls:index/certRequest:CertRequest"
addresses: list[str] = []


def pods(name: str) -> Pods:
    return Pods(name, name, {"app.kubernetes.io/instance": name})


def ask(**settings: Any) -> Recorded:
    def program() -> None:
        router = Upstream(Output.from_input("https://router.models.svc:4000"), pods("router"), 4000)
        chat = Upstream(Output.from_input("https://webui.apps.svc:8080"), pods("webui"), 8080)
        gateway = KongGateway(
            "kong",
            KongGatewayArgs(
                tier=tier("kong"),
                settings=GatewaySettings(**settings),
                routes=[
                    Route("api", "ai.example.org", router, ("/v1/models",), authenticated=True),
                    Route("audio", "ai.example.org", router, ("/v1/audio",), authenticated=True),
                    Route("chat", "ai.example.org", chat),
                ],
                issuer="https://auth.example.org/realms/x",
                public_key="public-key",
                teams={"finance": Team()},
                team_keys={"finance": Output.secret("canary-team")},
                redis=RedisAccess(
                    host=Output.from_input("redis.data.svc"),
                    port=6379,
                    password=Output.secret("canary-redis"),
                    server=pods("redis"),
                ),
            ),
        )
        gateway.address.apply(addresses.append)

    return deploy(program)


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask()


def kong(asked: Recorded) -> dict[str, Any]:
    [server] = asked.one(DEPLOYMENT, "kong").inputs["spec"]["template"]["spec"]["containers"]
    return server


def environment(asked: Recorded) -> dict[str, str]:
    return {e["name"]: e["value"] for e in kong(asked)["env"]}


def test_it_listens_to_clients_and_to_prometheus_over_tls_and_to_no_administrator(
    asked: Recorded,
) -> None:
    env = environment(asked)
    listeners = {key: value for key, value in env.items() if key.endswith("_LISTEN")}

    assert {k for k, v in listeners.items() if v != "off"} == {
        "KONG_PROXY_LISTEN",
        "KONG_STATUS_LISTEN",
    }
    assert all(" ssl" in v for v in listeners.values() if v != "off")
    assert env["KONG_SSL_CERT"] == "/etc/public-tls/tls.crt"
    assert env["KONG_STATUS_SSL_CERT"] == "/etc/tls/tls.crt"
    assert env["KONG_ANONYMOUS_REPORTS"] == "off"


def test_its_configuration_is_one_secret_file(asked: Recorded) -> None:
    secret = asked.one(SECRET, "kong")
    others = [
        a.inputs for a in asked.values() if a.type.startswith("kubernetes:") and a.type != SECRET
    ]
    configuration = json.loads(secret.inputs["stringData"]["kong.json"])

    assert "stringData" in secret.secrets
    assert "Bearer canary-team" in json.dumps(configuration)
    assert "canary-redis" in json.dumps(configuration)
    assert "canary" not in json.dumps(others)
    assert environment(asked)["KONG_DECLARATIVE_CONFIG"] == "/etc/kong-declarative/kong.json"


def test_the_address_is_the_load_balancers_once_pods_are_ready(asked: Recorded) -> None:
    service = asked.one(SERVICE, "kong").inputs

    assert service["spec"]["type"] == "LoadBalancer"
    assert service["spec"]["ports"] == [{"name": "https", "port": 443, "targetPort": 8443}]
    assert "annotations" not in service["metadata"]  # awaited
    assert addresses == ["203.0.113.1"]


def test_the_authority_vouches_for_the_public_hosts_unless_a_certificate_is_given(
    asked: Recorded,
) -> None:
    given = ask(tls_secret="wildcard")  # noqa: S106 - the name of one
    volumes = given.one(DEPLOYMENT, "kong").inputs["spec"]["template"]["spec"]["volumes"]

    assert asked.one(REQUEST, "kong-public").inputs["dnsNames"] == ["ai.example.org"]
    assert (REQUEST, "kong-public") not in given
    assert {"wildcard"} <= {v["secret"]["secretName"] for v in volumes if "secret" in v}


def test_clients_come_in_and_each_upstream_and_redis_is_reached_once() -> None:
    asked = ask(client_cidrs=["10.0.0.0/8"])

    assert {n: ports for n, ports in openings(asked).items() if n.startswith("kong-")} == {
        "kong-from-10.0.0.0/8": [8443],
        "kong-to-router": [4000],
        "kong-to-webui": [8080],
        "kong-to-redis": [6379],
    }


def test_workers_are_as_many_as_the_cores_it_may_use(asked: Recorded) -> None:
    assert environment(asked)["KONG_NGINX_WORKER_PROCESSES"] == "4"


def test_its_root_is_read_only_and_answers_may_finish_when_it_stops(asked: Recorded) -> None:
    pod = asked.one(DEPLOYMENT, "kong").inputs["spec"]["template"]["spec"]
    [server] = pod["containers"]

    assert server["securityContext"]["readOnlyRootFilesystem"] is True
    assert environment(asked)["KONG_PREFIX"] in {
        m["mountPath"] for m in server["volumeMounts"] if not m["readOnly"]
    }
    assert pod["terminationGracePeriodSeconds"] > server["lifecycle"]["preStop"]["sleep"]["seconds"]
