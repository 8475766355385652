"""The auth proxy in the pod of an engine: TLS, an API key, allowed paths; no Pulumi here.

The engines differ in their support for these (some have no TLS, most no API key, many expose
administration without either), so none is relied on: each listens on the loopback address of the
pod, behind an nginx that requires the API key and forwards the allowed paths only.
https://nginx.org/en/docs/http/ngx_http_proxy_module.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PORT = 8443
"""Port of the proxy; above all ports of the engines themselves."""

HEALTH = "/health"
METRICS = "/metrics"
ALIVE = "/alive"
"""Answered by the proxy itself."""

KEYS = "keys.map"
CONFIG = "nginx.conf"

MAX_BODY_BYTES = 100 * 1000**2
"""An hour of audio, or a conversation with images; an assumption."""
_TIMEOUT_SECONDS = 3600
"""Between two reads of an answer; the router's request timeout (config/settings/router.py)."""


@dataclass(frozen=True)
class Location:
    """A path that is forwarded with a valid API key."""

    path: str
    """Exact path of the request, or a prefix if it ends in a slash."""
    to: str = ""
    """Path at the engine; empty: the same."""


@dataclass(frozen=True)
class AuthProxy:
    """The paths that are forwarded to an engine on the loopback address of the pod."""

    engine_port: int
    locations: Sequence[Location]
    health: str
    """Path at the engine that answers 200 once the model is ready; needs no key."""
    metrics: str | None
    """Path of its metrics, if any; needs no key: the network admits Prometheus only."""


def keys(api_key: str) -> str:
    """The key map, with a regular expression, since nginx ignores the case of plain strings."""
    return f'"~^Bearer {api_key}$" yes;\n'


def config(
    proxy: AuthProxy, *, secrets: str, certificate: str, key: str, drain_seconds: int
) -> str:
    """The `nginx.conf`; *secrets* is the mount path of the key map.

    On SIGQUIT nginx accepts no new requests and finishes running ones within *drain_seconds*.
    """
    return _CONFIG.format(
        alive=ALIVE,
        drain=max(1, drain_seconds),
        keys=f"{secrets}/{KEYS}",
        certificate=certificate,
        certificate_key=key,
        port=PORT,
        body=MAX_BODY_BYTES,
        timeout=_TIMEOUT_SECONDS,
        locations="".join(_locations(proxy)),
    )


def _locations(proxy: AuthProxy) -> Iterator[str]:
    engine = f"http://127.0.0.1:{proxy.engine_port}"
    yield _OPEN.format(path=HEALTH, to=f"{engine}{proxy.health}")
    if proxy.metrics:
        yield _OPEN.format(path=METRICS, to=f"{engine}{proxy.metrics}")
    for location in proxy.locations:
        match = location.path if location.path.endswith("/") else f"= {location.path}"
        yield _KEYED.format(match=match, to=f"{engine}{location.to or location.path}")


_OPEN = """
    location = {path} {{
      limit_except GET {{ deny all; }}
      proxy_pass {to};
    }}
"""

_KEYED = """
    location {match} {{
      if ($known = "") {{ return 401; }}
      proxy_pass {to};
    }}
"""

_CONFIG = """\
worker_processes 2;
worker_shutdown_timeout {drain}s;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;
events {{
  worker_connections 1024;
}}
http {{
  access_log off;
  server_tokens off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;

  map $http_authorization $known {{
    default "";
    include {keys};
  }}
  map $http_upgrade $connection_to_engine {{
    default upgrade;
    "" "";
  }}

  server {{
    listen {port} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate_key};
    ssl_protocols TLSv1.2 TLSv1.3;
    client_max_body_size {body};

    # Stream tokens, and do not buffer uploads on disk.
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_http_version 1.1;
    proxy_read_timeout {timeout}s;
    proxy_send_timeout {timeout}s;
    proxy_set_header Host localhost;
    proxy_set_header Connection $connection_to_engine;
    proxy_set_header Upgrade $http_upgrade;
    # The API key is for this proxy only; no browser calls the engine.
    proxy_set_header Authorization "";
    proxy_set_header Origin "";

    location = {alive} {{
      return 204;
    }}
{locations}
    location / {{
      return 404;
    }}
  }}
}}
"""
