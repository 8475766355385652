"""A real LiteLLM proxy, in a virtual environment of its own."""

import ssl
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sim.ports import LOOPBACK, free_port
from tests.conformance.peers import virtual_environment
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.process import ANSWER_SECONDS, Running, running
from tests.conformance.peers.relocate import relocated

VERSION = "1.106.2"
"""Never 1.82.7 or 1.82.8, which stole credentials (MAL-2026-2144); the lock pins by hash."""
LOCK = Path(__file__).with_name("litellm.lock")
"""Made by `uv pip compile --universal --generate-hashes` of `litellm[proxy]` and
`prometheus-client`, which the image adds through the extra `proxy-runtime`."""


@dataclass(frozen=True)
class LiteLlm:
    """A running proxy."""

    url: str
    trust: ssl.SSLContext
    running: Running

    def post(self, path: str, key: str | None, body: Mapping[str, Any]) -> httpx.Response:
        """POST *body* as JSON, with *key* as bearer token."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.post(
            f"{self.url}{path}",
            headers=headers,
            json=dict(body),
            verify=self.trust,
            timeout=ANSWER_SECONDS,
        )

    def chat(self, key: str | None, model: str, **more: Any) -> httpx.Response:
        """Ask *model* one short question."""
        messages = [{"role": "user", "content": "bonjour ?"}]
        return self.post(
            "/v1/chat/completions", key, {"model": model, "messages": messages, **more}
        )

    def get(self, path: str, key: str | None = None) -> httpx.Response:
        """GET *path*."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.get(
            f"{self.url}{path}",
            headers=headers,
            verify=self.trust,
            follow_redirects=True,
            timeout=ANSWER_SECONDS,
        )


def install() -> Path:
    """Have it on this machine; returns the programs of its virtual environment."""
    return virtual_environment.installed("litellm", VERSION, LOCK, "about 120 wheels from PyPI")


@contextmanager
def start(
    folder: Path,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    files: Mapping[str, str],
    certificates: Certificates,
) -> Generator[LiteLlm]:
    """Start it as its container is, with *files* in the directory of its configuration.

    Of *arguments* and *environment*, addresses and paths are moved; gone with the block.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)
    port = free_port()
    url = f"https://localhost:{port}"
    moves = {
        "/etc/litellm": str(folder),
        "0.0.0.0": LOOPBACK,  # noqa: S104 - what is replaced
        "4000": str(port),
        "/etc/tls/tls.key": str(certificates.key),
        "/etc/tls/tls.crt": str(certificates.certificate),
    }
    argv = [str(install() / "litellm"), *relocated([*arguments], moves)]

    def ready() -> bool:
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"{url}/health/readiness", verify=certificates.trust)
            return answer.is_success
        return False

    paths = {"/etc/tls/ca.crt": str(certificates.authority), "/home/litellm": str(folder)}
    with running(
        argv,
        folder=folder,
        ready=ready,
        seconds=300,  # 7 s on an idle machine
        environment=relocated(dict(environment), paths),
    ) as process:
        yield LiteLlm(url, certificates.trust, process)
