"""A real MinIO: one server over TLS, as the operator would run it."""

import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from sim.ports import LOOPBACK, free_port
from tests.conformance.peers import go_program
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.process import running

# The last commit of the archived project: upstream builds no more releases.
_VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"
USER, PASSWORD = "administrator", "canary-minio-password"


@dataclass(frozen=True)
class Minio:
    """Answers at *url* over TLS, to USER and PASSWORD."""

    url: str
    certificates: Certificates


@contextmanager
def start(folder: Path, certificates: Certificates) -> Generator[Minio]:
    """Run it on an empty disk in *folder*; gone with the block."""
    what = "two minutes of two cores"
    program = go_program.built("minio", "github.com/minio/minio", _VERSION, what)
    folder.mkdir(parents=True, exist_ok=True)
    tls = folder / "certs"
    tls.mkdir()
    (tls / "public.crt").write_bytes(certificates.certificate.read_bytes())
    (tls / "private.key").write_bytes(certificates.key.read_bytes())
    port = free_port()
    url = f"https://localhost:{port}"

    def ready() -> bool:
        context = ssl.create_default_context(cafile=str(certificates.authority))
        with suppress(httpx.HTTPError):
            return httpx.get(f"{url}/minio/health/ready", verify=context).is_success
        return False

    address = f"{LOOPBACK}:{port}"
    words = [program, "server", "--quiet", "--address", address, "--certs-dir", str(tls), "disk"]
    environment = {
        "MINIO_ROOT_USER": USER,
        "MINIO_ROOT_PASSWORD": PASSWORD,
        "MINIO_BROWSER": "off",
        "MINIO_CI_CD": "1",  # it refuses the disk of the root file system otherwise
        "HOME": str(folder),  # where it makes a folder
    }
    with running(words, folder=folder, ready=ready, seconds=60, environment=environment):
        yield Minio(url, certificates)
