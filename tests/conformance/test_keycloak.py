"""A real Keycloak starts from prod's files alone, and signs what prod's gateway verifies."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidSignature

from catalog.metrics import exporters
from components.auth.realm import ADMIN_ROLE, USER_ROLE
from tests.conformance.generated import Generated
from tests.conformance.peers import exposition, keycloak, postgres
from tests.conformance.peers.browser import Browser
from tests.conformance.peers.certificates import Certificates, RsaKey
from tests.conformance.peers.errors import PeerFailedError
from tests.conformance.peers.keycloak import Keycloak
from tests.conformance.peers.postgres import Postgres
from tests.conformance.tokens import claims, of_team, verify

_TEAM = "developers"


@pytest.fixture(scope="module")
def token(identity: Keycloak, realm: dict[str, Any]) -> str:
    return of_team(identity, realm, _TEAM)


@pytest.fixture(scope="module")
def applications(realm: dict[str, Any]) -> list[dict[str, Any]]:
    """What people sign in to."""
    return [client for client in realm["clients"] if client["redirectUris"]]


def test_a_token_verifies_with_the_key_that_the_gateway_carries_for_its_issuer(
    token: str, prod: Generated
) -> None:
    consumers = json.loads(prod.secret("kong")["kong.json"])["consumers"]
    [credential] = [entry for c in consumers for entry in c.get("jwt_secrets", [])]

    assert credential["key"] == claims(token)["iss"]
    verify(token, credential["rsa_public_key"])
    with pytest.raises(InvalidSignature):
        verify(token, RsaKey.generate().public_key_pem)


def test_a_token_says_what_the_router_asks_for(token: str, prod: Generated) -> None:
    known = json.loads(prod.secret("router")["identities.json"])
    said = claims(token)

    assert (
        said["iss"]
        == known["issuer"]
        == f"https://{prod.stack.hosts.auth}/realms/" + (prod.stack.keycloak.realm)
    )
    assert said["aud"] == known["audience"]
    assert said["groups"] == [_TEAM]
    assert _TEAM in known["teams"]
    assert said["roles"] == [USER_ROLE]
    verify(token, prod.secret("router")["realm.pem"])


def test_through_the_gateway_every_endpoint_is_announced_under_the_public_url(
    identity: Keycloak, realm: dict[str, Any], prod: Generated
) -> None:
    # With another X-Forwarded-Port than the public one it announces the token endpoint there.
    public = f"https://{prod.stack.hosts.auth}"
    path = f"/realms/{realm['realm']}/.well-known/openid-configuration"
    said = Browser(identity, public).get(path).json()
    endpoints = [said[name] for name in said if name.endswith("_endpoint")]

    assert endpoints
    assert [url for url in endpoints if not url.startswith(f"{public}/")] == []


def test_an_applications_token_opens_nothing_of_keycloak_itself(
    identity: Keycloak, realm: dict[str, Any], token: str
) -> None:
    assert identity.get(f"/admin/realms/{realm['realm']}/users", token).status_code == 403


def test_the_first_administrator_signs_in_to_every_application_after_choosing_a_password(
    identity: Keycloak,
    realm: dict[str, Any],
    applications: list[dict[str, Any]],
    prod: Generated,
) -> None:
    first = prod.secret("keycloak-admin")
    browser = Browser(identity, f"https://{prod.stack.hosts.auth}")

    assert {client["clientId"] for client in applications} == {"open-webui", "grafana"}
    for client in applications:
        answer = browser.sign_in(realm["realm"], client, first["username"], first["password"])
        said = claims(answer["id_token"])

        assert set(said["roles"]) == {USER_ROLE, ADMIN_ROLE}
        assert said["preferred_username"] == first["username"]
        assert prod.stack.router.audience not in json.dumps(claims(answer["access_token"]))
    assert browser.chosen, "the password of the Secret was not asked to be replaced"


def test_a_sign_in_without_pkce_is_refused(
    identity: Keycloak,
    realm: dict[str, Any],
    applications: list[dict[str, Any]],
    prod: Generated,
) -> None:
    browser = Browser(identity, f"https://{prod.stack.hosts.auth}")
    for client in applications:
        [callback] = client["redirectUris"]
        answer = browser.authorize(realm["realm"], client["clientId"], callback)

        assert "error=invalid_request" in answer.headers["location"]


def test_a_callback_that_is_not_the_applications_is_refused(
    identity: Keycloak, realm: dict[str, Any], prod: Generated
) -> None:
    browser = Browser(identity, f"https://{prod.stack.hosts.auth}")
    answer = browser.authorize(realm["realm"], "open-webui", "https://elsewhere.test/callback")

    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_applications_find_in_the_cluster_what_the_public_sees_as_the_issuer(
    identity: Keycloak, prod: Generated
) -> None:
    path = httpx.URL(prod.environment("open-webui")["OPENID_PROVIDER_URL"]).path
    found = identity.get(path).json()

    assert found["issuer"] == json.loads(prod.secret("router")["identities.json"])["issuer"]
    assert found["authorization_endpoint"].startswith(f"https://{prod.stack.hosts.auth}/")
    assert found["token_endpoint"].startswith(identity.url)
    grafana = prod.environment("grafana")
    assert found["authorization_endpoint"] == grafana["GF_AUTH_GENERIC_OAUTH_AUTH_URL"]
    for endpoint, setting in (("token", "TOKEN_URL"), ("userinfo", "API_URL")):
        path = httpx.URL(grafana[f"GF_AUTH_GENERIC_OAUTH_{setting}"]).path
        assert found[f"{endpoint}_endpoint"] == f"{identity.url}{path}"


def test_the_probes_are_served_over_tls_on_the_management_port(
    identity: Keycloak, prod: Generated
) -> None:
    container = prod.container("keycloak")
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        request = container[probe]["httpGet"]

        assert request["scheme"] == "HTTPS"
        assert identity.health(request["path"].removeprefix("/health/")) == 200


def test_sign_ins_are_counted_by_how_they_end_and_the_metrics_are_those_of_the_records(
    identity: Keycloak, realm: dict[str, Any]
) -> None:
    events = "keycloak_user_events_total"
    before = identity.metrics()
    of_team(identity, realm, _TEAM)
    [application] = [c for c in realm["clients"] if c["clientId"] == "open-webui"]
    refused = identity.token(realm["realm"], application["clientId"], "wrong")
    after = identity.metrics()

    def counted(event: str, error: str) -> float:
        return exposition.total(after, events, event=event, error=error) - exposition.total(
            before, events, event=event, error=error
        )

    assert refused["error"] == "unauthorized_client"
    assert counted("client_login", "") == 1
    assert counted(".*", "[a-z_]+") == 1
    assert exposition.differences(after, exporters()["keycloak"]) == {}


def test_the_administrator_of_the_secret_opens_the_master_realm(
    identity: Keycloak, prod: Generated
) -> None:
    answer = identity.token(
        "master", "admin-cli", "", grant_type="password", **prod.secret("keycloak-admin")
    )
    assert "access_token" in answer


def test_secrets_of_the_files_show_in_no_log_argument_or_environment(
    identity: Keycloak, realm: dict[str, Any], database: Postgres, prod: Generated
) -> None:
    visible = identity.running.output() + identity.running.exposed()
    secrets = [
        database.password,
        prod.secret("keycloak-admin")["password"],
        *(client["secret"] for client in realm["clients"]),
    ]

    assert "kc.home.dir" in visible, "its processes were not looked at"
    assert [secret for secret in secrets if secret in visible] == []


def test_the_realm_is_kept_in_postgresql_over_tls(
    identity: Keycloak, realm: dict[str, Any], database: Postgres, certificates: Certificates
) -> None:
    assert identity.get(f"/realms/{realm['realm']}").status_code == 200
    names = postgres.query(database, certificates, "select name from realm order by name")
    plain = postgres.query(
        database,
        certificates,
        "select count(*) from pg_stat_ssl s join pg_stat_activity a using (pid)"
        " where a.datname = current_database() and not s.ssl",
    )

    assert names.split() == sorted(["master", realm["realm"]])
    assert plain == "0"


def test_a_database_that_another_authority_vouches_for_is_not_trusted(
    prod: Generated,
    realm: dict[str, Any],
    database: Postgres,
    certificates: Certificates,
    folder: Path,
) -> None:
    conf = prod.secret("keycloak-config")["keycloak.conf"]
    stranger = Certificates.issue(folder / "stranger").authority
    options = keycloak.here(
        conf, certificates, database.port, db_tls_trust_store_file=str(stranger)
    )
    arguments = prod.container("keycloak")["args"]

    with (
        pytest.raises(PeerFailedError, match=r"PKIX path|valid certification path"),
        keycloak.start(folder / "server", arguments, options, [realm], certificates),
    ):
        pass
