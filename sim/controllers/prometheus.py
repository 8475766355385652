"""A stand-in for the stack's Prometheus towards KEDA. Arguments: SERVER TLS_FOLDER PORT.

Nothing runs in simulated pods, so KEDA uses this process as its HTTP proxy. The proxy terminates
TLS itself, with the certificate that the cluster holds for the requested host: a ScaledObject with
a wrong CA or address fails here as it would on a real cluster. Every query returns a vector with
one element: the value for the queried metric in the ConfigMap `keda/simulated-metrics`, else 0.
"""

import json
import ssl
import sys
import tempfile
from base64 import b64decode
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509

from sim.api import Api, Object
from sim.ports import LOOPBACK

_METRICS = "/api/v1/namespaces/keda/configmaps/simulated-metrics"


class _Handler(BaseHTTPRequestHandler):
    """One connection from KEDA."""

    protocol_version = "HTTP/1.1"
    # Else the body waits 40 ms for the acknowledgement of the headers.
    disable_nagle_algorithm = True
    api: Api

    def do_CONNECT(self) -> None:
        """Switch to TLS with the certificate of the requested host."""
        host = self.path.rpartition(":")[0]
        context = _identity(self.api, host)
        if context is None:
            self.send_error(HTTPStatus.BAD_GATEWAY, f"no Secret holds a certificate for {host}")
            return
        self.send_response(HTTPStatus.OK)
        self.end_headers()
        secured = context.wrap_socket(self.connection, server_side=True)
        self.connection = secured
        self.rfile = secured.makefile("rb")
        self.wfile = secured.makefile("wb")
        self.close_connection = False

    def do_GET(self) -> None:
        """Answer an instant query; any other path returns 0 as well."""
        [query] = parse_qs(urlsplit(self.path).query).get("query", [""])
        element = {"metric": {}, "value": [0, _value(self.api, query)]}
        data = {"resultType": "vector", "result": [element]}
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as in the base
        """Log nothing: KEDA queries every few seconds and logs errors itself."""


def _value(api: Api, query: str) -> str:
    metrics = (api.get(_METRICS) or {}).get("data", {})
    return next((value for metric, value in metrics.items() if metric in query), "0")


def _identity(api: Api, host: str) -> ssl.SSLContext | None:
    """A TLS server context with the certificate of *host* from a Secret, if there is one."""
    for secret in api.items("/api/v1/secrets"):
        if secret.get("data", {}).keys() >= {"tls.crt", "tls.key"} and host in _names(secret):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            with tempfile.NamedTemporaryFile() as pair:  # mode 0600
                for key in ("tls.key", "tls.crt"):
                    pair.write(b64decode(secret["data"][key]) + b"\n")
                pair.flush()
                context.load_cert_chain(pair.name)
            return context
    return None


def _names(secret: Object) -> list[str]:
    certificate = x509.load_pem_x509_certificate(b64decode(secret["data"]["tls.crt"]))
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def main() -> None:
    """Serve until killed."""
    server, tls, port = sys.argv[1:]
    handler = type("Handler", (_Handler,), {"api": Api(server, Path(tls))})
    ThreadingHTTPServer((LOOPBACK, int(port)), handler).serve_forever()


if __name__ == "__main__":
    main()
