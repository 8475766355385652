"""Weights through real mirrors: imported with `pai models`, fetched by the Job's own program."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from typer.testing import CliRunner

from cli import bucket_upload, model_mirrors, models, registry_upload
from components.common import scripts
from components.models.model_store import fetch_request
from components.models.weights_programs import VERIFIER, fetcher
from config.load import load
from config.stack import StackConfig
from tests.conformance.peers import minio, registry
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.minio import Minio
from tests.hub import COMMIT, sha256
from tests.paths import ROOT
from weights import s3
from weights.fetch import EXIT_PERMANENT
from weights.files import File
from weights.manifest import Manifest
from weights.transport import Transport

REPOSITORY = "Org/Model-4B"
# Larger than a part, so that it is sent in several.
FILES = {"model.safetensors": os.urandom(12 << 20), "sub/config.json": b"{}"}
BUCKET = "llm-models"
CHECKOUT = ROOT


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Minio]:
    with minio.start(tmp_path_factory.mktemp("minio"), certificates) as server:
        transport = Transport(str(certificates.authority))
        bucket_upload.send(transport, location(server, ""), BUCKET, method="PUT").close()
        yield server


def location(store: Minio, bucket: str = BUCKET) -> s3.S3Location:
    spec = {"endpoint": store.url, "bucket": bucket, "prefix": "", "region": "us-east-1"}
    return s3.S3Location.of(spec, f"{minio.USER}:{minio.PASSWORD}")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder as `pai models fetch` leaves it."""
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    listed = tuple(File(n, len(c), sha256=sha256(c)) for n, c in FILES.items())
    Manifest(REPOSITORY, COMMIT, listed).write(folder)
    return folder


def stack(source: Mapping[str, str], certificates: Certificates) -> StackConfig:
    """The local stack, with that model as its chat, from *source* under a private authority."""
    raw = yaml.safe_load((CHECKOUT / "Pulumi.local.yaml").read_text())
    settings = raw["config"]["private-ai:stack"]
    settings["models"]["chat"] |= {"repository": REPOSITORY, "revision": COMMIT}
    settings["model_store"] |= {
        "source": dict(source),
        "authority": certificates.authority.read_text(),
    }
    return load(settings, "local")


