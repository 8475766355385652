"""Mirrors on loopback, one of each kind of source, with the model of tests/hub.py."""

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from tests.hub import COMMIT, REPOSITORY, WEIGHTS, Hub, serving, sha256
from weights import oci
from weights.files import File
from weights.manifest import Manifest
from weights.sources import SourceKind

FILES = {"model.safetensors": WEIGHTS, "config.json": b"{}"}

CREDENTIALS: Mapping[SourceKind, str] = {
    "hub": "hub-token",
    "http": "bearer-token",
    "s3": "access:secret",
    "oci": "user:password",
}
"""What each mirror asks for."""


@contextmanager
def mirror(kind: SourceKind) -> Generator[dict[str, str]]:
    """A mirror of *kind*; yields its `model_store.source`, complete."""
    if kind == "hub":
        with serving(Hub(files=dict(FILES), token=CREDENTIALS[kind])) as hub:
            yield {"kind": kind, "endpoint": hub.url}
        return
    with _serving(_LAYOUTS[kind](), _SCHEMES[kind]) as url:
        yield {"kind": kind, **_settings(kind, url)}


def _settings(kind: SourceKind, url: str) -> dict[str, str]:
    if kind == "http":
        return {"url": f"{url}/weights"}
    if kind == "s3":
        return {"endpoint": url, "bucket": "models", "prefix": "weights", "region": "us-east-1"}
    return {"registry": url, "prefix": "weights"}


def _folder(root: str) -> dict[str, bytes]:
    listed = tuple(File(n, len(c), sha256=sha256(c)) for n, c in FILES.items())
    manifest = Manifest(REPOSITORY, COMMIT, listed).text().encode()
    content = {**FILES, "manifest.json": manifest}
    return {f"{root}/{REPOSITORY}/{COMMIT}/{name}": text for name, text in content.items()}


def _artifact() -> dict[str, bytes]:
    root = f"/v2/weights/{REPOSITORY}"
    layers = [
        {
            "mediaType": "application/vnd.cncf.model.weight.v1.raw",
            "digest": f"sha256:{sha256(content)}",
            "size": len(content),
            "annotations": {oci.TITLE: name},
        }
        for name, content in FILES.items()
    ]
    blobs = {f"{root}/blobs/sha256:{sha256(c)}": c for c in FILES.values()}
    return {f"{root}/manifests/{COMMIT}": json.dumps({"layers": layers}).encode(), **blobs}


_LAYOUTS = {
    "http": lambda: _folder("/weights"),
    "s3": lambda: _folder("/models/weights"),
    "oci": _artifact,
}
_SCHEMES = {
    "http": "Bearer bearer-token",
    "s3": "AWS4-HMAC-SHA256 Credential=access/",
    "oci": "Basic dXNlcjpwYXNzd29yZA==",
}
"""How the `Authorization` of each begins."""


class _Handler(BaseHTTPRequestHandler):
    content: ClassVar[Mapping[str, bytes]]
    scheme: ClassVar[str]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = self.content.get(unquote(url.path), b"") or self._listing(url)
        if not self.headers.get("Authorization", "").startswith(self.scheme):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="mirror"')
            body = b""
        else:
            self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _listing(self, url: SplitResult) -> bytes:
        """The commits of a repository: common prefixes of a bucket, tags of a registry."""
        if "list-type=2" in url.query:
            [prefix] = parse_qs(url.query)["prefix"]
            below = [name.removeprefix("/models/") for name in self.content]
            found = {
                prefix + name.removeprefix(prefix).partition("/")[0]
                for name in below
                if name.startswith(prefix)
            }
            common = "".join(
                f"<CommonPrefixes><Prefix>{p}/</Prefix></CommonPrefixes>" for p in found
            )
            return (
                f"<ListBucketResult><Prefix>{prefix}</Prefix>{common}</ListBucketResult>".encode()
            )
        if url.path.endswith("/tags/list"):
            root = url.path.removesuffix("tags/list") + "manifests/"
            tags = [name.removeprefix(root) for name in self.content if name.startswith(root)]
            return json.dumps({"tags": tags}).encode() if tags else b""
        return b""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


@contextmanager
def _serving(content: Mapping[str, bytes], scheme: str) -> Generator[str]:
    handler = type("Handler", (_Handler,), {"content": content, "scheme": scheme})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
