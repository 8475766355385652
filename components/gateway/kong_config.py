"""Kong's declarative configuration, as data: routes, authentication, limits. No Pulumi here.

Field names: https://developer.konghq.com/gateway/db-less-mode/ and the schemas of Kong 3.9's own
plugins (`kong/plugins/*/schema.lua`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.common.contracts import RedisAccess, Route
from config.settings.gateway import GatewaySettings
from config.settings.teams import Team

PEOPLE = "people"
"""Consumer of every access token of the realm; the router distinguishes users."""
_ANONYMOUS = "anonymous"
"""Anonymous consumer: a request without a valid token or key, which is rejected."""
_AUTHORITY = "5b1f3c1e-6c0a-4d53-9d0e-1f6a5d2a7c41"
"""ID of the stack's CA certificate: arbitrary but constant."""
_CONNECT_MILLISECONDS = 5000
_HEADERS = (
    "Strict-Transport-Security:max-age=31536000",
    "X-Content-Type-Options:nosniff",
    "Referrer-Policy:strict-origin-when-cross-origin",
)
"""Response headers, added where the upstream does not set them."""


@dataclass(frozen=True)
class Consumer:
    """API key and limits of a team."""

    key: str
    limits: Team


@dataclass(frozen=True)
class Realm:
    """Issuer of accepted access tokens: the `iss` claim and the public key, PEM."""

    issuer: str
    public_key: str


def kong_config(
    settings: GatewaySettings,
    routes: Sequence[Route],
    *,
    urls: Mapping[str, str],
    authority: str,
    realm: Realm,
    teams: Mapping[str, Consumer],
    redis: RedisAccess[str],
) -> dict[str, Any]:
    """The declarative configuration; it contains secrets.

    *urls* of the upstreams by route name; *authority* is the CA certificate (PEM) of the upstreams.
    """
    return {
        "_format_version": "3.0",
        "ca_certificates": [{"id": _AUTHORITY, "cert": authority}],
        "services": [_service(settings, route, urls[route.name]) for route in routes],
        "routes": [_blocked(route) for route in routes if route.blocked],
        "consumers": [
            *(_team(name, team, redis) for name, team in teams.items()),
            _people(realm, settings.requests_per_minute, redis),
            {"username": _ANONYMOUS, "plugins": [_unauthorized()]},
        ],
        "plugins": [
            _plugin(
                "prometheus",
                per_consumer=True,
                status_code_metrics=True,
                latency_metrics=True,
                bandwidth_metrics=True,
            ),
            _plugin(
                "correlation-id",
                header_name="X-Request-ID",
                generator="uuid",
                echo_downstream=True,
            ),
            _plugin("response-transformer", add={"headers": list(_HEADERS)}),
        ],
    }


def _plugin(name: str, **config: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"name": name, "config": config}


def _service(settings: GatewaySettings, route: Route, url: str) -> dict[str, Any]:
    timeout = settings.answer_seconds * 1000
    return {
        "name": route.name,
        "url": url,
        "tls_verify": True,
        "ca_certificates": [_AUTHORITY],
        "connect_timeout": _CONNECT_MILLISECONDS,
        "read_timeout": timeout,
        "write_timeout": timeout,
        "routes": [
            {
                **_match(route.name, route.host, route.paths),
                # Kong verifies an upstream against the Host header: its cluster DNS name.
                "preserve_host": False,
                "strip_path": False,
                "response_buffering": False,  # streams tokens
                "plugins": _authentication() if route.authenticated else [],
            }
        ],
    }


def _match(name: str, host: str, paths: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "hosts": [host], "paths": list(paths), "protocols": ["https"]}


def _blocked(route: Route) -> dict[str, Any]:
    """A route without a service: longer paths take precedence, so it matches first."""
    return {
        **_match(f"{route.name}-blocked", route.host, route.blocked),
        "plugins": [_plugin("request-termination", status_code=403, message="Forbidden")],
    }


def _authentication() -> list[dict[str, Any]]:
    """An access token or an API key: with an anonymous consumer, either one is sufficient.

    https://developer.konghq.com/how-to/allow-multiple-authentication/
    """
    return [
        _plugin(
            "jwt",
            key_claim_name="iss",
            claims_to_verify=["exp"],
            header_names=["authorization"],
            uri_param_names=[],  # URLs are logged
            cookie_names=[],
            anonymous=_ANONYMOUS,
        ),
        _plugin(
            "key-auth",
            key_names=["authorization"],
            key_in_header=True,
            key_in_query=False,
            key_in_body=False,
            hide_credentials=False,  # the router requires the same key
            anonymous=_ANONYMOUS,
        ),
    ]


def _team(name: str, team: Consumer, redis: RedisAccess[str]) -> dict[str, Any]:
    return {
        "username": f"team-{name}",
        # The plugin compares the complete header value.
        "keyauth_credentials": [{"key": f"Bearer {team.key}"}],
        "plugins": [_limit(team.limits.requests_per_minute, redis)],
    }


def _people(realm: Realm, requests_per_minute: int, redis: RedisAccess[str]) -> dict[str, Any]:
    return {
        "username": PEOPLE,
        "jwt_secrets": [
            {"key": realm.issuer, "algorithm": "RS256", "rsa_public_key": realm.public_key}
        ],
        "plugins": [_limit(requests_per_minute, redis)],
    }


def _limit(requests_per_minute: int, redis: RedisAccess[str]) -> dict[str, Any]:
    """One counter for all replicas; fails closed without Redis."""
    return _plugin(
        "rate-limiting",
        minute=requests_per_minute,
        limit_by="consumer",
        policy="redis",
        fault_tolerant=False,
        error_message="Rate limit exceeded (requests per minute).",
        redis={
            "host": redis.host,
            "port": redis.port,
            "password": redis.password,
            "ssl": True,
            "ssl_verify": True,
            "server_name": redis.host,
        },
    )


def _unauthorized() -> dict[str, Any]:
    """401 in the error format of OpenAI's API, which its clients display."""
    error = {
        "message": "Missing or invalid API key. Use a team key or an OIDC access token.",
        "type": "invalid_request_error",
        "code": "invalid_api_key",
    }
    return _plugin(
        "request-termination",
        status_code=401,
        content_type="application/json",
        body=json.dumps({"error": error}),
    )
