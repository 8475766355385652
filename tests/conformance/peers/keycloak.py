"""A real Keycloak: the distribution of Maven Central on Java 17, started as its image starts it."""

import hashlib
import json
import shutil
import socket
import ssl
import zipfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from sim.ports import LOOPBACK, free_port
from tests.conformance.peers import cache, debian
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.errors import PeerUnavailableError
from tests.conformance.peers.process import ANSWER_SECONDS, Running, running
from tests.conformance.peers.relocate import relocated

VERSION = "26.7.4"
"""The newest that Maven Central serves (21 November 2026); the catalog's image is this one."""
_NAME = "Keycloak"
_SHA256 = "a286e98b4296d4e75ee88d8527c7cd463b307caa022f088c9f22cffccc741fa1"
_ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"

_CONFIGURATION = "/etc/keycloak/keycloak.conf"
_ONLY_HERE = frozenset(
    {
        "http-host",
        "http-management-host",
        "cache-embedded-network-bind-address",
        "cache-embedded-network-bind-port",
    }
)
"""What a test may add to a configuration: where it listens on this machine."""
_FAILURE_DETECTION = 50_000
"""JGroups watches members at the port of its messages plus this, which must be a port as well."""


@dataclass(frozen=True)
class Keycloak:
    """A running server."""

    url: str
    management_url: str
    trust: ssl.SSLContext
    running: Running

    def token(self, realm: str, client: str, secret: str, **form: str) -> dict[str, Any]:
        """The answer of the token endpoint, by client credentials unless *form* says otherwise."""
        answer = httpx.post(
            f"{self.url}/realms/{realm}/protocol/openid-connect/token",
            data={
                "grant_type": "client_credentials",
                "client_id": client,
                "client_secret": secret,
                **form,
            },
            verify=self.trust,
            timeout=ANSWER_SECONDS,
        )
        return dict(answer.json())

    def get(self, path: str, token: str | None = None) -> httpx.Response:
        """GET *path* below the server's URL."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._get(f"{self.url}{path}", headers)

    def health(self, check: str) -> int:
        """The status code of `/health/<check>` on the management port."""
        return self._get(f"{self.management_url}/health/{check}").status_code

    def metrics(self) -> str:
        """What Prometheus would scrape."""
        return self._get(f"{self.management_url}/metrics").text

    def _get(self, url: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return httpx.get(url, headers=headers, verify=self.trust, timeout=ANSWER_SECONDS)


def install() -> Path:
    """Have it on this machine; returns its home."""
    folder = cache.installed("keycloak", VERSION, "177 MB from Maven Central", _install)
    return folder / f"keycloak-{VERSION}"


def _install(folder: Path) -> None:
    change = "see that `mvn dependency:get` reaches Maven Central, then run the tests again"
    mvn = debian.command(_NAME, "mvn", "maven")
    cache.call(
        _NAME,
        [mvn, "-q", "-B", _COPY, f"-Dartifact={_ARTIFACT}", f"-DoutputDirectory={folder}"],
        change,
    )
    (archive,) = folder.glob("*.zip")
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != _SHA256:
        expected = f"delete what Maven has of it; the archive must have sha256 {_SHA256}"
        raise PeerUnavailableError(_NAME, _ARTIFACT, f"sha256 {found}", expected)
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)
    (folder / f"keycloak-{VERSION}" / "bin" / "kc.sh").chmod(0o755)
    archive.unlink()


def parse(conf: str) -> dict[str, str]:
    """The options of a keycloak.conf."""
    lines = (line.strip() for line in conf.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}


def here(
    conf: str, certificates: Certificates, postgres_port: int, **changes: str
) -> dict[str, str]:
    """The options of *conf* with what differs on this machine: addresses, ports, file paths.

    *changes* are further options, spelt with underscores. Raises ValueError for one that *conf*
    does not set, since the configuration tested would then not be the one generated.
    """
    options = parse(conf)
    moves = {
        "db-url-host": "localhost",
        "db-url-port": str(postgres_port),
        "db-tls-trust-store-file": str(certificates.authority),
        "https-certificate-file": str(certificates.certificate),
        "https-certificate-key-file": str(certificates.key),
        "https-port": str(free_port()),
        "http-host": LOOPBACK,
        "http-management-host": LOOPBACK,
        "http-management-port": str(free_port()),
        "cache-embedded-network-bind-address": LOOPBACK,
        "cache-embedded-network-bind-port": str(_cluster_port()),
        **{key.replace("_", "-"): value for key, value in changes.items()},
    }
    if missing := sorted(set(moves) - set(options) - _ONLY_HERE):
        message = f"keycloak.conf does not set {', '.join(missing)}"
        raise ValueError(message)
    return {**options, **moves}


def _cluster_port() -> int:
    for port in range(7800, 65536 - _FAILURE_DETECTION):
        with suppress(OSError), socket.socket() as low, socket.socket() as high:
            low.bind((LOOPBACK, port))
            high.bind((LOOPBACK, port + _FAILURE_DETECTION))
            return port
    message = "no port for JGroups is free"
    raise OSError(message)


@contextmanager
def start(
    folder: Path,
    arguments: Sequence[str],
    options: Mapping[str, str],
    realms: Sequence[Mapping[str, Any]],
    certificates: Certificates,
) -> Generator[Keycloak]:
    """Start it on a keycloak.conf of *options* with *realms* to import; gone with the block.

    *arguments* are the container's, of which the file's path is moved. In place of the image's
    `/opt/keycloak` stands a copy of the distribution, because the start writes its build into it.
    """
    java = debian.command(_NAME, "java", "openjdk-17-jre-headless")
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / "keycloak"
    shutil.copytree(install(), home)
    imports = home / "data" / "import"
    imports.mkdir(parents=True)
    for realm in realms:
        (imports / f"{realm['realm']}.json").write_text(json.dumps(realm))
    file = folder / "keycloak.conf"
    file.write_text("".join(f"{key}={value}\n" for key, value in options.items()))
    file.chmod(0o600)
    url = f"https://localhost:{options['https-port']}"
    management = f"https://localhost:{options['http-management-port']}"

    def ready() -> bool:
        with suppress(httpx.HTTPError):
            answer = httpx.get(f"{management}/health/ready", verify=certificates.trust)
            return answer.is_success
        return False

    try:
        with running(
            [str(home / "bin" / "kc.sh"), *relocated([*arguments], {_CONFIGURATION: str(file)})],
            folder=folder,
            ready=ready,
            # 25 s on an idle machine of 2 cores, 130 s on a busy one: build, schema, import.
            seconds=600,
            environment={"JAVA": java, "JAVA_OPTS_APPEND": "-Xmx768m"},
        ) as process:
            yield Keycloak(url, management, certificates.trust, process)
    finally:
        shutil.rmtree(home, ignore_errors=True)  # 200 MB that pytest would keep
