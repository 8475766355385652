"""How a CI job signs in to a cluster: by its own identity, which ends, and which nothing shows."""

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.slow

SCRIPT = ROOT / ".ci" / "sign_in.py"
REQUEST_TOKEN = "canary-request-token"


def _jwt(**claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.canary-signature"


class _Forge(BaseHTTPRequestHandler):
    asked: ClassVar[list[tuple[str, str | None]]]
    answer: ClassVar[dict[str, str]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        body = json.dumps(self.answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


@pytest.fixture
def forge() -> Iterator[tuple[type[_Forge], str]]:
    """What gives a job its identity, and where."""
    handler = type("Handler", (_Forge,), {"asked": [], "answer": {"value": _jwt(exp=1795248030)}})
    server = HTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield handler, f"http://127.0.0.1:{server.server_port}/idtoken?version=2"
    server.shutdown()
    server.server_close()


def _run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_job_gets_a_credential_with_its_end(forge: tuple[type[_Forge], str]) -> None:
    handler, url = forge

    done = _run(
        "token",
        ACTIONS_ID_TOKEN_REQUEST_URL=url,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN=REQUEST_TOKEN,
        PAI_CLUSTER_AUDIENCE="https://cluster.example/a b",
    )

    made = json.loads(done.stdout)
    assert made["kind"] == "ExecCredential"
    assert made["status"]["token"] == handler.answer["value"]
    assert made["status"]["expirationTimestamp"] == "2026-11-21T08:00:00Z"
    assert handler.asked == [
        (
            "/idtoken?version=2&audience=https%3A%2F%2Fcluster.example%2Fa%20b",
            f"Bearer {REQUEST_TOKEN}",
        )
    ]


def test_gitlab_gives_it_in_a_variable() -> None:
    token = _jwt(exp=1795248030)

    done = _run("token", PAI_ID_TOKEN=token)

    assert json.loads(done.stdout)["status"]["token"] == token


@pytest.mark.parametrize("token", ["canary", "a.canary.b", _jwt(sub="canary")])
def test_what_is_no_identity_is_refused_and_not_shown(token: str) -> None:
    done = _run("token", PAI_ID_TOKEN=token)

    assert done.returncode == 1
    assert "is not a JWT with an expiry (exp)" in done.stderr
    assert "canary" not in done.stderr + done.stdout


def test_a_forge_that_gives_none_is_said_without_the_token(
    forge: tuple[type[_Forge], str],
) -> None:
    handler, url = forge
    handler.answer = {"message": "canary"}

    done = _run(
        "token",
        ACTIONS_ID_TOKEN_REQUEST_URL=url,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN=REQUEST_TOKEN,
        PAI_CLUSTER_AUDIENCE="cluster",
    )

    assert done.returncode == 1
    assert "canary" not in done.stderr + done.stdout


def test_a_variable_that_lacks_is_named() -> None:
    done = _run("token")

    assert done.returncode == 1
    assert "ACTIONS_ID_TOKEN_REQUEST_URL is not set" in done.stderr


def _kubeconfig(tmp_path: Path, server: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), "kubeconfig", "prod", str(tmp_path / "kubeconfig")],
        cwd=SCRIPT.parents[1],
        env={"PAI_CLUSTER_SERVER": server, "PAI_CLUSTER_CA": "Q0E="},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_kubeconfig_has_the_stacks_context_and_no_token(tmp_path: Path) -> None:
    done = _kubeconfig(tmp_path, "https://api.example:6443")

    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / "kubeconfig").read_text())
    assert made["contexts"][0]["name"] == made["current-context"] == "prod"
    [user] = made["users"]
    assert list(user["user"]) == ["exec"]
    assert user["user"]["exec"]["args"] == [str(SCRIPT), "token"]


def test_the_cluster_is_reached_over_tls_only(tmp_path: Path) -> None:
    assert "https://" in _kubeconfig(tmp_path, "http://api.example").stderr
