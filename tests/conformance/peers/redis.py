"""A real Redis: Debian's, on a configuration file."""

import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from sim.ports import LOOPBACK, free_port
from tests.conformance.peers import debian
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.process import Running, running

_PACKAGES = ["redis-server", "redis-tools", "libjemalloc2", "liblzf1", "libatomic1"]


@dataclass(frozen=True)
class Redis:
    """Connect to `localhost` at *port* over TLS."""

    port: int
    running: Running
    certificates: Certificates

    def ask(self, *commands: str) -> list[str]:
        """The answers to *commands*, given in turn on one connection; a list's items by spaces."""
        return _ask(self.port, self.certificates, commands)


def install() -> debian.Unpacked:
    """Have it on this machine."""
    return debian.unpacked("redis", _PACKAGES)


@contextmanager
def start(folder: Path, config: str, certificates: Certificates) -> Generator[Redis]:
    """Run it on the text *config*, its TLS port moved to a free one; gone with the block.

    Of *config*, only the `tls-port`, `bind` and `dir` are changed, and the paths of the three
    certificate files: they are a container's.
    """
    program = install()
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    here = {
        "tls-port": str(port),
        "bind": LOOPBACK,
        "dir": str(folder),
        "tls-cert-file": str(certificates.certificate),
        "tls-key-file": str(certificates.key),
        "tls-ca-cert-file": str(certificates.authority),
    }
    kept = [line for line in config.splitlines() if line.split(" ", 1)[0] not in here]
    file = folder / "redis.conf"
    file.write_text("\n".join([*kept, *(f"{key} {value}" for key, value in here.items()), ""]))
    file.chmod(0o600)

    def ready() -> bool:
        with suppress(OSError):  # of which ssl.SSLError is one
            return bool(_ask(port, certificates, ["PING"])[0])
        return False

    with running(
        [program.binary("redis-server"), str(file)],
        folder=folder,
        ready=ready,
        seconds=60,
        environment=program.environment,
    ) as process:
        yield Redis(port, process, certificates)


def _ask(port: int, certificates: Certificates, commands: Sequence[str]) -> list[str]:
    with (
        socket.create_connection((LOOPBACK, port), timeout=5) as plain,
        certificates.trust.wrap_socket(plain, server_hostname="localhost") as connection,
        connection.makefile("rwb") as stream,
    ):
        answers: list[str] = []
        for command in commands:
            stream.write(f"{command}\r\n".encode())
            stream.flush()
            answers.append(_answer(stream))
        return answers


def _answer(stream: BufferedIOBase) -> str:
    """One value of Redis's protocol: simple ones with the sign of their kind, others without."""
    line = stream.readline().decode().strip()
    match line[:1]:
        case "$":
            return stream.read(int(line[1:]) + 2).decode().strip() if line != "$-1" else ""
        case "*":
            return " ".join(_answer(stream) for _ in range(int(line[1:])))
        case _:
            return line
