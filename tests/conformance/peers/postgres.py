"""A real PostgreSQL: Debian's, over TLS, with a database and its owner."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sim.ports import LOOPBACK, free_port
from tests.conformance.peers import cache, debian
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.errors import PeerUnavailableError
from tests.conformance.peers.process import Running, running

_NAME = "PostgreSQL"
_BINARIES = Path("/usr/lib/postgresql")
_UNPRIVILEGED = "postgres"
"""PostgreSQL refuses to run as root; Debian's package makes this user."""


@dataclass(frozen=True)
class Postgres:
    """Connect to `localhost` at *port* over TLS, as *user*, to *database*."""

    port: int
    user: str
    password: str
    database: str
    running: Running


def binaries() -> Path:
    """The folder of the newest server installed, Debian's `postgresql` if there is none."""
    if not any(_BINARIES.glob("*/bin/postgres")):
        debian.command(_NAME, "pg_ctlcluster", "postgresql")
    found = sorted(_BINARIES.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found:
        looked = f"ls {_BINARIES}/*/bin"
        raise PeerUnavailableError(_NAME, looked, "no server", "apt-get install postgresql")
    return found[-1].parent


@contextmanager
def start(
    certificates: Certificates, *, user: str, password: str, database: str
) -> Generator[Postgres]:
    """A server of the test's own, on a free loopback port, gone with the block."""
    commands = binaries()
    as_root = os.geteuid() == 0
    account = _UNPRIVILEGED if as_root else None
    # Not below pytest's folder, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory(prefix="pai-postgres-") as name:
        folder = Path(name)
        for file in (certificates.certificate, certificates.key):
            shutil.copy(file, folder)
        (folder / "password").write_text(password)
        (folder / "tls.key").chmod(0o600)
        if account:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, account, account)
        subprocess.run(
            [
                str(commands / "initdb"),
                *("-D", str(folder / "data"), "-U", user, "--auth=scram-sha-256"),
                f"--pwfile={folder / 'password'}",
            ],
            check=True,
            capture_output=True,
            user=account,
            group=account,
            extra_groups=[] if account else None,
            cwd=folder,
        )
        port = free_port()
        settings = {
            "port": str(port),
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": name,
            "ssl": "on",
            "ssl_cert_file": str(folder / "tls.crt"),
            "ssl_key_file": str(folder / "tls.key"),
            "fsync": "off",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]

        def ready() -> bool:
            probe = [str(commands / "pg_isready"), "-h", LOOPBACK, "-p", str(port), "-U", user]
            return subprocess.run(probe, capture_output=True, check=False).returncode == 0

        with running(
            [str(commands / "postgres"), "-D", str(folder / "data"), *options],
            folder=folder,
            ready=ready,
            seconds=60,
            user=account,
        ) as process:
            server = Postgres(port, user, password, database, process)
            query(server, certificates, f'create database "{database}"', database="postgres")
            yield server


def query(server: Postgres, certificates: Certificates, sql: str, database: str = "") -> str:
    """What psql prints for *sql*, over a verified TLS connection."""
    connection = (
        f"host=localhost port={server.port} user={server.user} "
        f"dbname={database or server.database} sslmode=verify-full "
        f"sslrootcert={certificates.authority}"
    )
    done = subprocess.run(
        [str(binaries() / "psql"), connection, "-At", "-v", "ON_ERROR_STOP=1", "-c", sql],
        env={**os.environ, "PGPASSWORD": server.password},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def install() -> None:
    """Have it on this machine, and say which it is."""
    cache.say(f"PostgreSQL {binaries().parent.name}: ready")
