"""What stands before an engine in its pod: TLS, a key, and a list of paths; no Pulumi here.

The engines differ in what they can do of that (some have no TLS, most no key, many answer
administration without either), so none is asked to: each listens on the pod's loopback address, and
one nginx lets in who has the key, to the paths that are named, and nothing else.
https://nginx.org/en/docs/http/ngx_http_proxy_module.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PORT = 8443
"""Where every engine is reached; above all ports of the engines themselves."""

HEALTH = "/health"
METRICS = "/metrics"
ALIVE = "/front"
"""Answered by the front itself."""

KEYS = "keys.map"
CONFIG = "nginx.conf"

MAX_BODY_BYTES = 100 * 1000**2
"""A recording of an hour, or a conversation with pictures; an assumption."""
_SILENCE_SECONDS = 3600
"""Between two pieces of an answer; as long as the router waits (config/settings/router.py)."""


@dataclass(frozen=True)
class Api:
    """A path that is let in, for whoever has the key."""

    path: str
    """As it is asked for: exactly this, or what begins with it where it ends in a slash."""
    to: str = ""
    """As the engine calls it, where that is another."""


@dataclass(frozen=True)
class Front:
    """What is let through to an engine on the pod's loopback address."""

    engine_port: int
    apis: Sequence[Api]
    health: str
    """The engine's path that answers 200 once the model can be asked; asked without a key."""
    metrics: str | None
    """That of its metrics, if it has any; read without a key: the network admits who may."""


def keys(api_key: str) -> str:
    """The file of keys: a regular expression, since nginx ignores the case of plain strings."""
    return f'"~^Bearer {api_key}$" yes;\n'


def config(front: Front, *, secrets: str, tls: str, drain_seconds: int) -> str:
    """The whole `nginx.conf`; *secrets* and *tls* are where the pod mounts each.

    nginx stops taking requests when it is told to quit, and ends what runs within *drain_seconds*.
    """
    return _CONFIG.format(
        alive=ALIVE,
        drain=max(1, drain_seconds),
        keys=f"{secrets}/{KEYS}",
        tls=tls,
        port=PORT,
        body=MAX_BODY_BYTES,
        silence=_SILENCE_SECONDS,
        locations="".join(_locations(front)),
    )


def _locations(front: Front) -> Iterator[str]:
    engine = f"http://127.0.0.1:{front.engine_port}"
    yield _OPEN.format(path=HEALTH, to=f"{engine}{front.health}")
    if front.metrics:
        yield _OPEN.format(path=METRICS, to=f"{engine}{front.metrics}")
    for api in front.apis:
        match = api.path if api.path.endswith("/") else f"= {api.path}"
        yield _KEYED.format(match=match, to=f"{engine}{api.to or api.path}")


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
    ssl_certificate {tls}/tls.crt;
    ssl_certificate_key {tls}/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    client_max_body_size {body};

    # Tokens are shown as they come, and recordings are not written to disk.
    proxy_buffering off;
    proxy_request_buffering off;
    proxy_http_version 1.1;
    proxy_read_timeout {silence}s;
    proxy_send_timeout {silence}s;
    proxy_set_header Host localhost;
    proxy_set_header Connection $connection_to_engine;
    proxy_set_header Upgrade $http_upgrade;
    # The key is for this door alone, and no page of a browser asks here.
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
