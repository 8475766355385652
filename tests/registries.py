"""A registry of images on loopback that can be told to misbehave; tests/conformance runs one."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(content: bytes) -> str:
    """As registries write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Registry:
    """What it has, what it was asked, and what it does wrong."""

    blobs: dict[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])
    """By repository and digest."""
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(
        default_factory=dict[tuple[str, str], tuple[str, bytes]]
    )
    """Media type and content, by repository and tag or digest."""
    login: str = ""
    """`user:password` for which its token service gives a token; empty: it asks for none."""
    cut: int = 0
    """Bytes after which the connection of the next longer layer ends."""
    ranges: bool = True
    failing: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Statuses of the next requests with this method."""
    asked: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Method, path and `Authorization`."""
    host: str = ""

    def push(self, repository: str, tag: str, *layers: bytes) -> str:
        """Store an image of two platforms with *layers*; the digest of its index."""
        children: list[dict[str, Any]] = []
        for architecture in ("amd64", "arm64"):
            blobs = [json.dumps({"architecture": architecture}).encode(), *layers]
            config, *rest = [{"digest": digest(b), "size": len(b), "mediaType": "x"} for b in blobs]
            body = json.dumps(
                {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": rest}
            ).encode()
            self.blobs |= {(repository, digest(blob)): blob for blob in blobs}
            self.manifests[repository, digest(body)] = (MANIFEST, body)
            platform = {"os": "linux", "architecture": architecture}
            entry = {"digest": digest(body), "size": len(body), "mediaType": MANIFEST}
            children.append({**entry, "platform": platform})
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).encode()
        for reference in (tag, digest(index)):
            self.manifests[repository, reference] = (INDEX, index)
        return digest(index)

    def methods(self) -> list[str]:
        """Of the requests so far."""
        return [method for method, _, _ in self.asked]


class _Handler(BaseHTTPRequestHandler):
    registry: ClassVar[Registry]

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815 - its parent's names

    def _serve(self) -> None:
        registry, url = self.registry, urlsplit(self.path)
        sent = self.headers.get("Authorization", "")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        registry.asked.append((self.command, self.path, sent))
        basic = "Basic " + base64.b64encode(registry.login.encode()).decode()
        if url.path == "/token":
            self._answer(200 if sent == basic else 401, b'{"token": "canary-token"}')
        elif registry.login and sent != "Bearer canary-token":
            self._answer(401, WWW_Authenticate=f'Bearer realm="http://{registry.host}/token"')
        elif statuses := registry.failing.get(self.command):
            self._answer(statuses.pop(0))
        elif found := re.fullmatch("/v2/(.+)/blobs/uploads/(.*)", url.path):
            self._upload(found[1], parse_qs(url.query), body)
        elif found := re.fullmatch("/v2/(.+)/(blobs|manifests)/(.+)", url.path):
            self._object(found[1], found[2], found[3], body)
        else:
            self._answer(404)

    def _upload(self, repository: str, query: dict[str, list[str]], body: bytes) -> None:
        blobs = self.registry.blobs
        if self.command == "PUT":
            assert query["digest"] == [digest(body)]
            blobs[repository, digest(body)] = body
            self._answer(201)
        elif "mount" in query and (there := (query["from"][0], query["mount"][0])) in blobs:
            blobs[repository, there[1]] = blobs[there]
            self._answer(201)
        else:
            self._answer(202, Location=f"/v2/{repository}/blobs/uploads/1?state=x")

    def _object(self, repository: str, kind: str, reference: str, body: bytes) -> None:
        registry = self.registry
        if self.command == "PUT":
            for blob in re.findall(rb"sha256:[0-9a-f]{64}", body):
                known = (repository, blob.decode())
                assert known in registry.blobs or known in registry.manifests, "children first"
            for name in (reference, digest(body)):
                registry.manifests[repository, name] = (self.headers["Content-Type"], body)
            self._answer(201)
        elif kind == "manifests":
            media_type, content = registry.manifests.get((repository, reference), ("", b""))
            self._answer(200 if content else 404, content, Content_Type=media_type)
        else:
            self._answer_part(registry.blobs.get((repository, reference)))

    def _answer_part(self, content: bytes | None) -> None:
        if content is None:
            self._answer(404)
            return
        asked = self.headers.get("Range", "") if self.registry.ranges else ""
        part = re.fullmatch(r"bytes=(\d+)-(\d+)", asked)
        if asked and not part:  # as go-containerregistry v0.20.7 does (pkg/registry/blobs.go:306)
            self._answer(416)
            return
        first = int(part[1]) if part else 0
        if self.command == "GET" and len(content) > self.registry.cut > 0:
            end, self.registry.cut = first + self.registry.cut, 0
        else:
            end = len(content)
        self._answer(206 if first else 200, content[first:], sent=content[first:end])

    def _answer(
        self, code: int, body: bytes = b"", *, sent: bytes | None = None, **headers: str
    ) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(ConnectionError):
                self.wfile.write(body if sent is None else sent)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


@contextmanager
def serving(registry: Registry) -> Generator[Registry]:
    """Let *registry* answer at its `host`; gone with the block."""
    handler = type("Handler", (_Handler,), {"registry": registry})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    registry.host = f"127.0.0.1:{server.server_port}"
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
