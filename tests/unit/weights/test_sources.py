"""What the kinds of mirrors have of their own; tests/conformance runs them against real ones."""

import base64
import json
import threading
from collections.abc import Iterator
from email.message import Message
from http.client import HTTPMessage, HTTPResponse, RemoteDisconnected
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any, ClassVar
from urllib.error import HTTPError, URLError
from urllib.request import Request

import pytest

from tests.hub import COMMIT, REPOSITORY
from weights import oci, s3, transport
from weights.errors import TransientError, WeightsError
from weights.files import File, FileSelection, select_files
from weights.manifest import Manifest
from weights.sources import Commit, SourceKind, source
from weights.transport import Transport


def test_a_request_is_signed_as_amazons_own_example_is() -> None:
    """GET Object of docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html."""
    key = s3.AccessKey(
        "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"
    )
    headers = {
        "Range": "bytes=0-9",
        "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "x-amz-date": "20130524T000000Z",
    }
    said = s3.signature(key, "GET", "https://examplebucket.s3.amazonaws.com/test.txt", headers)

    assert said == (
        "AWS4-HMAC-SHA256"
        " Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


def test_a_secret_key_is_not_in_what_is_printed_of_it() -> None:
    spec = {"endpoint": "https://s3.test", "bucket": "b", "prefix": "", "region": "r"}

    assert "canary" not in repr(s3.S3Location.of(spec, "access:canary-secret"))


@pytest.mark.parametrize(
    ("target", "followed", "token"),
    [
        ("https://hub.test/other", True, "Bearer t"),
        ("https://cdn.test/other", True, None),
        ("https://hub.test:444/other", True, None),
        ("http://hub.test/other", False, None),
    ],
)
def test_a_redirect_keeps_the_credential_at_its_origin_and_never_leaves_tls(
    target: str, followed: bool, token: str | None
) -> None:
    asked = Request("https://hub.test/file")
    asked.add_unredirected_header("Authorization", "Bearer t")
    handler, headers = transport.Redirects(), HTTPMessage()
    request = handler.redirect_request(asked, BytesIO(), 307, "", headers, target)

    assert (request is not None) == followed
    if request:
        assert request.get_header("Authorization") == token


def layer(
    name: str, media_type: str = "application/vnd.cncf.model.weight.v1.raw"
) -> dict[str, Any]:
    return {
        "mediaType": media_type,
        "digest": f"sha256:{'0' * 64}",
        "size": 1,
        "annotations": {oci.TITLE: name},
    }


def test_a_layer_is_a_file_by_either_of_its_names() -> None:
    other = {**layer(""), "annotations": {oci.FILE_PATH: "sub/b.json"}}
    found = oci.layer_files({"layers": [layer("a.safetensors"), other]})

    assert found == [
        File("a.safetensors", 1, sha256="0" * 64),
        File("sub/b.json", 1, sha256="0" * 64),
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (layer("a", "application/vnd.cncf.model.weight.v1.tar+gzip"), "a: got an archive"),
        (layer("a", "application/vnd.oci.image.layer.v1.tar"), "a: got an archive"),
        (layer(""), "got no file name, or a digest other than SHA-256"),
        (
            {**layer("a"), "digest": f"sha512:{'0' * 128}"},
            "got no file name, or a digest other than SHA-256",
        ),
    ],
)
def test_a_layer_that_is_not_a_file_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        oci.layer_files({"layers": [wrong]})


@pytest.mark.parametrize(
    "name", ["../a.json", "/a.json", "a/../../b.json", "a\\b.json", "./a.json"]
)
def test_a_name_that_leads_out_of_the_directory_is_refused_wherever_it_comes_from(
    name: str,
) -> None:
    with pytest.raises(WeightsError, match="leads elsewhere"):
        select_files([File("w.safetensors", 1, "0" * 64), File(name, 1, "0" * 64)], FileSelection())
    with pytest.raises(WeightsError, match="leads elsewhere"):
        Manifest.parse(Manifest(REPOSITORY, COMMIT, (File(name, 1, "0" * 64),)).text())


