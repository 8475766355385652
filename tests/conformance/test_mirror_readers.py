"""Real mirrors, read by `pai size` and `pai models pin`, and filled by `pai images copy`."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from catalog.images import ImageSpec, image_spec
from cli import (
    bucket_upload,
    image_options,
    model_mirrors,
    model_targets,
    registry_upload,
    size_hub,
)
from cli.main import app
from cli.stack_images import UsedImage
from config.reference import KEY
from config.settings.model_store import ModelStoreSettings, OciSource
from tests.conformance.peers import minio, registry
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.minio import Minio
from tests.hub import COMMIT, sha256
from tests.unit.cli.test_size import MISTRAL
from tests.unit.cli.test_size_hub import INDEX, shard
from weights import s3
from weights.files import File
from weights.manifest import Manifest
from weights.transport import Transport

REPOSITORY = "Org/Model-4B"
FILES = {
    "config.json": json.dumps(MISTRAL).encode(),
    "model.safetensors.index.json": json.dumps(INDEX).encode(),
    "1.safetensors": shard(3_000_000, 5_000),
    "2.safetensors": shard(700_000),
}
WEIGHTS_BYTES = 3_705_000
DIGESTS = {name: sha256(content) for name, content in FILES.items()}
BUCKET = "llm-models"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Minio]:
    with minio.start(tmp_path_factory.mktemp("minio"), certificates) as server:
        spec = {"endpoint": server.url, "bucket": BUCKET, "prefix": "", "region": "us-east-1"}
        location = s3.S3Location.of(spec, f"{minio.USER}:{minio.PASSWORD}")
        transport = Transport(str(certificates.authority))
        bucket_upload.send(transport, location, "", method="PUT").close()
        yield server


@pytest.fixture
def registry_url(tmp_path: Path) -> Iterator[str]:
    with registry.start(tmp_path / "registry") as url:
        yield url


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder as `pai models fetch` leaves it."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    listed = tuple(File(n, len(c), sha256=DIGESTS[n]) for n, c in FILES.items())
    Manifest(REPOSITORY, COMMIT, listed).write(folder)
    return folder


def stack_file(tmp_path: Path, store: dict[str, Any]) -> Path:
    chat = {"model": "qwen3-4b", "repository": REPOSITORY, "pool": "rtx", "context_tokens": 8192}
    settings = {"model_store": {"cidrs": ["0.0.0.0/0"], **store}, "models": {"chat": chat}}
    file = tmp_path / "Pulumi.mine.yaml"
    file.write_text(yaml.safe_dump({"config": {KEY: settings}}))
    return file


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "120", "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    return done.stdout


def chat_of(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text())["config"][KEY]["models"]["chat"]


def test_size_and_pin_read_what_was_imported_into_minio(
    store: Minio,
    certificates: Certificates,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = {"kind": "s3", "endpoint": store.url, "bucket": BUCKET, "prefix": "weights"}
    raw = {"source": source, "authority": certificates.authority.read_text()}
    settings = ModelStoreSettings.model_validate({"cidrs": ["0.0.0.0/0"], **raw})
    config = SimpleNamespace(model_store=settings)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", minio.USER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", minio.PASSWORD)
    monkeypatch.setattr(size_hub, "stack_config", lambda _: config)
    monkeypatch.setattr(model_mirrors, "stack_config", lambda _: config)
    monkeypatch.setattr(model_mirrors, "_check_served", lambda *_: None)
    run("models", "import", model, "--stack", "mine")

    found = json.loads(run("size", REPOSITORY, "--stack", "mine", "--revision", COMMIT, "--json"))
    assert (found["model"], found["weights_bytes"]) == (REPOSITORY, WEIGHTS_BYTES)

    file = stack_file(tmp_path, raw)
    printed = run("models", "pin", "--all", "--config-file", file)
    assert (chat_of(file)["revision"], chat_of(file)["sha256"]) == (COMMIT, DIGESTS)
    assert minio.PASSWORD not in printed
    checked = run("models", "pin", "chat", "--config-file", file, "--check")
    assert "unchanged" in checked


def test_size_and_pin_read_what_was_imported_into_a_registry(
    registry_url: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry_upload.Registry(registry_url, "weights", "", Transport()).upload(
        Manifest.read(model), model, lambda _: None
    )
    # A stack's file takes HTTPS alone.
    source = OciSource.model_construct(kind="oci", registry=registry_url, prefix="weights")
    settings = ModelStoreSettings.model_construct(source=source, authority=None, cidrs=[])
    config = SimpleNamespace(model_store=settings)
    monkeypatch.setattr(size_hub, "stack_config", lambda _: config)
    monkeypatch.setattr(model_targets.ModelStoreSettings, "model_validate", lambda _: settings)

    found = json.loads(run("size", REPOSITORY, "--stack", "mine", "--revision", COMMIT, "--json"))
    assert (found["model"], found["weights_bytes"]) == (REPOSITORY, WEIGHTS_BYTES)

    file = stack_file(tmp_path, {})
    run("models", "pin", "--all", "--config-file", file)
    assert (chat_of(file)["revision"], chat_of(file)["sha256"]) == (COMMIT, DIGESTS)


def crane(*words: str) -> str:
    done = subprocess.run([registry.crane(), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def append(reference: str, name: str, content: bytes, folder: Path) -> None:
    """Push an image with one layer, as `docker build` would."""
    layer = folder / f"{name}.tar"
    with tarfile.open(layer, "w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, BytesIO(content))
    crane("append", "--new_layer", str(layer), "--new_tag", reference, "--oci-empty-base")


def test_images_are_copied_between_real_registries_as_crane_sees_them(
    registry_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry.start(tmp_path / "upstream") as upstream:
        source, target = (url.removeprefix("http://") for url in (upstream, registry_url))
        for architecture in ("amd64", "arm64"):
            reference = f"{source}/library/kong:{architecture}"
            append(reference, architecture, architecture.encode() * 9999, tmp_path)
            platform = ["--set-platform", f"linux/{architecture}", "--tag", reference]
            crane("mutate", reference, *platform)
        parts = [f"--manifest={source}/library/kong:{a}" for a in ("amd64", "arm64")]
        crane("index", "append", *parts, "--tag", f"{source}/library/kong:3.9")
        spec = ImageSpec.model_construct(
            key="kong",
            repository=f"{source}/library/kong",
            tag="3.9",
            digest="",
            sources=[],
            license=image_spec("kong").license,
        )
        monkeypatch.setattr(image_options, "used_images", lambda _: ("", [UsedImage(spec)]))
        words = ["images", "copy", "--to", f"{target}/mirror", "--insecure", "--json"]
        first, again = (json.loads(run(*words))["copied"][0] for _ in range(2))

        expected = crane("digest", f"{source}/library/kong:3.9")
        copied = f"{target}/mirror/library/kong:3.9"
        assert first["digest"] == crane("digest", copied) == expected
        assert (first["sent"] > 0, again["sent"]) == (True, 0)
    crane("validate", "--remote", copied)  # reads every layer of both
    listed = httpx.get(f"{registry_url}/v2/mirror/library/kong/tags/list").json()
    assert listed["tags"] == ["3.9"]
