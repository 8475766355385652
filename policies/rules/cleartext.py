"""Find URLs and listeners without TLS in text; findings describe them and never quote the text."""

import ipaddress
import re
from collections.abc import Iterator

_URL = re.compile(r"\b(http|ws|redis|amqp|ldap|mqtt|nats)://([^\s/\"'<>`|,;)\]}]*(?:\][:\d]*)?)")
_SSLMODE = re.compile(r"\bsslmode=(disable|allow|prefer)\b")
_SECURE = {
    "http": "https",
    "ws": "wss",
    "redis": "rediss",
    "amqp": "amqps",
    "ldap": "ldaps",
    "mqtt": "mqtts",
    "nats": "tls",
}
_NGINX_LISTEN = re.compile(r"^\s*listen\s+([^;#]+);", re.MULTILINE)
_KONG_LISTEN = re.compile(r"^\s*(?:proxy|admin|admin_gui|status)_listen\s*=\s*(.+)$", re.MULTILINE)
_LOOPBACK_LISTEN = re.compile(r"^(127\.|localhost|\[::1\]|unix:)")


def urls(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, description and allowed alternative of each cluster-internal URL without TLS.

    Cluster-internal are short names, `*.svc`, private addresses and names built from variables.
    Loopback needs no TLS. Public host names are skipped: they are not services of the stack, and
    often only identifiers, such as XML namespaces.
    """
    for match in _URL.finditer(text):
        scheme, authority = match[1], match[2]
        if _inside(authority, anywhere=scheme != "http"):
            seen = f"a {scheme}:// URL to another pod"
            yield _line(text, match.start()), seen, f"{_SECURE[scheme]}://, or loopback"
    for match in _SSLMODE.finditer(text):
        seen = f"a database URL with sslmode={match[1]}"
        yield _line(text, match.start()), seen, "sslmode=verify-full (or verify-ca)"


def _inside(authority: str, *, anywhere: bool) -> bool:
    host = authority.rpartition("@")[2].lower()
    bracketed = re.match(r"\[([^\]]*)\]?", host)
    name, colon, _ = (bracketed[1], "", "") if bracketed else host.partition(":")
    if not name or name == "localhost":
        return False
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        pass
    else:
        return not address.is_loopback and (anywhere or address.is_private)
    if anywhere or any(mark in host for mark in "${%"):
        return True
    _, *parts = name.rstrip(".").split(".")
    match parts:
        case []:  # service
            return True
        case [_] if colon:  # service.namespace:port
            return True
        case _:
            return "svc" in parts or parts[-1] in {"local", "internal"}


def listeners(text: str) -> Iterator[tuple[int, str]]:
    """Line and description of each nginx or Kong listener in a configuration file without TLS."""
    for match in _NGINX_LISTEN.finditer(text):
        if plain_listeners(match[1]):
            yield _line(text, match.start()), "a `listen` without ssl"
    for match in _KONG_LISTEN.finditer(text):
        if plain_listeners(match[1]):
            yield _line(text, match.start()), "a Kong listener without ssl"


def plain_listeners(value: str) -> int:
    """Number of entries of an nginx or Kong listen value that are not loopback and lack TLS."""
    plain = 0
    for entry in value.split(","):
        words = entry.split()
        if not words or words == ["off"] or _LOOPBACK_LISTEN.match(words[0]):
            continue
        plain += not {"ssl", "quic"} & set(words[1:])
    return plain


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
