"""TLS on all listeners, URLs and probes."""

import re
from collections.abc import Iterator
from itertools import pairwise

from policies.rules import cleartext
from policies.rules.frameworks import NSA_NETWORK, RGPD_32, SNC_CRYPTO
from policies.rules.model import UNKNOWN, Finding, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS, Container, containers
from policies.rules.reading import entries, get, label, missing, shown, texts

_CONFIG = frozenset({"ConfigMap", "Secret"})
_HTTP_PORT = 80
_HTTP_NAME = re.compile(r"(^|-)http(-|$)")
_HTTP_PROTOCOL = re.compile(r"^(kubernetes\.io/)?(http|h2c|ws)$")


def _ports(resource: Resource) -> Iterator[Finding]:
    listed = [
        (f"spec.ports[{label(port, i)}]", port)
        for i, port in entries(resource.props, "spec", "ports")
    ]
    if get(resource.props, "spec", "type") == "ExternalName":
        return
    for container in containers(resource):
        for i, port in entries(container.spec, "ports"):
            listed.append((f"{container.path}.ports[{label(port, i)}]", port))
    for path, port in listed:
        name, protocol = get(port, "name"), get(port, "appProtocol")
        if isinstance(name, str) and _HTTP_NAME.search(name):
            yield Finding(
                f"{path}.name", shown(name), "the name of a protocol over TLS, such as https"
            )
        elif isinstance(protocol, str) and _HTTP_PROTOCOL.match(protocol):
            yield Finding(f"{path}.appProtocol", shown(protocol), "https, or a protocol over TLS")
        elif _HTTP_PORT in (get(port, "port"), get(port, "containerPort")):
            yield Finding(path, "port 80", "a TLS port, such as 443 or 8443")


