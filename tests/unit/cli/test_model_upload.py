"""`pai models import` into a bucket and a registry that run here, and back out with a Job's code.

tests/conformance does the same with a real MinIO and a real registry.
"""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from base.problems import ProblemError
from cli import bucket_upload
from cli.bucket_upload import Bucket
from cli.registry_upload import Registry
from tests.hub import COMMIT, REPOSITORY, WEIGHTS, sha256
from weights.files import File
from weights.manifest import Manifest
from weights.s3 import S3Location
from weights.sources import Commit, source
from weights.transport import Transport

FILES = {"model.safetensors": WEIGHTS, "sub/config.json": b"{}"}
COMMIT_HERE = Commit(REPOSITORY, COMMIT)


class _Store(BaseHTTPRequestHandler):
    """Keeps what is put; takes uploads in parts, and layers in one piece."""

    kept: ClassVar[dict[str, bytes]]
    parts: ClassVar[dict[str, bytes]]
    secret: ClassVar[str] = "right"
    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self._answer(200 if path in self.kept else 404, self.kept.get(path, b""))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        url, query = urlsplit(self.path), parse_qs(urlsplit(self.path).query)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.secret not in self.headers.get("Authorization", self.secret):
            self._answer(403)
        elif "partNumber" in query:
            self.parts[query["partNumber"][0]] = body
            self._answer(200, tag=f"tag-{query['partNumber'][0]}")
        elif "digest" in query:
            [digest] = query["digest"]
            assert digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
            self.kept[url.path.replace("/uploads/1", f"/{digest}")] = body
            self._answer(201)
        else:
            self.kept[url.path] = body
            self._answer(201)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = urlsplit(self.path).path
        if path.endswith("/blobs/uploads/"):
            self._answer(202, location=f"{path}1")
        elif b"CompleteMultipartUpload" in body:
            self.kept[path] = b"".join(self.parts[n] for n in sorted(self.parts))
            self._answer(200)
        else:
            self._answer(200, b"<UploadId>1</UploadId>")

    def _answer(self, code: int, body: bytes = b"", *, tag: str = "", location: str = "") -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (("ETag", tag), ("Location", location)):
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


@pytest.fixture
def store() -> Iterator[tuple[str, type[_Store]]]:
    """The URL of an empty store, and what it keeps."""
    handler = type("Store", (_Store,), {"kept": {}, "parts": {}, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def model(tmp_path: Path) -> tuple[Manifest, Path]:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    listed = tuple(File(n, len(c), sha256=sha256(c)) for n, c in FILES.items())
    return Manifest(REPOSITORY, COMMIT, listed), tmp_path


def fetched(spec: dict[str, str], credential: str) -> dict[str, bytes]:
    """What a Job reads from the source *spec*."""
    origin = source(spec, COMMIT_HERE, "", credential)
    return {file.name: origin.open(file, 0).read() for file in origin.files()}


def test_a_bucket_gives_what_was_uploaded_to_it_in_parts(
    store: tuple[str, type[_Store]], model: tuple[Manifest, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, kept = store
    monkeypatch.setattr(bucket_upload, "PART_BYTES", 3000)
    spec = {"endpoint": url, "bucket": "b", "prefix": "weights", "region": "r"}
    bucket, told = Bucket(S3Location.of(spec, "right:secret"), Transport()), list[int]()
    target = bucket.upload(*model, told.append)

    assert target == f"{url}/b/weights/{REPOSITORY}/{COMMIT}/"
    assert sum(told) == sum(map(len, FILES.values()))
    assert sorted(kept.parts) == ["1", "2", "3"]
    assert fetched({"kind": "s3", **spec}, "right:secret") == FILES

    kept.asked.clear()
    bucket.upload(*model, told.append)  # what is there already is not sent again
    assert [line.split()[0] for line in kept.asked] == ["HEAD", "HEAD", "PUT"]


def test_a_registry_gives_what_was_pushed_to_it_and_takes_each_layer_once(
    store: tuple[str, type[_Store]], model: tuple[Manifest, Path]
) -> None:
    url, kept = store
    registry, told = Registry(url, "weights", "", Transport()), list[int]()
    target = registry.upload(*model, told.append)

    assert target.startswith(f"{url}/weights/{REPOSITORY}@sha256:")
    assert sum(told) == sum(map(len, FILES.values()))
    assert fetched({"kind": "oci", "registry": url, "prefix": "weights"}, "") == FILES

    kept.asked.clear()
    registry.upload(*model, told.append)
    assert [line.split()[0] for line in kept.asked] == ["HEAD", "HEAD", "HEAD", "PUT"]


def test_a_store_that_refuses_is_named_with_its_answer_and_without_the_key(
    store: tuple[str, type[_Store]], model: tuple[Manifest, Path]
) -> None:
    spec = {"endpoint": store[0], "bucket": "b", "prefix": "", "region": "r"}
    bucket = Bucket(S3Location.of(spec, "wrong:canary-secret"), Transport())

    with pytest.raises(ProblemError) as refused:
        bucket.upload(*model, lambda _: None)
    [problem] = refused.value.problems
    assert (problem.path, problem.got) == (f"{store[0]}/b", "HTTP 403")
    assert "canary" not in str(refused.value)
