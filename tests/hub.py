"""A model hub on loopback, in the API of huggingface_hub, that can be told to misbehave."""

import hashlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

COMMIT = "a" * 40
WEIGHTS = b"weights" * 1000
REPOSITORY = "org/model"


def sha256(content: bytes) -> str:
    """As the hub writes it."""
    return hashlib.sha256(content).hexdigest()


@dataclass
class Hub:
    """One repository, and what the hub does wrong."""

    files: dict[str, bytes] = field(
        default_factory=lambda: {"model.safetensors": WEIGHTS, "config.json": b"{}"}
    )
    stated: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Content that the stated digests and sizes are of, where it is not what is sent."""
    commit: str = COMMIT
    token: str = ""
    break_after: int = 0
    """Bytes of the first answer with weights after which the connection ends."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list[Any])
    """Paths of GET requests with their headers."""
    url: str = ""
    knows_ranges: bool = True
    """Whether it sends the part that is asked for, or always the whole file."""
    elsewhere: "Hub | None" = None
    """Where downloads are redirected to."""

    def ranges(self) -> list[str | None]:
        """What parts of the weights were asked for."""
        return [h.get("Range") for path, h in self.asked if path.endswith(".safetensors")]

    def entry(self, name: str) -> dict[str, Any]:
        """What the API says about the file *name*."""
        content = self.stated.get(name, self.files[name])
        entry: dict[str, Any] = {"rfilename": name, "size": len(content)}
        if name.endswith((".safetensors", ".bin", ".gguf")):
            entry["blobId"] = "pointer"
            entry["lfs"] = {
                "sha256": sha256(content),
                "size": len(content),
                "pointerSize": 134,
            }
        else:
            header = f"blob {len(content)}\0".encode()
            entry["blobId"] = hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
        return entry


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[Hub]

    def do_HEAD(self) -> None:
        name = self._path().removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/")
        if name not in self.hub.files:
            self.send_error(404)
            return
        entry = self.hub.entry(name)
        self.send_response(200)
        self.send_header("X-Repo-Commit", self.hub.commit)
        self.send_header("ETag", f'"{(entry.get("lfs") or {}).get("sha256") or entry["blobId"]}"')
        self.send_header("Content-Length", str(entry["size"]))
        self.end_headers()

    def do_GET(self) -> None:
        hub, path = self.hub, self._path()
        hub.asked.append((path, dict(self.headers)))
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            self.send_error(401)
        elif path in [f"/api/models/{REPOSITORY}/revision/{name}" for name in (COMMIT, "main")]:
            siblings = [hub.entry(name) for name in hub.files]
            info = {"id": REPOSITORY, "sha": hub.commit, "siblings": siblings}
            self._send(json.dumps(info).encode())
        elif hub.elsewhere and path.startswith("/org/"):
            self.send_response(302)
            self.send_header("Location", hub.elsewhere.url + self.path)
            self.end_headers()
        elif (name := path.removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/")) in hub.files:
            self._send(hub.files[name], interruptible=name.endswith(".safetensors"))
        else:
            self.send_error(404)

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _send(self, body: bytes, *, interruptible: bool = False) -> None:
        asked = self.headers.get("Range", "") if self.hub.knows_ranges else ""
        start, _, end = asked.removeprefix("bytes=").partition("-")
        first, last = int(start or 0), int(end or len(body) - 1)
        body = body[first : last + 1]
        self.send_response(206 if first or end else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if interruptible and self.hub.break_after:
            body, self.hub.break_after = body[: self.hub.break_after], 0
        with suppress(ConnectionError):  # whoever wanted the beginning alone hangs up
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


@contextmanager
def serving(hub: Hub) -> Generator[Hub]:
    """Let *hub* answer at its `url`; gone with the block."""
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
