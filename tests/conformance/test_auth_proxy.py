"""A real nginx stands before an engine as it is generated: TLS, a key, paths, streams, a drain."""

import json
import signal
import socket
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.models.engines import auth_proxy
from config.settings.engines import Engine
from sim.ports import LOOPBACK
from tests.conformance.peers import nginx
from tests.conformance.peers.certificates import Certificates
from tests.conformance.peers.nginx import Nginx
from tests.conformance.peers.process import ANSWER_SECONDS
from tests.unit.components.models.engines.engines_asked import OTHERS, SECRET, Served, serve

KEY = "canary-password"
"""What the mocks compute for every password."""
HEADERS = {"Authorization": f"Bearer {KEY}"}


class _Engine(ThreadingHTTPServer):
    """What the pod's loopback address answers in an engine's place."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.go_on = threading.Event()

    @property
    def port(self) -> int:
        return self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else the body waits 40 ms for the acknowledgement of the headers.
    disable_nagle_algorithm = True
    server: _Engine  # pyrefly: ignore[bad-override-mutable-attribute] - this one alone

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Nothing."""

    def do_GET(self) -> None:
        """Say what arrived, or take up a WebSocket."""
        asked = (self.headers.get("Connection"), self.headers.get("Upgrade"))
        if asked == ("upgrade", "websocket"):
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.end_headers()
            self.wfile.write(b"opened")
            self.close_connection = True
            return
        content = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        """Half an answer at once, and the rest when the test says so."""
        size = len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(f"read {size}\n")
        self.server.go_on.wait(10)
        self._chunk("done\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
        self.wfile.flush()


@pytest.fixture
def engine() -> Iterator[_Engine]:
    server = _Engine()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def standing(
    folder: Path, served: Served, certificates: Certificates, behind: int
) -> Generator[Nginx]:
    """The auth proxy of *served*, before port *behind*."""
    config = served.nginx()
    known = served.asked.one(SECRET, "chat").inputs["stringData"]
    [own] = {
        line.split(":")[-1].split("/")[0].rstrip(";\n")
        for line in config.split("\n")
        if "proxy_pass" in line
    }
    moves = {"/run/secrets/front": str(folder), f"127.0.0.1:{own}": f"{LOOPBACK}:{behind}"}
    with nginx.start(folder, config, known, moves, certificates) as running:
        yield running


@pytest.fixture
def chat(tmp_path: Path, certificates: Certificates, engine: _Engine) -> Iterator[Nginx]:
    """Before llama.cpp."""
    with standing(tmp_path, serve("llama-cpp"), certificates, engine.port) as running:
        yield running


@pytest.mark.parametrize("name", OTHERS)
def test_the_auth_proxy_of_every_engine_starts_and_asks_it_whether_it_is_well(
    tmp_path: Path, certificates: Certificates, engine: _Engine, name: Engine
) -> None:
    with (
        standing(tmp_path, serve(name), certificates, engine.port) as running,
        running.client() as client,
    ):
        assert client.get(auth_proxy.HEALTH).is_success
        assert client.get("/v1/anything", headers=HEADERS).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer other"},
        {"Authorization": f"Bearer {KEY.upper()}"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Bearer x{KEY}"},
        {"Authorization": KEY},
    ],
)
def test_without_the_very_key_nothing_is_let_in(chat: Nginx, headers: dict[str, str]) -> None:
    with chat.client() as client:
        assert client.get("/v1/models", headers=headers).status_code == 401


def test_with_the_key_a_named_path_is_let_in_and_the_key_stays_outside(chat: Nginx) -> None:
    with chat.client() as client:
        answer = client.get("/v1/models?x=1", headers={**HEADERS, "Origin": "https://page.test"})

    arrived = answer.json()
    assert arrived["path"] == "/v1/models?x=1"
    assert arrived["headers"]["Host"] == "localhost"
    assert {"Authorization", "Origin"} & set(arrived["headers"]) == set()


