"""A model hub on loopback, in the API of huggingface_hub, that can be told to misbehave.

What it answers is what huggingface_hub 2.4.0 reads: `HfApi.model_info` (hf_api.py:3201-3217), the
codes of `hf_raise_for_status` (utils/_http.py:870-975), the limits of `parse_ratelimit_headers` and
`Retry-After` (utils/_http.py:86-166). Files that are not LFS are redirected to `resolve-cache` of
the same host, as huggingface.co does since 2025 (raullenchai/Rapid-MLX issue 1122 has the headers).
"""

import hashlib
import json
import re
import threading
from collections.abc import Generator, Mapping
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
    repositories: tuple[str, ...] = (REPOSITORY,)
    """All have the same files."""
    renamed: str = ""
    """The former name of the first repository: redirected to it."""
    gated: bool = False
    """Whether the token's account has yet to accept the license."""
    limited: int = 0
    """Requests of the API that are answered with 429 before others are served."""
    limits: dict[str, str] = field(default_factory=lambda: {"Retry-After": "0"})
    """What it says with 429."""
    resolve_cache: bool = False
    """Whether small files are redirected to another path of the same host."""
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
        _, name = self._file(self._path())
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
        repository, name = self._file(path)
        if hub.renamed and f"/{hub.renamed}/" in path:
            self._redirect(self.path.replace(hub.renamed, hub.repositories[0], 1), 307)
        elif hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            code = "GatedRepo" if hub.gated else ""
            self._refuse(401, code, "Access is restricted" if hub.gated else "Invalid credentials")
        elif hub.gated:
            self._refuse(403, "GatedRepo", "Access is restricted")
        elif found := re.fullmatch("/api/models/([^/]+/[^/]+)/revision/(.+)", path):
            self._info(*found.groups())
        elif hub.elsewhere and repository:
            self._redirect(hub.elsewhere.url + self.path, 302)
        elif repository not in hub.repositories or name not in hub.files:
            self._refuse(404, "EntryNotFound", "Entry not found")
        elif hub.resolve_cache and path.startswith(f"/{repository}") and "." in name:
            large = hub.entry(name).get("lfs")
            cached = f"/api/resolve-cache/models/{repository}/{COMMIT}/{name}"
            self._send(hub.files[name]) if large else self._redirect(cached, 307)
        else:
            self._send(hub.files[name], interruptible=name.endswith(".safetensors"))

    def _file(self, path: str) -> tuple[str, str]:
        """The repository and file that *path* names; empty where it names none."""
        cache = "(?:/api/resolve-cache/models)?"
        commits = f"(?:{COMMIT}|{self.hub.commit})"
        found = re.fullmatch(f"{cache}/([^/]+/[^/]+)/(?:resolve/)?{commits}/(.+)", path)
        return (found[1], found[2]) if found else ("", "")

    def _info(self, repository: str, revision: str) -> None:
        hub = self.hub
        if hub.limited:
            hub.limited -= 1
            self._refuse(429, "", "Too many requests", hub.limits)
        elif repository not in hub.repositories:
            # Without a token it does not say whether there is such a repository.
            code = 404 if hub.token else 401
            self._refuse(code, "RepoNotFound", "Repository not found")
        elif revision not in (COMMIT, "main"):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            siblings = [hub.entry(name) for name in hub.files]
            info = {"id": repository, "sha": hub.commit, "siblings": siblings}
            self._send(json.dumps(info).encode())

    def _redirect(self, target: str, code: int) -> None:
        self.send_response(code)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _refuse(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        said = {"X-Error-Code": code, "X-Error-Message": message, "Content-Length": "0"}
        for name, value in {**said, **(headers or {})}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()

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
