"""A real nginx: Debian's, on a configuration file."""

import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from components.models.engines import auth_proxy
from sim.ports import LOOPBACK, free_port
from tests.conformance.peers import debian
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.errors import RefusedError
from tests.conformance.peers.process import ANSWER_SECONDS, Running, running
from tests.conformance.peers.relocate import relocated


@dataclass(frozen=True)
class Nginx:
    """Ask `https://localhost:port`."""

    port: int
    running: Running
    certificates: Certificates

    def client(self) -> httpx.Client:
        """A client that trusts its certificate."""
        return _client(self.port, self.certificates)


def program() -> str:
    """The path of its program, which is had on this machine if it was not."""
    return str(debian.unpacked("nginx", ["nginx"]).folder / "usr" / "sbin" / "nginx")


@contextmanager
def start(
    folder: Path,
    config: str,
    files: Mapping[str, str],
    moves: Mapping[str, str],
    certificates: Certificates,
) -> Generator[Nginx]:
    """Run it on the text *config*, *files* beside it, until the block ends.

    Its port, its scratch files and its certificate are moved here, and *moves* says what else is.
    Raises RefusedError with what `nginx -t` says against it.
    """
    port = free_port()
    here = relocated(
        config,
        {
            "/tmp/": f"{folder}/",  # noqa: S108 - the container's
            f"listen {auth_proxy.PORT} ssl": f"listen {LOOPBACK}:{port} ssl",
            "/etc/tls/tls.crt": str(certificates.certificate),
            "/etc/tls/tls.key": str(certificates.key),
            **moves,
        },
    )
    for name, content in {**files, auth_proxy.CONFIG: here}.items():
        (folder / name).write_text(content)
    nginx = [program(), "-e", "/dev/stderr", "-c", str(folder / auth_proxy.CONFIG)]
    _accepts(nginx)

    def ready() -> bool:
        with suppress(httpx.TransportError), _client(port, certificates) as client:
            return client.get(auth_proxy.ALIVE).is_success
        return False

    with running(
        [*nginx, "-g", "daemon off;"], folder=folder, ready=ready, seconds=60, name="nginx"
    ) as process:
        yield Nginx(port, process, certificates)


def _accepts(nginx: list[str]) -> None:
    tried = subprocess.run([*nginx, "-t"], capture_output=True, text=True, check=False)
    if tried.returncode:
        raise RefusedError(tried.stderr)


def _client(port: int, certificates: Certificates) -> httpx.Client:
    return httpx.Client(
        base_url=f"https://localhost:{port}", verify=certificates.trust, timeout=ANSWER_SECONDS
    )
