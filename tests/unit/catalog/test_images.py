"""Image references, and `pai images` against a registry that runs here."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from catalog import images, load
from catalog.load import UnknownEntryError
from catalog.registry import (
    RegistryError,
    RegistryFailure,
    docker_logins,
    is_loopback,
    resolve_digest,
)
from cli import image_options
from cli import images as command
from cli.stack_images import UsedImage
from sim.operators import cloudnative_pg, minio
from toolchain.pins import DATA

DIGEST = "sha256:" + "ab" * 32
MANIFEST = b'{"schemaVersion": 2}'
USER, PASSWORD = "someone", "canary-password"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
TOKEN = "canary-token"

CATALOG = """\
# A comment that must stay.
kong:
  repository: docker.io/library/kong
  tag: 3.9.3
  digest: ""  # not asked yet
  license: {id: Apache-2.0, source: LICENSE}
  sources:
    - "why: because"
qdrant:
  repository: docker.io/qdrant/qdrant
  tag: v1.19.0
  digest: ""
  license: {id: Apache-2.0, source: LICENSE}
  sources:
    - "said elsewhere"
"""


class Registry(ThreadingHTTPServer):
    """A registry of two tags; its attributes are how it behaves, and what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tags = {"/v2/m/library/kong/manifests/3.9.3", "/v2/m/qdrant/qdrant/manifests/v1.19.0"}
        self.auth = "bearer"
        self.realm = f"http://{self.name}/token"
        self.private = False
        self.digest_header: str | None = DIGEST
        self.status: int | None = None
        self.token_asks: list[tuple[str, str]] = []
        self.accepts: list[str] = []

    @property
    def name(self) -> str:
        """Host and port, as a reference carries them."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Registry  # pyrefly: ignore[bad-override-mutable-attribute]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Say nothing on stderr."""

    def do_HEAD(self) -> None:
        self._answer(body=b"")

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            return self._token()
        return self._answer(body=MANIFEST)

    def _token(self) -> None:
        sent = self.headers.get("Authorization", "")
        self.server.token_asks.append((self.path, sent))
        allowed = sent == BASIC if self.server.private else not sent
        self._send(200 if allowed else 401, {}, json.dumps({"token": TOKEN}).encode())

    def _answer(self, body: bytes) -> None:
        registry = self.server
        wanted = {"bearer": f"Bearer {TOKEN}", "basic": BASIC, "none": None}[registry.auth]
        if registry.status:
            return self._send(registry.status, {}, b"")
        if wanted and self.headers.get("Authorization") != wanted:
            kind = (
                f'Bearer realm="{registry.realm}",service="here",scope="repository:x:pull"'
                if registry.auth == "bearer"
                else 'Basic realm="here"'
            )
            return self._send(401, {"WWW-Authenticate": kind}, b"")
        registry.accepts.append(self.headers.get("Accept", ""))
        if self.path not in registry.tags:
            return self._send(404, {}, b"")
        digest = registry.digest_header
        return self._send(200, {"Docker-Content-Digest": digest} if digest else {}, body)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture
