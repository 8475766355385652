"""What the realm says, as data; tests/conformance gives it to a real Keycloak."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.auth.realm import Client, issuer, realm
from config.settings.identity import KeycloakSettings

WEB = Client(client_id="open-webui", redirect_uris=["https://ai.example.org/callback"])
API = Client(client_id="api", for_api=True, team="finance")


def render(**settings: Any) -> dict[str, Any]:
    return realm(
        KeycloakSettings(**settings),
        clients=[WEB, API],
        client_secrets={"open-webui": "web-secret", "api": "api-secret"},
        teams=["finance", "legal"],
        audience="llm-api",
        private_key="-----BEGIN RSA PRIVATE KEY-----",
        admin_password="first-password",  # noqa: S106 - made up
    )


def client(rendered: dict[str, Any], client_id: str) -> dict[str, Any]:
    [found] = [c for c in rendered["clients"] if c["clientId"] == client_id]
    return found


def mappers(rendered: dict[str, Any], client_id: str) -> dict[str, dict[str, str]]:
    return {m["name"]: m["config"] for m in client(rendered, client_id)["protocolMappers"]}


def test_each_team_is_a_group_whose_members_may_use_the_models() -> None:
    assert render()["groups"] == [
        {"name": "finance", "path": "/finance", "realmRoles": ["ai-user"]},
        {"name": "legal", "path": "/legal", "realmRoles": ["ai-user"]},
    ]


def test_the_given_key_signs_before_any_that_keycloak_makes() -> None:
    keys = {
        k["providerId"]: k["config"]
        for k in render()["components"]["org.keycloak.keys.KeyProvider"]
    }

    assert keys["rsa"]["privateKey"] == ["-----BEGIN RSA PRIVATE KEY-----"]
    assert keys["rsa"]["algorithm"] == ["RS256"]
    others = [int(c["priority"][0]) for provider, c in keys.items() if provider != "rsa"]
    assert int(keys["rsa"]["priority"][0]) > max(others)


def test_people_sign_in_by_the_code_flow_with_pkce_and_no_other() -> None:
    web = client(render(), "open-webui")

    assert web["secret"] == "web-secret"
    assert web["redirectUris"] == ["https://ai.example.org/callback"]
    assert web["attributes"]["pkce.code.challenge.method"] == "S256"
    assert web["publicClient"] is False
    assert [f for f in web if f.endswith("Enabled") and web[f]] == ["standardFlowEnabled"]


def test_a_program_signs_itself_in_as_a_member_of_its_team() -> None:
    rendered = render()
    api = client(rendered, "api")

    assert [f for f in api if f.endswith("Enabled") and api[f]] == ["serviceAccountsEnabled"]
    assert {
        "username": "service-account-api",
        "enabled": True,
        "serviceAccountClientId": "api",
        "groups": ["/finance"],
    } in rendered["users"]


def test_only_tokens_for_the_api_name_it_as_audience() -> None:
    rendered = render()

    assert mappers(rendered, "api")["api-audience"]["included.custom.audience"] == "llm-api"
    assert "api-audience" not in mappers(rendered, "open-webui")


def test_applications_see_team_and_role_and_none_of_keycloaks_own_roles() -> None:
    rendered = render()

    assert {"groups", "roles"} <= set(mappers(rendered, "open-webui"))
    assert mappers(rendered, "open-webui")["groups"]["full.path"] == "false"
    assert client(rendered, "open-webui")["fullScopeAllowed"] is False
    assert {"client": "open-webui", "roles": ["ai-user", "ai-admin"]} in rendered["scopeMappings"]


def test_the_first_administrator_must_choose_a_password() -> None:
    [admin] = [u for u in render()["users"] if u["username"] == "admin"]

    assert admin["credentials"] == [
        {"type": "password", "value": "first-password", "temporary": True}
    ]
    assert admin["clientRoles"] == {"realm-management": ["realm-admin"]}


def test_settings_reach_the_realm_in_keycloaks_units() -> None:
    rendered = render(
        password_min_length=14, lock_minutes=20, session_max_hours=8, access_token_minutes=3
    )

    assert rendered["passwordPolicy"].startswith("length(14) and ")
    assert rendered["bruteForceProtected"] is True
    assert rendered["maxFailureWaitSeconds"] == 1200
    assert rendered["ssoSessionMaxLifespan"] == 28_800
    assert rendered["accessTokenLifespan"] == 180
    assert rendered["sslRequired"] == "all"


def test_the_issuer_is_the_public_url_of_the_realm() -> None:
    assert issuer("auth.example.org", KeycloakSettings(realm="ministry")) == (
        "https://auth.example.org/realms/ministry"
    )


def test_a_realm_that_would_not_fit_a_url_is_refused() -> None:
    with pytest.raises(ValidationError, match="realm"):
        KeycloakSettings(realm="Intelligence Privée")
