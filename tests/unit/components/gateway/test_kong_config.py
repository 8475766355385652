"""Kong's declarative configuration, as data."""

import json
from typing import Any

import pytest
from pulumi import Output

from components.common.contracts import RedisAccess, Route, Upstream
from components.common.network import Pods
from components.gateway.kong_config import Consumer, Realm, kong_config
from config.settings.gateway import GatewaySettings
from config.settings.teams import Team


@pytest.fixture(scope="module")
def rendered() -> dict[str, Any]:
    # An Output needs an engine: here it is only carried, never read.
    upstream = Upstream(url=Output.from_input(""), server=Pods("any", "any"), port=8443)
    return kong_config(
        GatewaySettings(requests_per_minute=900),
        [
            Route("api", "ai.example.org", upstream, ("/v1/models",), authenticated=True),
            Route("chat", "ai.example.org", upstream),
            Route("auth", "auth.example.org", upstream, ("/realms/x/",), ("/admin",)),
        ],
        urls={
            "api": "https://router.models.svc:4000",
            "chat": "https://webui.apps.svc:8080",
            "auth": "https://keycloak.auth.svc:8443",
        },
        authority="-----BEGIN CERTIFICATE-----",
        realm=Realm("https://auth.example.org/realms/x", "-----BEGIN PUBLIC KEY-----"),
        teams={"finance": Consumer("sk-1", Team(requests_per_minute=60))},
        redis=RedisAccess("redis.data.svc", 6379, "pw", Pods("redis", "data")),
    )


def service(rendered: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [s for s in rendered["services"] if s["name"] == name]
    return found


def consumer(rendered: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [c for c in rendered["consumers"] if c["username"] == name]
    return found


def plugins(holder: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {p["name"]: p["config"] for p in holder["plugins"]}


def test_every_upstream_is_verified_with_the_stacks_authority(rendered: dict[str, Any]) -> None:
    [authority] = rendered["ca_certificates"]

    assert authority["cert"] == "-----BEGIN CERTIFICATE-----"
    assert len(rendered["services"]) == 3
    for each in rendered["services"]:
        assert each["url"].startswith("https://")
        assert each["tls_verify"] is True
        assert each["ca_certificates"] == [authority["id"]]
        assert each["routes"][0]["preserve_host"] is False


def test_nothing_is_answered_without_tls(rendered: dict[str, Any]) -> None:
    routes = [s["routes"][0] for s in rendered["services"]] + rendered["routes"]

    assert len(routes) == 4
    assert {json.dumps(r["protocols"]) for r in routes} == {'["https"]'}


def test_a_team_passes_with_its_key_as_a_bearer(rendered: dict[str, Any]) -> None:
    [route] = service(rendered, "api")["routes"]
    team = consumer(rendered, "team-finance")

    assert team["keyauth_credentials"] == [{"key": "Bearer sk-1"}]
    assert plugins(route)["key-auth"]["key_names"] == ["authorization"]
    assert plugins(route)["key-auth"]["hide_credentials"] is False


def test_a_token_passes_that_the_realm_signed_and_that_is_not_expired(
    rendered: dict[str, Any],
) -> None:
    [route] = service(rendered, "api")["routes"]
    people = consumer(rendered, "people")

    assert people["jwt_secrets"] == [
        {
            "key": "https://auth.example.org/realms/x",
            "algorithm": "RS256",
            "rsa_public_key": "-----BEGIN PUBLIC KEY-----",
        }
    ]
    assert plugins(route)["jwt"]["claims_to_verify"] == ["exp"]
    assert plugins(route)["jwt"]["uri_param_names"] == []


def test_a_request_with_neither_is_refused_as_openais_api_does(
    rendered: dict[str, Any],
) -> None:
    [route] = service(rendered, "api")["routes"]
    fallback = {config["anonymous"] for config in plugins(route).values()}
    [anonymous] = fallback
    refusal = plugins(consumer(rendered, anonymous))["request-termination"]

    assert set(plugins(route)) == {"jwt", "key-auth"}
    assert refusal["status_code"] == 401
    assert json.loads(refusal["body"])["error"] == {
        "message": "Missing or invalid API key. Use a team key or an OIDC access token.",
        "type": "invalid_request_error",
        "code": "invalid_api_key",
    }
    assert "message" not in refusal  # Kong takes a message or a body


def test_pages_are_open_and_sign_people_in_themselves(rendered: dict[str, Any]) -> None:
    assert service(rendered, "chat")["routes"][0]["plugins"] == []


def test_blocked_paths_are_answered_by_the_gateway_itself(rendered: dict[str, Any]) -> None:
    [blocked] = rendered["routes"]

    assert blocked["hosts"] == ["auth.example.org"]
    assert blocked["paths"] == ["/admin"]
    assert "service" not in blocked
    assert plugins(blocked)["request-termination"]["status_code"] == 403


def test_limits_are_counted_together_and_fail_closed(rendered: dict[str, Any]) -> None:
    team = plugins(consumer(rendered, "team-finance"))["rate-limiting"]
    people = plugins(consumer(rendered, "people"))["rate-limiting"]

    assert (team["minute"], people["minute"]) == (60, 900)
    for limit in (team, people):
        assert limit["policy"] == "redis"
        assert limit["fault_tolerant"] is False
        assert limit["error_message"] == "Rate limit exceeded (requests per minute)."
        assert limit["redis"]["ssl"] is True
        assert limit["redis"]["ssl_verify"] is True
        assert limit["redis"]["server_name"] == "redis.data.svc"


def test_tokens_stream_and_a_model_may_think_for_long(rendered: dict[str, Any]) -> None:
    api = service(rendered, "api")

    assert api["routes"][0]["response_buffering"] is False
    assert api["read_timeout"] == GatewaySettings().answer_seconds * 1000
    assert api["read_timeout"] > api["connect_timeout"]


def test_browsers_are_told_to_come_back_by_https(rendered: dict[str, Any]) -> None:
    headers = plugins(rendered)["response-transformer"]["add"]["headers"]

    assert any(h.startswith("Strict-Transport-Security:max-age=") for h in headers)