PORT = Rule(
    "tls-port",
    "No Service or container port is named http or is port 80.",
    "Plain HTTP exposes prompts and tokens to anyone with access to the node's network.",
    "serve HTTPS with the component's certificate, and name the port https",
    frozenset({"Service"}) | WORKLOADS,
    Severity.HIGH,
    _ports,
    covers=("tls",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)


def _words(container: Container) -> Iterator[tuple[str, str]]:
    """Path and text of each known word of the command line."""
    for field in ("command", "args"):
        for i, word in entries(container.spec, field):
            if isinstance(word, str):
                yield f"{container.path}.{field}[{i}]", word


def _environment(container: Container) -> Iterator[tuple[str, str, str]]:
    """Path, name and value of each known variable."""
    for i, variable in entries(container.spec, "env"):
        name, value = get(variable, "name"), get(variable, "value")
        if isinstance(name, str) and isinstance(value, str):
            yield f"{container.path}.env[{label(variable, i)}].value", name, value


def _files(resource: Resource) -> Iterator[tuple[str, str]]:
    """Path and text of each file of a ConfigMap, or of the stringData of a Secret."""
    for field in ("data",) if resource.kind == "ConfigMap" else ("stringData",):
        for key, text in texts(resource.props, field):
            yield f"{field}[{key}]", text


def _urls(resource: Resource) -> Iterator[Finding]:
    if resource.kind in _CONFIG:
        for path, text in _files(resource):
            for line, seen, allowed in cleartext.urls(text):
                yield Finding(f"{path} line {line}", seen, allowed)
        return
    for container in containers(resource):
        found = [(path, value) for path, _, value in _environment(container)]
        for path, text in (*found, *_words(container)):
            for _, seen, allowed in cleartext.urls(text):
                yield Finding(path, seen, allowed)


URL = Rule(
    "tls-url",
    "URLs between services in environments, arguments and configuration files use TLS.",
    "One client without TLS exposes the traffic of the service it calls.",
    "use the service's TLS URL and mount the stack's CA in the client",
    WORKLOADS | _CONFIG,
    Severity.HIGH,
    _urls,
    covers=("tls",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)

_KONG = re.compile(r"^KONG_(PROXY|ADMIN|ADMIN_GUI|STATUS)_LISTEN$")
_SWITCHES = {"KC_HTTP_ENABLED": "false", "QDRANT__SERVICE__ENABLE_TLS": "true"}
"""Variables that control plaintext listeners, with the value that disables them.

Keycloak: server/all-config; Qdrant: config.yaml, service.enable_tls.
"""
_PROGRAMS = (
    ({"vllm", "serve"}, "--ssl-certfile"),
    ({"vllm.entrypoints.openai.api_server"}, "--ssl-certfile"),
    ({"uvicorn"}, "--ssl-certfile"),
)
"""Words of a command line that start an HTTP server, and the flag that enables TLS."""
_LOOPBACK = frozenset({"--host=127.0.0.1", "--host=localhost", "--host=::1"})
"""Options that bind the listener to loopback, joined if written as two words."""


def _listeners(resource: Resource) -> Iterator[Finding]:
    if resource.kind in _CONFIG:
        for path, text in _files(resource):
            for line, seen in cleartext.listeners(text):
                yield Finding(f"{path} line {line}", seen, "ssl on every listener except loopback")
        return
    for container in containers(resource):
        for path, name, value in _environment(container):
            if _KONG.match(name) and (plain := cleartext.plain_listeners(value)):
                yield Finding(
                    path, f"{plain} listener(s) without ssl", "ssl on each listener, or off"
                )
            elif name in _SWITCHES and value.lower() != _SWITCHES[name]:
                yield Finding(path, "a listener without TLS", _SWITCHES[name])
        yield from _programs(container)


def _programs(container: Container) -> Iterator[Finding]:
    line = [get(container.spec, field, default=[]) for field in ("command", "args")]
    if UNKNOWN in line or any(UNKNOWN in list(part) for part in line):
        return
    words = [word for _, word in _words(container)]
    names = {word.rsplit("/", 1)[-1] for word in words}
    if _LOOPBACK & {*words, *(f"{word}={value}" for word, value in pairwise(words))}:
        return
    for needed, flag in _PROGRAMS:
        if needed <= names and not any(word.split("=", 1)[0] == flag for word in words):
            yield Finding(
                f"{container.path}.args", f"no {flag}", f"{flag} with the path of a mounted file"
            )


LISTENER = Rule(
    "tls-listener",
    "Listeners of known servers (environment, arguments, configuration files) have TLS enabled.",
    "Kong, Keycloak, Qdrant, nginx and vLLM use plain HTTP by default.",
    "enable TLS for the listener, or bind it to loopback",
    WORKLOADS | _CONFIG,
    Severity.CRITICAL,
    _listeners,
    covers=("tls",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)


_HANDLERS = (
    *(("readinessProbe",), ("livenessProbe",), ("startupProbe",)),
    *(("lifecycle", "postStart"), ("lifecycle", "preStop")),
)


def _probes(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        for handler in _HANDLERS:
            path = ".".join((container.path, *handler))
            found = get(container.spec, *handler)
            request = get(found, "httpGet")
            scheme = get(request, "scheme", default="HTTP")
            if request is not None and scheme == "HTTP":
                yield Finding(f"{path}.httpGet.scheme", "HTTP", "HTTPS")
            if not missing(found, "grpc"):
                yield Finding(f"{path}.grpc", "a gRPC probe, which does not support TLS", "httpGet")


PROBE = Rule(
    "tls-probe",
    "Probes and lifecycle hooks use HTTPS.",
    "An HTTP probe needs a listener without TLS.",
    "set scheme HTTPS, or probe with tcpSocket or exec",
    WORKLOADS,
    Severity.MEDIUM,
    _probes,
    covers=("tls",),
    frameworks=(
        NSA_NETWORK,
        SNC_CRYPTO,
        RGPD_32,
    ),
)


RULES = (PORT, URL, LISTENER, PROBE)