class _Registry(BaseHTTPRequestHandler):
    """Lets in whoever has the token that the last challenge was about."""

    signed_in: ClassVar[list[str]] = []
    used: ClassVar[bool] = False
    blob = b"weights"

    def do_GET(self) -> None:
        authorization = self.headers.get("Authorization", "")
        if self.path.startswith("/token"):
            self.signed_in.append(f"{authorization} {self.path}")
            self._answer(200, b'{"token": "t%d"}' % len(self.signed_in))
        # A token is good for one answer here, as if it had run out.
        elif authorization != f"Bearer t{len(self.signed_in)}" or type(self).used:
            type(self).used = False
            self.send_response(401)
            host = self.headers["Host"]
            realm = f'Bearer realm="http://{host}/token",service="r",scope="repository:m:pull"'
            self.send_header("WWW-Authenticate", realm)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            type(self).used = True
            self._answer(200, self.blob)

    def _answer(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


@pytest.fixture
def registry() -> Iterator[str]:
    _Registry.signed_in.clear()
    _Registry.used = False
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_registry_is_signed_in_to_again_when_its_token_has_run_out(registry: str) -> None:
    asked = oci.Registry(registry, "m", Transport(), "user:canary")
    read = [asked.blob(f"sha256:{'0' * 64}").read() for _ in range(2)]
    basic = base64.b64encode(b"user:canary").decode()

    assert read == [b"weights", b"weights"]
    assert (
        _Registry.signed_in == [f"Basic {basic} /token?service=r&scope=repository%3Am%3Apull"] * 2
    )


@pytest.mark.parametrize(
    ("registry", "realm", "may"),
    [
        ("https://registry.gitlab.test", "https://gitlab.test/jwt/auth", True),
        ("https://ghcr.test", "https://ghcr.test/token", True),
        ("https://registry-1.docker.io", "https://auth.docker.io/token", True),
        ("https://harbor.corp.example.fr:8443", "https://login.corp.example.fr/t", True),
        ("https://10.0.0.1", "https://10.0.0.1/token", True),
        ("https://ghcr.test", "http://ghcr.test/token", False),
        ("https://ghcr.test", "https://evil.test/token", False),
        ("https://a.co.uk", "https://b.co.uk/token", False),
        ("https://10.0.0.1", "https://10.9.0.1/token", False),
        ("https://registry", "https://other/token", False),
        ("https://ghcr.test", "https://ghcr.test.evil.example/token", False),
        ("https://ghcr.test", "https://ghcr.test@evil.example/token", False),
        ("https://ghcr.test", "file:///etc/passwd", False),
        ("https://ghcr.test", "", False),
    ],
)
def test_a_login_goes_to_the_registrys_own_domain_over_tls_and_nowhere_else(
    registry: str, realm: str, may: bool
) -> None:
    sent: list[str] = []

    class Recording(Transport):
        def send(self, url: str, *_: Any, authorization: str = "", **__: Any) -> HTTPResponse:
            if not url.startswith(f"{registry}/v2/"):
                sent.append(authorization)
                return BytesIO(b'{"token": "t"}')  # type: ignore[return-value]
            if authorization.startswith("Bearer "):
                return BytesIO(b"weights")  # type: ignore[return-value]
            challenge = Message()
            challenge["WWW-Authenticate"] = f'Bearer realm="{realm}",service="r"'
            raise HTTPError(url, 401, "", challenge, BytesIO())

    opened = oci.Registry(registry, "m", Recording(), "user:canary")
    if may:
        assert opened.blob("sha256:0").read() == b"weights"
        assert len(sent) == 1
    else:
        with pytest.raises(WeightsError, match="a host of the registry's own domain") as caught:
            opened.blob("sha256:0")
        assert sent == []
        assert "canary" not in str(caught.value)


class _Tree(BaseHTTPRequestHandler):
    manifest: ClassVar[bytes] = b""
    tokens: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.tokens.append(self.headers.get("Authorization"))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.manifest)))
        self.end_headers()
        self.wfile.write(self.manifest)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


def test_a_mirror_with_another_model_in_the_place_is_refused() -> None:
    _Tree.manifest = Manifest("other/model", COMMIT, ()).text().encode()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Tree)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    spec = {"kind": "http", "url": f"http://127.0.0.1:{server.server_port}"}
    try:
        with pytest.raises(
            WeightsError, match=f"the manifest of other/model at {COMMIT} in the mirror"
        ):
            source(spec, Commit(REPOSITORY, COMMIT), "", "canary").files()
    finally:
        server.shutdown()
        server.server_close()
    assert _Tree.tokens == ["Bearer canary"]


_SPECS: dict[SourceKind, dict[str, str]] = {
    "hub": {"endpoint": "https://source.test"},
    "http": {"url": "https://source.test"},
    "s3": {"endpoint": "https://source.test", "bucket": "b", "prefix": "", "region": "r"},
    "oci": {"registry": "https://source.test", "prefix": ""},
}


@pytest.mark.parametrize("kind", _SPECS)
@pytest.mark.parametrize(
    ("failure", "transient"),
    [
        (401, False),
        (404, False),
        (429, True),
        (503, True),
        (URLError("connection refused"), True),
        (RemoteDisconnected("closed"), True),
    ],
)
def test_a_list_of_files_that_fails_is_asked_for_again_unless_the_answer_would_be_the_same(
    kind: SourceKind, failure: Exception | int, transient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = failure
    if isinstance(error, int):
        error = HTTPError("https://source.test", error, "", Message(), BytesIO())

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Transport, "send", fail)
    opened = source({"kind": kind, **_SPECS[kind]}, Commit(REPOSITORY, COMMIT), "", "")
    with pytest.raises(WeightsError) as caught:
        opened.files()

    assert isinstance(caught.value, TransientError) is transient
    [fault] = caught.value.faults
    assert fault.path == f"{REPOSITORY} at {COMMIT}"
    if isinstance(failure, int):
        assert fault.got == f"HTTP {failure} from the source"


@pytest.mark.parametrize(
    ("repository", "revision"),
    [
        ("../home/.config/systemd", COMMIT),
        ("/etc/cron.d", COMMIT),
        ("a/../b", COMMIT),
        ("a/..", COMMIT),
        ("../a", COMMIT),
        ("a/b/c", COMMIT),
        ("a", COMMIT),
        ("", COMMIT),
        ("a/b\n", COMMIT),
        (REPOSITORY, "../../victim/.ssh"),
        (REPOSITORY, "main"),
        (REPOSITORY, ""),
        (REPOSITORY, COMMIT.upper() if COMMIT.upper() != COMMIT else "G" * 40),
        (REPOSITORY, f"{COMMIT}\n"),
    ],
)
def test_a_manifest_names_no_folder_outside_its_own(repository: str, revision: str) -> None:
    text = json.dumps({"repository": repository, "revision": revision, "files": {}})

    with pytest.raises(WeightsError, match="a repository as organization/name"):
        Manifest.parse(text)
