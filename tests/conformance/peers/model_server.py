"""A tiny server that answers as vLLM does, over TLS, and remembers what it was asked."""

import json
import ssl
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from sim.ports import LOOPBACK, free_port
from tests.conformance.peers.certificates import Certificates

PROMPT_TOKENS = 10
COMPLETION_TOKENS = 40
"""Of an answer whose length the question does not bound; it is else as long as it may be."""


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    path: str
    authorization: str | None
    body: Mapping[str, Any]


@dataclass(frozen=True)
class ModelServer:
    """Its address, and what it was asked so far."""

    address: str
    """Host and port."""
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Without a path."""
        return f"https://{self.address}"


@contextmanager
def start(certificates: Certificates, port: int | None = None) -> Generator[ModelServer]:
    """Serve on *port*, else on a free one, of the loopback interface until the block ends."""
    port = port or free_port()
    server = ModelServer(f"localhost:{port}")

    class Handler(_Handler):
        asked = server.requests

    listener = ThreadingHTTPServer((LOOPBACK, port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    asked: ClassVar[list[Request]]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Nothing: the requests are in `asked`."""

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.loads(content) if self.headers.get_content_type() == "application/json" else {}
        self.asked.append(Request(self.path, self.headers.get("Authorization"), body))
        model = body.get("model", "")
        if self.path == "/v1/chat/completions":
            if body.get("stream"):
                self._stream(model)
            else:
                answer = _chat(model, "chat.completion", message=_SAID, finish_reason="stop")
                used = _usage(body.get("max_tokens", COMPLETION_TOKENS))
                self._send({**answer, "usage": used})
        elif self.path == "/v1/embeddings":
            inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
            vectors = [
                {"object": "embedding", "index": index, "embedding": [0.5, 0.5]}
                for index, _ in enumerate(inputs)
            ]
            self._send({"object": "list", "model": model, "data": vectors, "usage": _usage(0)})
        elif self.path in {"/v1/rerank", "/rerank"} and "texts" in body:  # as TEI does
            self._send([{"index": index, "score": 0.5} for index, _ in enumerate(body["texts"])])
        elif self.path in {"/v1/rerank", "/rerank"}:
            plain = model.startswith("infinity")  # which gives a document as it came
            results = [
                {
                    "index": index,
                    "relevance_score": 0.5,
                    "document": text if plain else {"text": text},
                }
                for index, text in enumerate(body["documents"])
            ]
            self._send({"id": "rerank", "model": model, "results": results, "usage": _usage(0)})
        elif self.path == "/v1/audio/transcriptions":
            self._send({"text": "bonjour"})
        elif self.path == "/v1/audio/speech":
            self._send("sound")
        else:
            self._send({"error": f"no {self.path} here"}, 404)

    def _send(self, answer: object, status: int = 200) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, model: str) -> None:
        kind = "chat.completion.chunk"
        chunks = [
            _chat(model, kind, usage=None, delta=_SAID, finish_reason=None),
            _chat(model, kind, usage=None, delta={}, finish_reason="stop"),
            {**_chat(model, kind), "choices": []},
        ]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")


_SAID = {"role": "assistant", "content": "bonjour"}


def _usage(completion: int = COMPLETION_TOKENS) -> dict[str, int]:
    return {
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": completion,
        "total_tokens": PROMPT_TOKENS + completion,
    }


def _chat(model: str, kind: str, *, usage: object = ..., **choice: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": "answer",
        "object": kind,
        "created": 1,
        "model": model,
        "choices": [{"index": 0, **choice}],
    }
    return answer if usage is None else {**answer, "usage": _usage()}
