"""A real API server under the documented AuthenticationConfiguration takes a CI job's own identity.

The issuer is one on loopback: its address and authority take the place of the forge's in the file,
and nothing else does.
"""

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from rich.console import Console

from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from sim import command_lines
from sim.command_lines import Layout
from sim.control_plane import SimCluster
from tests.conformance.peers.certificates import Certificates
from tests.engine.sim_support import eventually
from tests.paths import ROOT
from toolchain import build

DOCUMENTED = ROOT / "docs" / "how-to" / "authentication-configuration.yaml"
_FORGE = "https://token.actions.githubusercontent.com"
_AUDIENCE = "https://kubernetes.example/pai"
Review = Callable[..., Mapping[str, Any] | None]


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class _Issuer(BaseHTTPRequestHandler):
    url: ClassVar[str]
    keys: ClassVar[dict[str, Any]]

    def do_GET(self) -> None:
        found: dict[str, Any] = {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        body = json.dumps(self.keys if self.path == "/keys" else found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Review]:
    """Whom the API server takes a job with some claims for; None: for nobody."""
    folder = tmp_path_factory.mktemp("identity")
    certificates = Certificates.issue(folder / "tls")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "RSA",
        "kid": "a",
        "alg": "RS256",
        "use": "sig",
        "n": _b64(numbers.n.to_bytes(256, "big")),
        "e": _b64(numbers.e.to_bytes(3, "big")),
    }

    class Handler(_Issuer):
        keys: ClassVar = {"keys": [jwk]}

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Handler.url = issuer = f"https://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    configuration = yaml.safe_load(DOCUMENTED.read_text())
    [trusted] = configuration["jwt"]
    assert trusted["issuer"]["url"] == _FORGE
    trusted["issuer"] |= {
        "url": issuer,
        "certificateAuthority": certificates.authority.read_text(),
    }
    file = folder / "authentication.yaml"
    file.write_text(yaml.safe_dump(configuration))

    def signed(claims: Mapping[str, Any]) -> str:
        header = {"alg": "RS256", "kid": "a", "typ": "JWT"}
        text = ".".join(_b64(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{_b64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    with pytest.MonkeyPatch.context() as patch:
        plain = command_lines.apiserver

        def apiserver(layout: Layout) -> list[str]:
            return [*plain(layout), f"--authentication-config={file}"]

        patch.setattr(command_lines, "apiserver", apiserver)
        toolchain = build.ensure("cluster", Console(stderr=True))
        expects = ClusterConfig(
            context="identity",
            identifier="identity",
            nodes=[NodeGroup(profile="cpu-8", count=1)],
            storage_classes=[StorageClassConfig(name="fast", default=True)],
        )
        with SimCluster.start(expects, folder / "cluster", toolchain) as cluster:
            trust = ssl.create_default_context(cafile=str(cluster.layout.tls / "ca.crt"))

            def asked(**claims: Any) -> Mapping[str, Any] | None:
                now = int(time.time())
                whole = {
                    "iss": issuer,
                    "aud": _AUDIENCE,
                    "iat": now,
                    "nbf": now,
                    "exp": now + 300,
                    "sub": "repo:team/stack:environment:x",
                    "repository_id": "123456789",
                    "ref": "refs/heads/main",
                    **claims,
                }
                answer = httpx.post(
                    f"{cluster.layout.server}/apis/authentication.k8s.io/v1/selfsubjectreviews",
                    headers={"Authorization": f"Bearer {signed(whole)}"},
                    json={
                        "apiVersion": "authentication.k8s.io/v1",
                        "kind": "SelfSubjectReview",
                    },
                    verify=trust,
                    trust_env=False,
                    timeout=60,
                )
                return answer.json()["status"]["userInfo"] if answer.is_success else None

            # It asks the issuer for its keys in the background.
            eventually(lambda: asked(environment="preview-prod"))
            yield asked
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("claims", "group"),
    [
        ({"environment": "preview-prod", "ref": "refs/pull/7/merge"}, "pai:previews"),
        ({"environment": "drift-prod"}, "pai:drift"),
        ({"environment": "prod"}, "pai:deployments"),
        ({"environment": "staging"}, "pai:deployments"),
        ({"environment": "prod", "ref": "refs/heads/topic"}, None),
        ({"environment": "other"}, None),
        ({}, None),
    ],
)
def test_a_job_is_in_the_group_of_its_environment(
    review: Review, claims: dict[str, str], group: str | None
) -> None:
    user = review(**claims)

    assert user
    assert user["username"] == "ci:repo:team/stack:environment:x"
    assert [g for g in user["groups"] if g.startswith("pai:")] == ([group] if group else [])


@pytest.mark.parametrize(
    "claims",
    [
        {"repository_id": "987"},
        {"aud": "another"},
        {"iss": "https://elsewhere.example"},
        {"exp": 1},
    ],
)
def test_another_repository_audience_or_forge_or_an_old_token_is_nobody(
    review: Review, claims: dict[str, Any]
) -> None:
    assert review(environment="prod", **claims) is None
