"""What a Keycloak asks of the cluster."""

import json
from typing import Any

import pytest
from pulumi import Output

from components.auth.keycloak import Keycloak, KeycloakArgs
from components.auth.realm import Client
from components.common.contracts import DatabaseAccess, OidcClient, Route
from components.common.network import Pods
from config.settings.identity import KeycloakSettings
from tests.support import Recorded, deploy, openings, tier

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
SECRET = "kubernetes:core/v1:Secret"
KEY = "tls:index/privateKey:PrivateKey"
seen: dict[str, Any] = {}


def ask(*, disposable: bool = False, **settings: Any) -> Recorded:
    def program() -> None:
        keycloak = Keycloak(
            "keycloak",
            KeycloakArgs(
                tier=tier("auth", disposable=disposable),
                settings=KeycloakSettings(**settings),
                database=DatabaseAccess(
                    host=Output.from_input("keycloak-db-rw.llm-data.svc"),
                    port=5432,
                    database="keycloak",
                    user="keycloak",
                    password=Output.secret("canary-database"),
                    server=Pods("keycloak-db", "llm-data", {"cnpg.io/cluster": "keycloak-db"}),
                ),
                hostname="auth.example.org",
                clients=[Client(client_id="open-webui", redirect_uris=["https://ai/callback"])],
                teams=["finance"],
                audience="llm-api",
            ),
        )
        client = keycloak.client("open-webui")
        seen.update(keycloak=keycloak, client=client, route=keycloak.route("auth.example.org"))
        for name, late in {
            "admin": keycloak.admin_secret,
            "discovery": client.discovery_url,
            "public_key": keycloak.public_key,
        }.items():
            late.apply(lambda value, name=name: seen.update({name: value}))

    return deploy(program)


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask()


def options(asked: Recorded) -> dict[str, str]:
    text: str = asked.one(SECRET, "keycloak-config").inputs["stringData"]["keycloak.conf"]
    return dict(line.split("=", 1) for line in text.splitlines())


def pod(asked: Recorded) -> dict[str, Any]:
    return asked.one(DEPLOYMENT, "keycloak").inputs["spec"]["template"]["spec"]


def test_it_verifies_its_database_and_speaks_https_alone(asked: Recorded) -> None:
    conf = options(asked)

    assert conf["db-url-host"] == "keycloak-db-rw.llm-data.svc"
    assert conf["db-tls-mode"] == "verify-server"
    assert conf["http-enabled"] == "false"
    assert conf["https-certificate-file"] == "/etc/tls/tls.crt"


def test_tokens_name_the_public_host_wherever_they_are_asked_for(asked: Recorded) -> None:
    client: OidcClient = seen["client"]

    assert options(asked)["hostname"] == "https://auth.example.org"
    assert options(asked)["hostname-backchannel-dynamic"] == "true"
    assert client.issuer == "https://auth.example.org/realms/intelligence-privee"
    assert seen["discovery"] == (
        "https://keycloak.auth.svc:8443/realms/intelligence-privee/.well-known/openid-configuration"
    )


def test_the_realm_signs_with_the_key_whose_public_half_is_handed_on(asked: Recorded) -> None:
    realm = json.loads(asked.one(SECRET, "keycloak-realm").inputs["stringData"]["realm.json"])
    [ours] = [
        k for k in realm["components"]["org.keycloak.keys.KeyProvider"] if k["providerId"] == "rsa"
    ]

    assert ours["config"]["privateKey"] == ["canary-private-key"]
    assert asked.one(KEY, "keycloak-realm-key").inputs["algorithm"] == "RSA"
    assert seen["public_key"] == "public-key"


def test_no_secret_is_outside_of_a_secret(asked: Recorded) -> None:
    secrets = [a for a in asked.of(SECRET) if "canary" in json.dumps(a.inputs)]
    others = [
        a.inputs for a in asked.values() if a.type.startswith("kubernetes:") and a.type != SECRET
    ]

    assert {a.name for a in secrets} >= {"keycloak-config", "keycloak-realm", "keycloak-admin"}
    assert all("stringData" in a.secrets for a in secrets)
    assert "canary" not in json.dumps(others)


def test_the_first_administrator_is_exported_by_name_alone(asked: Recorded) -> None:
    content = asked.one(SECRET, "keycloak-admin").inputs["stringData"]

    assert seen["admin"] == "auth/keycloak-admin-auto"
    assert content == {"username": "admin", "password": "canary-password"}


def test_its_files_are_read_only_but_for_what_a_start_builds(asked: Recorded) -> None:
    [server] = pod(asked)["containers"]
    [unpack] = pod(asked)["initContainers"]
    writable = {m["mountPath"] for m in server["volumeMounts"] if not m["readOnly"]}
    built = [m["name"] for m in server["volumeMounts"] if m["mountPath"].endswith("lib/quarkus")]

    assert server["securityContext"]["readOnlyRootFilesystem"] is True
    assert writable == {"/opt/keycloak/data", "/opt/keycloak/lib/quarkus", "/tmp"}  # noqa: S108
    assert [m["name"] for m in unpack["volumeMounts"]] == built


def test_the_gateway_lets_through_the_realms_pages_and_not_the_administration(
    asked: Recorded,
) -> None:
    assert asked
    route: Route = seen["route"]

    assert route.paths == ("/realms/intelligence-privee/", "/resources/")
    assert set(route.blocked) == {"/admin", "/realms/master"}
    assert not route.authenticated


def test_replicas_share_sessions_among_themselves_only(asked: Recorded) -> None:
    assert options(asked)["cache"] == "ispn"
    assert options(ask(replicas=1))["cache"] == "local"
    assert openings(asked) == {
        "keycloak-to-keycloak": [7800, 57800],
        "keycloak-from-keycloak": [7800, 57800],
        "keycloak-to-keycloak-db": [5432],
        "keycloak-db-from-keycloak": [5432],
    }


@pytest.mark.parametrize("disposable", [True, False])
def test_the_realms_key_is_kept_unless_the_stack_is_disposable(disposable: bool) -> None:
    assert ask(disposable=disposable).one(KEY, "keycloak-realm-key").protect is not disposable


def test_an_unknown_application_has_no_client(asked: Recorded) -> None:
    assert asked
    keycloak: Keycloak = seen["keycloak"]

    with pytest.raises(KeyError, match="grafana"):
        keycloak.client("grafana")