def registry() -> Iterator[Registry]:
    server = Registry()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A catalog of two images in a file of its own, no Docker login, no proxy."""
    path = tmp_path / "images.yaml"
    path.write_text(CATALOG)
    monkeypatch.setattr(load, "catalog_file", lambda name: tmp_path / name)
    monkeypatch.setattr(command, "catalog_file", lambda name: tmp_path / name)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    images.images.cache_clear()
    yield path
    images.images.cache_clear()


def log_in(folder: Path, host: str) -> None:
    auth = BASIC.removeprefix("Basic ")
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))


def lock(registry: Registry, *arguments: str) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    prefix = ["--registry-prefix", f"{registry.name}/m", "--insecure"]
    done = CliRunner().invoke(command.app, ["lock", *prefix, *arguments])
    return done.exit_code, done.output


def resolve(
    registry: Registry,
    logins: dict[str, tuple[str, str]] | None = None,
    *,
    plain_http: bool = True,
) -> str:
    with httpx.Client(trust_env=False) as client:
        return resolve_digest(
            client,
            f"{registry.name}/m/library/kong",
            "3.9.3",
            logins=logins or {},
            plain_http=plain_http,
        )


# References


def test_an_image_is_pulled_from_upstream_without_a_prefix() -> None:
    assert images.image("kong").startswith("docker.io/library/kong:3.9.3")
    assert images.image("kong", "") == images.image("kong", None)


@pytest.mark.usefixtures("catalog")
def test_a_prefix_takes_the_place_of_every_registry_host_and_keeps_the_organization() -> None:
    assert images.image("kong", "registry.example/mirror") == (
        "registry.example/mirror/library/kong:3.9.3"
    )
    assert images.image("qdrant", "localhost:5000/") == "localhost:5000/qdrant/qdrant:v1.19.0"


def test_a_known_digest_is_part_of_the_reference() -> None:
    spec = images.image_spec("keycloak")
    assert images.image("keycloak", "mirror.example") == (
        f"mirror.example/keycloak/keycloak:{spec.tag}@{spec.digest}"
    )


def test_an_unknown_image_is_refused_with_the_nearest_key() -> None:
    with pytest.raises(UnknownEntryError, match="Did you mean 'keycloak'"):
        images.image("keyclok")


def test_no_image_floats_or_comes_from_a_registry_that_no_longer_has_it() -> None:
    for spec in images.images().values():
        assert spec.tag not in {"latest", "main", "stable"}
        assert not re.match(r"docker\.io/(bitnami|minio/)", spec.repository)


def test_every_image_that_a_component_names_is_in_the_catalog() -> None:
    root = Path(images.__file__).parents[1]
    named = {
        key
        for file in (root / "components").rglob("*.py")
        for key in re.findall(r'\.image\(\s*"([a-z0-9-]+)"', file.read_text())
    }
    assert named
    assert named <= set(images.images())


# pai images list


@pytest.mark.usefixtures("catalog")
def test_list_prints_what_a_mirror_has_to_hold_as_json() -> None:
    done = CliRunner().invoke(command.app, ["list", "--json", "--prefix", "mirror.example"])
    assert json.loads(done.output)[0] == {
        "key": "kong",
        "upstream": "docker.io/library/kong:3.9.3",
        "digest": None,
        "image": "mirror.example/library/kong:3.9.3",
        "operator": None,
        "used_by": [],
    }


@pytest.mark.usefixtures("catalog")
def test_list_says_which_images_are_not_locked() -> None:
    done = CliRunner().invoke(command.app, ["list"])
    assert done.output.count("not locked") == 2


def test_plain_lines_are_arguments_of_a_program_that_copies() -> None:
    mirror = ["--prefix", "mirror.example/m/"]
    done = CliRunner().invoke(command.app, ["list", "--format", "plain", *mirror])
    spec = images.image_spec("keycloak")
    lines = done.output.splitlines()
    assert len(lines) == len(images.images())
    source, target = f"{spec.repository}@{spec.digest}", f"mirror.example/m/{spec.path}:{spec.tag}"
    assert f"{source} {target}" in lines
    alone = CliRunner().invoke(command.app, ["list", "--format", "plain"]).output.splitlines()
    assert [line.partition(" ")[0] for line in lines] == alone


@pytest.mark.slow
def test_a_stack_lists_what_it_deploys_and_its_operators_images() -> None:
    done = CliRunner().invoke(command.app, ["list", "--stack", "local", "--json"])
    assert done.exit_code == 0, done.output
    found = {row["key"]: row for row in json.loads(done.stdout)}

    assert "ollama" not in found
    assert found["vllm"]["used_by"] == ["chat", "embeddings", "reranker"]
    assert {key: row["operator"] for key, row in found.items() if row["operator"]} == {
        "minio-operator": "minio",
        "minio-operator-sidecar": "minio",
        "cloudnative-pg": "cloudnative-pg",
    }


def test_the_operators_images_are_of_the_versions_that_the_stack_is_tested_against() -> None:
    known = {spec.operator for spec in images.images().values()} - {""}
    assert known == {"minio", "cloudnative-pg", "keda", "leader-worker-set"}

    def name(key: str) -> str:
        return f"{images.image_spec(key).repository}:{images.image_spec(key).tag}"

    assert name("minio-operator").endswith(f":{minio.VERSION}")
    assert name("minio-operator-sidecar") == minio.SIDECAR_IMAGE
    assert name("cloudnative-pg") == cloudnative_pg.OPERATOR_IMAGE
    built = {data.path: data.version for data in DATA}
    assert f"v{images.image_spec('keda').tag}" == built["github.com/kedacore/keda/v2"]
    assert images.image_spec("leader-worker-set").tag == built["sigs.k8s.io/lws"]


# pai images lock


def test_lock_fills_the_digests_and_changes_nothing_else(registry: Registry, catalog: Path) -> None:
    code, output = lock(registry)
    assert code == 0
    assert output.splitlines() == [f"kong {DIGEST}", f"qdrant {DIGEST}"]
    assert catalog.read_text() == CATALOG.replace('""  #', '"" #').replace('""', f'"{DIGEST}"')
    assert [file.name for file in catalog.parent.iterdir()] == ["images.yaml"]


def test_lock_of_one_key_leaves_the_others(registry: Registry, catalog: Path) -> None:
    assert lock(registry, "qdrant")[0] == 0
    assert catalog.read_text().count(DIGEST) == 1
    assert 'digest: ""  # not asked yet' in catalog.read_text()


def test_lock_asks_for_the_index_before_a_single_platform(
    registry: Registry, catalog: Path
) -> None:
    lock(registry, "kong")
    assert catalog.exists()
    accepted = registry.accepts[0].split(", ")
    assert accepted[0] == "application/vnd.oci.image.index.v1+json"
    assert "application/vnd.docker.distribution.manifest.list.v2+json" in accepted
    assert "application/vnd.oci.image.manifest.v1+json" in accepted


def test_lock_writes_nothing_when_one_image_fails_and_lists_every_failure(
    registry: Registry, catalog: Path
) -> None:
    registry.tags = {"/v2/m/qdrant/qdrant/manifests/v1.19.0"}
    code, output = lock(registry)
    assert code == 1
    assert f"got:      {registry.name}/m/library/kong has no tag 3.9.3" in output
    assert "change:   Correct the repository or tag in catalog/images.yaml" in output
    assert output.rstrip().endswith("Nothing was written.")
    assert catalog.read_text() == CATALOG

    registry.tags = set()
    _, output = lock(registry)
    assert output.count("got:") == 2


def test_lock_tells_of_a_host_that_is_not_there_once_and_names_no_option_that_was_given(
    registry: Registry, catalog: Path
) -> None:
    registry.shutdown()
    registry.server_close()
    code, output = lock(registry)
    assert code == 1
    assert output.count("got:") == 1
    assert f"{registry.name}\n    got:      {registry.name} cannot be reached" in output
    assert "allowed:  the digests of 2: kong, qdrant\n" in output
    assert "change:   Check the network and the proxy\n" in output
    assert catalog.read_text() == CATALOG


@pytest.mark.usefixtures("catalog")
def test_lock_of_a_stack_asks_its_own_mirror_for_its_own_images(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.tags = {"/v2/m/library/kong/manifests/3.9.3"}
    used = [UsedImage(images.image_spec("kong"))]
    monkeypatch.setattr(image_options, "used_images", lambda _: (f"{registry.name}/m", used))
    done = CliRunner().invoke(command.app, ["lock", "--stack", "mine", "--insecure"])
    assert (done.exit_code, done.output) == (0, f"kong {DIGEST}\n")
    other = CliRunner().invoke(command.app, ["lock", "qdrant", "--stack", "mine"])
    assert "allowed:  images of stack mine: kong\n" in other.output


def test_lock_without_a_mirror_offers_one(catalog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def offline(_: object, repository: str, *__: object, **___: object) -> str:
        asked.append(repository)
        raise RegistryError(RegistryFailure("not reached", "Check", whole_host=True))

    monkeypatch.setattr(command, "resolve_digest", offline)
    done = CliRunner().invoke(command.app, ["lock"])
    assert asked == ["docker.io/library/kong"], "both are on docker.io"
    assert "change:   Check, or lock from a mirror with --registry-prefix" in done.output
    assert catalog.read_text() == CATALOG


def test_lock_refuses_unknown_keys_all_at_once(registry: Registry, catalog: Path) -> None:
    code, output = lock(registry, "kng", "qdrant", "keycloak")
    assert code == 1
    assert "got:      kng\n    allowed:  kong, qdrant\n    change:   Did you mean 'kong'?" in output
    assert "got:      keycloak" in output
    assert catalog.read_text() == CATALOG


def test_check_fails_on_a_difference_and_writes_nothing(registry: Registry, catalog: Path) -> None:
    code, output = lock(registry, "--check")
    assert code == 1
    assert (
        f"catalog/images.yaml: kong.digest\n    got:      nothing\n    allowed:  {DIGEST}" in output
    )
    assert catalog.read_text() == CATALOG


def test_check_passes_once_locked_and_a_second_lock_has_nothing_to_do(
    registry: Registry, catalog: Path
) -> None:
    lock(registry)
    images.images.cache_clear()
    before = catalog.stat().st_mtime_ns
    assert lock(registry, "--check") == (0, "2 images, every digest as locked\n")
    assert lock(registry) == (0, "2 images, every digest as locked\n")
    assert catalog.stat().st_mtime_ns == before


def test_check_tells_of_a_tag_that_moved_and_of_one_that_is_gone(
    registry: Registry, catalog: Path
) -> None:
    lock(registry)
    images.images.cache_clear()
    registry.digest_header = "sha256:" + "cd" * 32
    registry.tags = {"/v2/m/library/kong/manifests/3.9.3"}
    code, output = lock(registry, "--check")
    assert code == 1
    assert "find out why the tag moved, then run `pai images lock kong`" in output
    assert "has no tag v1.19.0" in output
    assert catalog.read_text().count(DIGEST) == 2


def test_a_file_that_cannot_be_written_stays_as_it_was_and_leaves_no_other(
    registry: Registry, catalog: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, _: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "replace", refuse)
    code, output = lock(registry)
    assert code == 1
    assert "cannot be written (Permission denied)" in output
    assert catalog.read_text() == CATALOG
    assert [file.name for file in catalog.parent.iterdir()] == ["images.yaml"]


def test_plain_http_is_refused_to_another_machine(catalog: Path) -> None:
    arguments = ["lock", "--insecure", "--registry-prefix", "registry.example/m"]
    done = CliRunner().invoke(command.app, arguments)
    assert done.exit_code == 1
    assert "allowed:  a --registry-prefix on this machine" in done.output
    assert catalog.read_text() == CATALOG


def test_a_private_registry_gets_the_stored_login_and_no_output_shows_it(
    registry: Registry, catalog: Path
) -> None:
    registry.private = True
    code, output = lock(registry, "kong")
    assert code == 1
    assert "change:   Run `docker login`" in output

    log_in(catalog.parent, registry.name)
    code, output = lock(registry, "kong")
    assert code == 0
    assert registry.token_asks[-1][1] == BASIC
    assert PASSWORD not in output
    assert TOKEN not in output


def test_a_login_file_that_cannot_be_read_is_told_without_its_content(
    registry: Registry, catalog: Path
) -> None:
    (catalog.parent / "config.json").write_text(f'{{"auths": "{PASSWORD}"')
    code, output = lock(registry)
    assert code == 1
    assert "cannot be read as Docker's login file" in output
    assert PASSWORD not in output


# The registry's protocol


def test_the_token_is_asked_for_the_scope_that_the_registry_named(registry: Registry) -> None:
    assert resolve(registry) == DIGEST
    ((path, authorization),) = registry.token_asks
    assert path == "/token?service=here&scope=repository%3Ax%3Apull"
    assert not authorization


def test_a_registry_without_authentication_is_asked_for_no_token(registry: Registry) -> None:
    registry.auth = "none"
    assert resolve(registry) == DIGEST
    assert registry.token_asks == []


def test_a_registry_of_basic_authentication_gets_the_login(registry: Registry) -> None:
    registry.auth = "basic"
    with pytest.raises(RegistryError, match="requires a login"):
        resolve(registry)
    assert resolve(registry, {registry.name: (USER, PASSWORD)}) == DIGEST


def test_a_registry_that_names_no_digest_has_its_manifest_hashed(registry: Registry) -> None:
    registry.digest_header = None
    assert resolve(registry) == f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


def test_a_digest_of_another_form_is_refused(registry: Registry) -> None:
    registry.digest_header = "md5:0"
    with pytest.raises(RegistryError, match="not sha256: 'md5:0'"):
        resolve(registry)


def test_a_token_is_never_asked_for_in_clear_from_another_machine(registry: Registry) -> None:
    registry.realm = "http://token.example/token"
    with pytest.raises(RegistryError, match="not HTTPS"):
        resolve(registry, {registry.name: (USER, PASSWORD)})


@pytest.mark.parametrize(
    ("status", "change"),
    [(429, "for a higher limit"), (403, "Run `docker login`"), (503, "Try again later")],
)
def test_a_refusal_says_what_to_do(registry: Registry, status: int, change: str) -> None:
    registry.status = status
    with pytest.raises(RegistryError) as refused:
        resolve(registry)
    assert change in refused.value.failure.change


def test_a_registry_that_is_not_there_says_so(registry: Registry) -> None:
    registry.shutdown()
    registry.server_close()
    with pytest.raises(RegistryError, match="cannot be reached"):
        resolve(registry)


def test_https_is_spoken_unless_plain_http_is_asked_for(registry: Registry) -> None:
    with pytest.raises(RegistryError, match="cannot be reached"):
        resolve(registry, plain_http=False)
    assert registry.token_asks == []


def test_only_names_of_this_machine_are_loopback() -> None:
    assert all(is_loopback(host) for host in ("localhost:5000", "127.0.0.1", "[::1]:80", "::1"))
    assert not any(is_loopback(host) for host in ("localhost.example", "10.0.0.1:80", ""))


def test_logins_come_from_the_folder_that_docker_config_names(tmp_path: Path) -> None:
    assert docker_logins({"DOCKER_CONFIG": str(tmp_path)}) == {}
    log_in(tmp_path, "registry.example")
    logins = docker_logins({"DOCKER_CONFIG": str(tmp_path)})
    assert logins == {"registry.example": (USER, PASSWORD)}


def install_helper(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """A `docker-credential-test` that is the shell script *program*, first on PATH."""
    helper = folder / "docker-credential-test"
    helper.write_text(f"#!/bin/sh\n{program}\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize(
    "config",
    [
        {"credHelpers": {"registry.example": "test"}},
        {"auths": {"registry.example": {}}, "credsStore": "test"},
    ],
)
def test_a_credential_helper_is_asked_for_the_registry_that_is_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    said = json.dumps({"Username": USER, "Secret": PASSWORD})
    install_helper(tmp_path, monkeypatch, f"cat >> {tmp_path}/asked; echo '{said}'")
    (tmp_path / "config.json").write_text(json.dumps(config))
    logins = docker_logins({"DOCKER_CONFIG": str(tmp_path)})

    assert logins.get("other.example") is None
    assert not (tmp_path / "asked").exists()
    assert logins.get("registry.example") == (USER, PASSWORD)
    assert (tmp_path / "asked").read_text() == "registry.example"


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("echo credentials not found; exit 1", None),
        ('echo \'{"Username": "<token>", "Secret": "x"}\'', None),
        ("echo canary-password", "does not work"),
        ("echo '[]'", "does not work"),
    ],
)
def test_a_helper_without_a_password_is_none_and_one_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, found: str | None
) -> None:
    install_helper(tmp_path, monkeypatch, program)
    (tmp_path / "config.json").write_text('{"credHelpers": {"registry.example": "test"}}')
    logins = docker_logins({"DOCKER_CONFIG": str(tmp_path)})
    if found is None:
        assert logins.get("registry.example") is None
        return
    with pytest.raises(RegistryError, match=found) as failed:
        logins.get("registry.example")
    assert "canary" not in str(failed.value)


@pytest.mark.parametrize("helper", ["nosuch", "../../bin/sh", ""])
def test_a_helper_that_is_not_there_is_named(tmp_path: Path, helper: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {"r.example": helper}}))
    with pytest.raises(RegistryError, match="docker-credential-"):
        docker_logins({"DOCKER_CONFIG": str(tmp_path)}).get("r.example")
