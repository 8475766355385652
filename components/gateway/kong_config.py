"""What Kong is told, as data: hosts and paths, who may pass, how often. No Pulumi here.

Field names: https://developer.konghq.com/gateway/db-less-mode/ and the schemas of Kong 3.9's own
plugins (`kong/plugins/*/schema.lua`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.common.contracts import Route
from config.settings.gateway import GatewaySettings
from config.settings.teams import Team

PEOPLE = "people"
"""The consumer that every token of the realm counts as; the router tells people apart."""
_NOBODY = "nobody"
"""The consumer of a request with neither a good token nor a good key: it is refused."""
_AUTHORITY = "5b1f3c1e-6c0a-4d53-9d0e-1f6a5d2a7c41"
"""An ID that services name the stack's authority by; any, but always the same."""
_CONNECT_MILLISECONDS = 5000
_HEADERS = (
    "Strict-Transport-Security:max-age=31536000",
    "X-Content-Type-Options:nosniff",
    "Referrer-Policy:strict-origin-when-cross-origin",
)
"""Added to answers that do not say so themselves."""


@dataclass(frozen=True)
class RedisServer:
    """Where the replicas share their counters, over TLS."""

    host: str
    port: int
    password: str


@dataclass(frozen=True)
class Consumer:
    """A team: its key and its limit."""

    key: str
    limits: Team


@dataclass(frozen=True)
class Realm:
    """Whose tokens pass: their `iss`, and the PEM that they verify with."""

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
    redis: RedisServer,
) -> dict[str, Any]:
    """The whole declarative configuration; it holds secrets.

    *urls* of the upstreams by route name; *authority* is the PEM that they must verify with.
    """
    return {
        "_format_version": "3.0",
        "ca_certificates": [{"id": _AUTHORITY, "cert": authority}],
        "services": [_service(settings, route, urls[route.name]) for route in routes],
        "routes": [_refusal(route) for route in routes if route.blocked],
        "consumers": [
            *(_team(name, team, redis) for name, team in teams.items()),
            _people(realm, settings.requests_per_minute, redis),
            {"username": _NOBODY, "plugins": [_unauthorized()]},
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
    silence = settings.answer_seconds * 1000
    return {
        "name": route.name,
        "url": url,
        "tls_verify": True,
        "ca_certificates": [_AUTHORITY],
        "connect_timeout": _CONNECT_MILLISECONDS,
        "read_timeout": silence,
        "write_timeout": silence,
        "routes": [
            {
                **_match(route.name, route.host, route.paths),
                # Kong verifies an upstream by the Host that it sends: its name in the cluster.
                "preserve_host": False,
                "strip_path": False,
                "response_buffering": False,  # tokens are shown as they come
                "plugins": _authentication() if route.authenticated else [],
            }
        ],
    }


def _match(name: str, host: str, paths: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "hosts": [host], "paths": list(paths), "protocols": ["https"]}


def _refusal(route: Route) -> dict[str, Any]:
    """A route without a service: longer paths win, so it is asked first."""
    return {
        **_match(f"{route.name}-blocked", route.host, route.blocked),
        "plugins": [_plugin("request-termination", status_code=403, message="Forbidden")],
    }


def _authentication() -> list[dict[str, Any]]:
    """A token of the realm or a team's key: with an anonymous consumer, either is enough.

    https://developer.konghq.com/how-to/allow-multiple-authentication/
    """
    return [
        _plugin(
            "jwt",
            key_claim_name="iss",
            claims_to_verify=["exp"],
            header_names=["authorization"],
            uri_param_names=[],  # a URL is written to logs
            cookie_names=[],
            anonymous=_NOBODY,
        ),
        _plugin(
            "key-auth",
            key_names=["authorization"],
            key_in_header=True,
            key_in_query=False,
            key_in_body=False,
            hide_credentials=False,  # the router asks for the same key again
            anonymous=_NOBODY,
        ),
    ]


def _team(name: str, team: Consumer, redis: RedisServer) -> dict[str, Any]:
    return {
        "username": f"team-{name}",
        # The plugin compares the whole header and strips nothing.
        "keyauth_credentials": [{"key": f"Bearer {team.key}"}],
        "plugins": [_limit(team.limits.requests_per_minute, redis)],
    }


def _people(realm: Realm, requests_per_minute: int, redis: RedisServer) -> dict[str, Any]:
    return {
        "username": PEOPLE,
        "jwt_secrets": [
            {"key": realm.issuer, "algorithm": "RS256", "rsa_public_key": realm.public_key}
        ],
        "plugins": [_limit(requests_per_minute, redis)],
    }


def _limit(requests_per_minute: int, redis: RedisServer) -> dict[str, Any]:
    """One count for all replicas; without Redis the answer is an error, not a free pass."""
    return _plugin(
        "rate-limiting",
        minute=requests_per_minute,
        limit_by="consumer",
        policy="redis",
        fault_tolerant=False,
        error_message="Too many requests: the limit a minute is reached",
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
    """401 in the words of OpenAI's API, which its clients show."""
    error = {
        "message": "A team's key or a token of the sign-in service is needed.",
        "type": "invalid_request_error",
        "code": "invalid_api_key",
    }
    return _plugin(
        "request-termination",
        status_code=401,
        content_type="application/json",
        body=json.dumps({"error": error}),
    )