def job(
    tmp_path: Path, request: dict[str, Any], credential: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the Job's program on its request, the paths of its container moved below *tmp_path*."""
    program = tmp_path / "program" / "weights"
    program.mkdir(parents=True, exist_ok=True)
    modules = (*VERIFIER, *fetcher(request["source"]["kind"]))
    for module, text in scripts.sources("weights", modules).items():
        (program / module).write_text(text)
    volume = tmp_path / "volume"
    volume.mkdir(exist_ok=True)
    request |= {"volume": str(volume), "stamps": str(volume / ".verified")}
    (tmp_path / "credential").write_text(credential)
    words = [json.dumps(request), str(tmp_path / "credential")]
    return subprocess.run(
        [sys.executable, "-m", "weights.fetch", *words],
        env={"PYTHONPATH": str(program.parent), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def request_of(config: StackConfig, certificates: Certificates) -> dict[str, Any]:
    request = fetch_request(config.model_store, config.models["chat"], "/models")
    assert request["authority"]
    return {**request, "authority": str(certificates.authority)}


def s3_source(store: Minio) -> dict[str, str]:
    return {"kind": "s3", "endpoint": store.url, "bucket": BUCKET, "prefix": "weights"}


@pytest.fixture
def imported(
    store: Minio, certificates: Certificates, model: Path, monkeypatch: pytest.MonkeyPatch
) -> StackConfig:
    """The stack, once `pai models import --stack` has filled its bucket."""
    config = stack(s3_source(store), certificates)
    monkeypatch.setattr(model_mirrors, "stack_config", lambda _: config)
    monkeypatch.setattr(bucket_upload, "PART_BYTES", 5 << 20)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", minio.USER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", minio.PASSWORD)
    done = CliRunner().invoke(models.app, ["import", str(model), "--stack", "local"])
    assert done.exit_code == 0, done.output
    assert f"{store.url}/{BUCKET}/weights/{REPOSITORY}/{COMMIT}/" in done.stdout
    return config


def test_the_job_takes_from_minio_what_was_imported_there(
    imported: StackConfig, certificates: Certificates, tmp_path: Path
) -> None:
    credential = f"{minio.USER}:{minio.PASSWORD}"
    done = job(tmp_path, request_of(imported, certificates), credential)

    assert done.returncode == 0, done.stderr
    for name, content in FILES.items():
        assert (tmp_path / "volume" / COMMIT / name).read_bytes() == content
    assert minio.PASSWORD not in done.stdout


def test_a_key_that_minio_does_not_know_is_explained_and_not_shown(
    imported: StackConfig, certificates: Certificates, tmp_path: Path
) -> None:
    done = job(tmp_path, request_of(imported, certificates), "someone:canary-wrong")

    assert done.returncode == EXIT_PERMANENT
    assert done.stderr == (
        f"{REPOSITORY} at {COMMIT}: got HTTP 403 from the source; allowed: a list of its files;"
        " change: give the stack a credential that may read it\n"
    )


def test_an_object_that_was_changed_in_the_bucket_stops_the_job_by_its_name(
    imported: StackConfig, store: Minio, certificates: Certificates, tmp_path: Path
) -> None:
    transport = Transport(str(certificates.authority))
    name = f"weights/{REPOSITORY}/{COMMIT}/sub/config.json"
    bucket_upload.send(transport, location(store), name, method="PUT", body=b"[]").close()
    try:
        done = job(tmp_path, request_of(imported, certificates), f"{minio.USER}:{minio.PASSWORD}")
    finally:
        bucket_upload.send(transport, location(store), name, method="PUT", body=b"{}").close()

    assert done.returncode == EXIT_PERMANENT
    assert done.stderr.startswith("sub/config.json: got wrong content, SHA-256")
    assert not (tmp_path / "volume" / COMMIT).exists()


def test_the_authority_of_the_stack_is_the_only_one_that_is_trusted(
    imported: StackConfig, certificates: Certificates, tmp_path: Path
) -> None:
    other = Certificates.issue(tmp_path / "other")
    request = {**request_of(imported, certificates), "authority": str(other.authority)}
    done = job(tmp_path, request, f"{minio.USER}:{minio.PASSWORD}")

    assert done.returncode == 1
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr


class _Proxy(BaseHTTPRequestHandler):
    """Connects to whatever host is asked for, and says which it was."""

    asked: ClassVar[list[str]] = []

    def do_CONNECT(self) -> None:
        host, _, port = self.path.partition(":")
        self.asked.append(self.path)
        with socket.create_connection((host, int(port))) as server:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=self._copy, args=(server, self.connection))
            back.start()
            self._copy(self.connection, server)
            back.join()

    def _copy(self, source: Any, target: Any) -> None:
        with suppress(OSError):  # either side may hang up first
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


def test_the_job_goes_through_the_proxy_that_it_is_given(
    imported: StackConfig, store: Minio, certificates: Certificates, tmp_path: Path
) -> None:
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True).start()
    try:
        done = job(
            tmp_path,
            request_of(imported, certificates),
            f"{minio.USER}:{minio.PASSWORD}",
            HTTPS_PROXY=f"http://127.0.0.1:{proxy.server_port}",
        )
    finally:
        proxy.shutdown()
        proxy.server_close()

    assert done.returncode == 0, done.stderr
    assert set(_Proxy.asked) == {store.url.removeprefix("https://")}


def test_the_job_takes_from_a_registry_the_artifact_that_was_pushed_there(
    model: Path, tmp_path: Path
) -> None:
    with registry.start(tmp_path / "registry") as url:
        mirror = registry_upload.Registry(url, "weights", "", Transport())
        pushed = mirror.upload(Manifest.read(model), model, lambda _: None)
        reference = f"{url.removeprefix('http://')}/weights/{REPOSITORY.lower()}"
        seen = subprocess.run(
            [registry.crane(), "manifest", f"{reference}:{COMMIT}"],
            capture_output=True,
            text=True,
            check=True,
        )
        request = {
            "source": {"kind": "oci", "registry": url, "prefix": "weights"},
            "authority": "",
            "repository": REPOSITORY,
            "revision": COMMIT,
            "only": [],
            "pickles": [],
            "sha256": {},
        }
        done = job(tmp_path, request, "")

    layers = {
        layer["annotations"]["org.opencontainers.image.title"]: layer["digest"]
        for layer in json.loads(seen.stdout)["layers"]
    }
    assert layers == {name: f"sha256:{sha256(content)}" for name, content in FILES.items()}
    assert f"{reference}@sha256:" in pushed
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "volume" / COMMIT / "model.safetensors").read_bytes() == FILES[
        "model.safetensors"
    ]


def test_the_job_takes_from_a_web_server_the_folder_that_was_imported(
    model: Path, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    done = CliRunner().invoke(models.app, ["import", str(model), "--to", str(mirror)])
    assert done.exit_code == 0, done.output
    handler = partial(SimpleHTTPRequestHandler, directory=str(mirror))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        request = {
            "source": {"kind": "http", "url": f"http://127.0.0.1:{server.server_port}"},
            "authority": "",
            "repository": REPOSITORY,
            "revision": COMMIT,
            "only": [],
            "pickles": [],
            "sha256": {},
        }
        fetched = job(tmp_path, request, "")
    finally:
        server.shutdown()
        server.server_close()

    assert fetched.returncode == 0, fetched.stderr
    assert (tmp_path / "volume" / COMMIT / "sub" / "config.json").read_bytes() == b"{}"