@pytest.mark.parametrize("path", ["/", "/slots", "/props", "/v1/models/x", "/v1/../slots"])
def test_no_other_path_is_let_in_whoever_asks(chat: Nginx, path: str) -> None:
    with chat.client() as client:
        assert client.get(path, headers=HEADERS).status_code == 404


def test_health_and_metrics_need_no_key_and_can_only_be_read(chat: Nginx) -> None:
    with chat.client() as client:
        for path in (auth_proxy.HEALTH, auth_proxy.METRICS):
            assert client.get(path).is_success
            assert client.post(path).status_code == 403


def test_it_speaks_tls_alone_and_not_the_old_kinds(chat: Nginx) -> None:
    clear = httpx.get(f"http://{LOOPBACK}:{chat.port}/health", timeout=ANSWER_SECONDS)
    assert (clear.status_code, "HTTPS port" in clear.text) == (400, True)
    context = chat.certificates.trust
    with (
        socket.create_connection((LOOPBACK, chat.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.version() == "TLSv1.3"


def test_an_answer_is_passed_on_as_it_comes(chat: Nginx, engine: _Engine) -> None:
    with (
        chat.client() as client,
        client.stream("POST", "/v1/chat/completions", headers=HEADERS, json={}) as answer,
    ):
        lines = answer.iter_lines()
        first = next(lines)
        engine.go_on.set()

        assert first.startswith("read ")
        assert list(lines) == ["done"]


def test_a_long_recording_is_taken_and_an_endless_one_is_not(chat: Nginx, engine: _Engine) -> None:
    engine.go_on.set()
    with chat.client() as client:
        path = "/v1/chat/completions"
        long = client.post(path, headers=HEADERS, content=bytes(30_000_000))
        endless = client.post(path, headers=HEADERS, content=bytes(auth_proxy.MAX_BODY_BYTES + 1))

    assert long.text.startswith("read 30000000")
    assert endless.status_code == 413


def _listens(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=5).close()
    except OSError:
        return False
    return True


def test_what_runs_is_ended_well_when_it_is_told_to_quit(chat: Nginx, engine: _Engine) -> None:
    with (
        chat.client() as client,
        client.stream("POST", "/v1/chat/completions", headers=HEADERS, json={}) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        chat.running.process.send_signal(signal.SIGQUIT)
        while _listens(chat.port):
            pass
        engine.go_on.set()

        assert list(lines) == ["done"]
    assert chat.running.process.wait(10) == 0


def test_the_chat_can_wait_for_an_image_on_a_websocket(
    tmp_path: Path, certificates: Certificates, engine: _Engine
) -> None:
    upgrade = {**HEADERS, "Connection": "Upgrade", "Upgrade": "websocket"}
    asked = "".join(f"{key}: {value}\r\n" for key, value in upgrade.items())
    with (
        standing(tmp_path, serve("comfyui"), certificates, engine.port) as running,
        socket.create_connection((LOOPBACK, running.port), timeout=10) as plain,
        certificates.trust.wrap_socket(plain, server_hostname="localhost") as secure,
        secure.makefile("rb") as answer,
    ):
        secure.sendall(f"GET /ws?clientId=1 HTTP/1.1\r\nHost: x\r\n{asked}\r\n".encode())

        assert b"101" in answer.readline()
        assert answer.read().endswith(b"opened")


def test_neither_the_key_nor_what_was_asked_is_in_its_log(chat: Nginx, engine: _Engine) -> None:
    engine.go_on.set()
    with chat.client() as client:
        client.post("/v1/chat/completions", headers=HEADERS, json={"prompt": "a secret of mine"})
        client.get("/slots", headers=HEADERS)
    seen = chat.running.output() + chat.running.exposed()

    assert "nginx" in seen
    assert KEY not in seen
    assert "a secret of mine" not in seen
