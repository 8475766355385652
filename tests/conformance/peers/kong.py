"""What Kong's schema says of the declarative configuration, stated here; no Kong runs.

Field names, types and checks were read in November 2026 from Kong's public sources: its
`kong/db/schema/entities/*.lua`, `kong/plugins/*/{schema,daos}.lua` and
`kong/tools/redis/schema.lua`. Stated are the fields that the program could use, not all there are.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import BasicConstraints, load_pem_x509_certificate

Check = Callable[[Any], Iterator[str]]
"""Yields what is wrong with a value, each with the path to it."""

_LONGEST_MILLISECONDS = 2**31 - 2
_PERIODS = ("second", "minute", "hour", "day", "month", "year")


def problems(configuration: Mapping[str, Any]) -> list[str]:
    """What Kong would refuse in a declarative *configuration*: nothing, if it is empty."""
    return [*_CONFIGURATION(configuration), *_references(configuration)]


def _is(kind: type, allowed: Callable[[Any], bool], wanted: str) -> Check:
    def check(value: Any) -> Iterator[str]:
        # To Python a boolean is an integer.
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            yield f": {value!r} must be of type {kind.__name__}"
        elif not allowed(value):
            yield f": {str(value)[:60]!r} must be {wanted}"

    return check


def _string(pattern: str = r"[\s\S]+") -> Check:
    return _is(str, lambda v: re.fullmatch(pattern, v) is not None, f"like {pattern}")


def _integer(low: int, high: int) -> Check:
    return _is(int, lambda v: low <= v <= high, f"between {low} and {high}")


def _one_of(*options: str) -> Check:
    return _is(str, lambda v: v in options, f"one of {options}")


def _that(loads: Callable[[bytes], object], wanted: str) -> Check:
    def allowed(value: str) -> bool:
        try:
            return bool(loads(value.encode()))
        except (ValueError, UnsupportedAlgorithm):
            return False

    return _is(str, allowed, wanted)


def _is_authority(pem: bytes) -> bool:
    constraints = load_pem_x509_certificate(pem).extensions.get_extension_for_class(
        BasicConstraints
    )
    return constraints.value.ca and pem.count(b"BEGIN CERTIFICATE") == 1


def _list(element: Check, *, at_least: int = 0) -> Check:
    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, list) or len(value) < at_least:
            yield f": {value!r} must be a list of {at_least} or more"
            return
        for index, item in enumerate(value):
            yield from (f"[{index}]{problem}" for problem in element(item))

    return check


def _record(
    fields: Mapping[str, Check],
    required: Sequence[str] = (),
    rule: Callable[[Mapping[str, Any]], str | None] = lambda _: None,
) -> Check:
    def check(value: Any) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f": {value!r} must be a record"
            return
        yield from (f".{name}: unknown field" for name in value if name not in fields)
        yield from (f".{name}: required field missing" for name in required if name not in value)
        for name, each in fields.items():
            if name in value:
                yield from (f".{name}{problem}" for problem in each(value[name]))
        if broken := rule(value):
            yield f": {broken}"

    return check


_BOOLEAN = _is(bool, lambda _: True, "")
_TEXT = _string()
_NAME = _string(r"[\w.\-~]+")
_UUID = _that(lambda v: UUID(v.decode()), "a UUID")
_HEADER = _string(r"[A-Za-z0-9_-]+")
_HOST = _string(r"[A-Za-z0-9*]([A-Za-z0-9.*-]*[A-Za-z0-9*])?")
_PORT = _integer(0, 65535)
_COUNT = _integer(1, 2**53)
_TIMEOUT = _integer(1, _LONGEST_MILLISECONDS)
_HEADERS = _record({"headers": _list(_string(r"[^:]+:.*")), "json": _list(_string(r"[^:]+:.*"))})
_NAMES = _record({"headers": _list(_TEXT), "json": _list(_TEXT)})

_REDIS = _record(
    {
        "host": _HOST,
        "port": _PORT,
        "timeout": _TIMEOUT,
        "username": _TEXT,
        "password": _TEXT,
        "database": _integer(0, 2**31),
        "ssl": _BOOLEAN,
        "ssl_verify": _BOOLEAN,
        "server_name": _string(r"[A-Za-z][A-Za-z0-9.-]*"),
    },
    ("host", "port"),
)


def _termination(config: Mapping[str, Any]) -> str | None:
    if "message" in config and ("body" in config or "content_type" in config):
        return "message cannot be used with content_type or body"
    if "content_type" in config and "body" not in config:
        return "content_type requires a body"
    return None


def _limiting(config: Mapping[str, Any]) -> str | None:
    limits = [config[period] for period in _PERIODS if period in config]
    if not limits:
        return f"at least one of {_PERIODS} is needed"
    if limits != sorted(limits):
        return "the limit of a longer period cannot be lower"
    if config.get("policy") == "redis" and "redis" not in config:
        return "policy redis needs redis"
    return None


_PLUGINS: Mapping[str, Check] = {
    "jwt": _record(
        {
            "uri_param_names": _list(_TEXT),
            "cookie_names": _list(_TEXT),
            "header_names": _list(_TEXT),
            "key_claim_name": _TEXT,
            "secret_is_base64": _BOOLEAN,
            "claims_to_verify": _list(_one_of("exp", "nbf")),
            "anonymous": _TEXT,
            "run_on_preflight": _BOOLEAN,
            "maximum_expiration": _integer(0, 31_536_000),
            "realm": _TEXT,
        }
    ),
    "key-auth": _record(
        {
            "key_names": _list(_HEADER),
            "hide_credentials": _BOOLEAN,
            "anonymous": _TEXT,
            "key_in_header": _BOOLEAN,
            "key_in_query": _BOOLEAN,
            "key_in_body": _BOOLEAN,
            "run_on_preflight": _BOOLEAN,
            "realm": _TEXT,
        }
    ),
    "rate-limiting": _record(
        {
            **dict.fromkeys(_PERIODS, _COUNT),
            "limit_by": _one_of("consumer", "credential", "ip", "service", "header", "path"),
            "header_name": _HEADER,
            "path": _string("/.*"),
            "policy": _one_of("local", "redis"),  # `cluster` needs a database
            "fault_tolerant": _BOOLEAN,
            "redis": _REDIS,
            "hide_client_headers": _BOOLEAN,
            "error_code": _integer(1, 999),
            "error_message": _TEXT,
            "sync_rate": _integer(-1, 2**31),
        },
        rule=_limiting,
    ),
    "request-termination": _record(
        {
            "status_code": _integer(100, 599),
            "message": _TEXT,
            "content_type": _TEXT,
            "body": _TEXT,
            "echo": _BOOLEAN,
            "trigger": _HEADER,
        },
        rule=_termination,
    ),
    "prometheus": _record(
        dict.fromkeys(
            (
                "per_consumer",
                "status_code_metrics",
                "ai_metrics",
                "latency_metrics",
                "bandwidth_metrics",
                "upstream_health_metrics",
            ),
            _BOOLEAN,
        )
    ),
    "correlation-id": _record(
        {
            "header_name": _TEXT,
            "generator": _one_of("uuid", "uuid#counter", "tracker"),
            "echo_downstream": _BOOLEAN,
        }
    ),
    "response-transformer": _record(
        {
            **dict.fromkeys(("add", "append", "replace"), _HEADERS),
            "remove": _NAMES,
            "rename": _HEADERS,
        }
    ),
}


def _plugin(value: Any) -> Iterator[str]:
    fields = {
        "id": _UUID,
        "name": _one_of(*_PLUGINS),
        "instance_name": _NAME,
        "enabled": _BOOLEAN,
        "protocols": _list(_TEXT),
        "tags": _list(_TEXT),
        "config": _PLUGINS.get(value.get("name"), _record({})),
    }
    yield from _record(fields, ("name",))(value)


def _https_route(route: Mapping[str, Any]) -> str | None:
    matched = ("methods", "hosts", "headers", "paths", "snis")
    return None if any(route.get(field) for field in matched) else f"must set one of {matched}"


_ROUTE = _record(
    {
        "id": _UUID,
        "name": _NAME,
        "protocols": _list(_one_of("http", "https"), at_least=1),
        "methods": _list(_string("[A-Z]+")),
        "hosts": _list(_HOST),
        "paths": _list(_string(r"~?/(?!.*//)[\w.\-~/%]*|~/.*")),
        "headers": _is(dict, lambda _: True, ""),
        "https_redirect_status_code": _integer(301, 426),
        "regex_priority": _integer(0, 2**31),
        "strip_path": _BOOLEAN,
        "path_handling": _one_of("v0", "v1"),
        "preserve_host": _BOOLEAN,
        "request_buffering": _BOOLEAN,
        "response_buffering": _BOOLEAN,
        "snis": _list(_TEXT),
        "tags": _list(_TEXT),
        "plugins": _list(_plugin),
    },
    ("name", "protocols"),
    _https_route,
)


def _verified(service: Mapping[str, Any]) -> str | None:
    if service.get("tls_verify") and not str(service.get("url")).startswith("https://"):
        return "tls_verify is for https alone"
    return None


_SERVICE = _record(
    {
        "id": _UUID,
        "name": _NAME,
        "url": _string(r"https?://[A-Za-z0-9.-]+(:\d+)?(/[\w.\-~/]*)?"),
        "retries": _integer(0, 32767),
        **dict.fromkeys(("connect_timeout", "write_timeout", "read_timeout"), _TIMEOUT),
        "tags": _list(_TEXT),
        "tls_verify": _BOOLEAN,
        "tls_verify_depth": _integer(0, 64),
        "ca_certificates": _list(_UUID),
        "enabled": _BOOLEAN,
        "routes": _list(_ROUTE),
        "plugins": _list(_plugin),
    },
    ("name", "url"),
    _verified,
)


def _signed(credential: Mapping[str, Any]) -> str | None:
    asymmetric = not str(credential.get("algorithm", "HS256")).startswith("HS")
    missing = asymmetric and "rsa_public_key" not in credential
    return "rsa_public_key is required for that algorithm" if missing else None


_CONSUMER = _record(
    {
        "id": _UUID,
        "username": _TEXT,
        "custom_id": _TEXT,
        "tags": _list(_TEXT),
        "keyauth_credentials": _list(_record({"id": _UUID, "key": _TEXT, "tags": _list(_TEXT)})),
        "jwt_secrets": _list(
            _record(
                {
                    "id": _UUID,
                    "key": _TEXT,
                    "secret": _TEXT,
                    "algorithm": _string("(HS|RS|ES|PS)(256|384|512)|EdDSA"),
                    "rsa_public_key": _that(load_pem_public_key, "a public key in PEM"),
                    "tags": _list(_TEXT),
                },
                rule=_signed,
            )
        ),
        "plugins": _list(_plugin),
    },
    ("username",),
)

_CONFIGURATION = _record(
    {
        "_format_version": _one_of("3.0"),
        "_transform": _BOOLEAN,
        "services": _list(_SERVICE),
        "routes": _list(_ROUTE),
        "consumers": _list(_CONSUMER),
        "plugins": _list(_plugin),
        "ca_certificates": _list(
            _record(
                {"id": _UUID, "cert": _that(_is_authority, "one CA certificate in PEM")},
                ("id", "cert"),
            )
        ),
    },
    ("_format_version",),
)


def _references(configuration: Mapping[str, Any]) -> Iterator[str]:
    """What one entry says of another, and what must be there once."""
    services = configuration.get("services", [])
    consumers = configuration.get("consumers", [])
    routes = [*configuration.get("routes", []), *_all(services, "routes")]
    authorities = {entry["id"] for entry in configuration.get("ca_certificates", [])}
    usernames = [str(consumer.get("username")) for consumer in consumers]
    for service in services:
        for named in set(service.get("ca_certificates", [])) - authorities:
            yield f".services: {service['name']} names the unknown ca_certificate {named}"
    for plugin in [*configuration.get("plugins", []), *_all(routes, "plugins")]:
        anonymous = plugin.get("config", {}).get("anonymous")
        if anonymous is not None and anonymous not in usernames:
            yield f".plugins: {plugin['name']} names the unknown consumer {anonymous}"
    for what, values in {
        "service": [str(service.get("name")) for service in services],
        "route": [str(route.get("name")) for route in routes],
        "consumer": usernames,
        "key": [str(entry.get("key")) for entry in _all(consumers, "keyauth_credentials")],
        "jwt key": [str(entry.get("key")) for entry in _all(consumers, "jwt_secrets")],
    }.items():
        yield from (f": two of the {what} {v}" for v in sorted(set(values)) if values.count(v) > 1)


def _all(holders: Sequence[Mapping[str, Any]], field: str) -> list[dict[str, Any]]:
    return [entry for holder in holders for entry in holder.get(field, [])]
