"""What the download Job does with a hub: a real one, on loopback, that speaks the hub's API."""

import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import pytest

from components.scripts import fetch_model
from components.scripts.fetch_model import FetchError, Request, run

COMMIT, OTHER, OLDEST = "a" * 40, "b" * 40, "c" * 40
WEIGHTS = b"weights" * 1000


@dataclass
class Hub:
    """A repository, and what the hub does wrong."""

    files: dict[str, bytes] = field(
        default_factory=lambda: {"model.safetensors": WEIGHTS, "config.json": b"{}"}
    )
    stated: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """Content that the stated sums and sizes are of, where it is not what is sent."""
    commit: str = COMMIT
    token: str = ""
    break_after: int = 0
    """Bytes of the first answer with weights after which the connection ends."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list[Any])
    url: str = ""
    elsewhere: "Hub | None" = None
    """Where downloads are redirected to."""

    def listing(self) -> dict[str, Any]:
        """What its API says about the commit."""
        siblings = [self._entry(n, self.stated.get(n, c)) for n, c in self.files.items()]
        return {"sha": self.commit, "siblings": siblings}

    def _entry(self, name: str, content: bytes) -> dict[str, Any]:
        entry: dict[str, Any] = {"rfilename": name, "size": len(content)}
        if name.endswith((".safetensors", ".bin")):
            entry["blobId"] = "pointer"
            entry["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        else:
            header = f"blob {len(content)}\0".encode()
            entry["blobId"] = hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
        return entry


class _Handler(BaseHTTPRequestHandler):
    hub: ClassVar[Hub]

    def do_GET(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.asked.append((path, dict(self.headers)))
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            self.send_error(401)
        elif path == f"/api/models/org/model/revision/{COMMIT}":
            self._send(json.dumps(hub.listing()).encode())
        elif hub.elsewhere and path.startswith("/org/"):
            self.send_response(302)
            self.send_header("Location", hub.elsewhere.url + self.path)
            self.end_headers()
        elif (name := path.removeprefix(f"/org/model/resolve/{COMMIT}/")) in hub.files:
            self._send(hub.files[name], interruptible=name.endswith(".safetensors"))
        else:
            self.send_error(404)

    def _send(self, body: bytes, *, interruptible: bool = False) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        body = body[start:]
        if interruptible and self.hub.break_after:
            body, self.hub.break_after = body[: self.hub.break_after], 0
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


def serve(hub: Hub) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    return server


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(fetch_model.time, "sleep", lambda _: None)
    hub = Hub()
    server = serve(hub)
    yield hub
    server.shutdown()
    server.server_close()


def request(hub: Hub, volume: Path, **given: Any) -> Request:
    return Request(hub.url, "org/model", COMMIT, volume, **given)


def names(directory: Path) -> set[str]:
    return {str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()}


def test_a_model_appears_whole_with_sums_that_sha256sum_reads(hub: Hub, tmp_path: Path) -> None:
    run(request(hub, tmp_path), "")
    model = tmp_path / COMMIT
    check = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=model, capture_output=True, check=False
    )

    assert names(model) == {"model.safetensors", "config.json", "SHA256SUMS", "model.stamp.json"}
    assert check.returncode == 0
    assert names(tmp_path / ".partial") == set()


def test_a_model_that_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    run(request(hub, tmp_path), "")
    hub.asked.clear()
    run(request(hub, tmp_path), "")

    assert hub.asked == []


def test_weights_that_are_not_what_the_hub_states_are_refused_by_name(
    hub: Hub, tmp_path: Path
) -> None:
    hub.stated["model.safetensors"] = WEIGHTS.swapcase()

    with pytest.raises(FetchError, match=r"model\.safetensors: wrong content"):
        run(request(hub, tmp_path), "")
    assert not (tmp_path / COMMIT).exists()
    assert len([path for path, _ in hub.asked if path.endswith(".safetensors")]) == 1


def test_small_files_are_verified_too_by_the_hash_that_git_knows_them_by(
    hub: Hub, tmp_path: Path
) -> None:
    hub.stated["config.json"] = b"[]"

    with pytest.raises(FetchError, match=r"config\.json: wrong content"):
        run(request(hub, tmp_path), "")


def test_a_hub_that_sends_more_than_it_states_is_not_written_to_the_end(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_model, "CHUNK", 100)
    hub.stated["model.safetensors"] = WEIGHTS[:150]
    written: list[int] = []
    add = fetch_model.Sums.add
    monkeypatch.setattr(
        fetch_model.Sums, "add", lambda s, data: (written.append(len(data)), add(s, data))[1]
    )

    with pytest.raises(FetchError, match=r"model\.safetensors"):
        run(request(hub, tmp_path), "")
    assert sum(written) < 300


def test_a_broken_download_goes_on_from_where_it_ended(hub: Hub, tmp_path: Path) -> None:
    hub.break_after = 4000
    run(request(hub, tmp_path), "")
    ranges = [h.get("Range") for path, h in hub.asked if path.endswith(".safetensors")]

    assert ranges == [None, "bytes=4000-"]
    assert (tmp_path / COMMIT / "model.safetensors").read_bytes() == WEIGHTS


def test_what_an_earlier_run_left_wrong_is_fetched_anew(hub: Hub, tmp_path: Path) -> None:
    partial = tmp_path / ".partial" / COMMIT
    partial.mkdir(parents=True)
    (partial / "model.safetensors").write_bytes(b"x" * 4000)
    (partial / "stray.bin").write_bytes(b"x")
    run(request(hub, tmp_path), "")

    assert (tmp_path / COMMIT / "model.safetensors").read_bytes() == WEIGHTS
    assert not (tmp_path / COMMIT / "stray.bin").exists()


def test_a_model_that_lost_a_file_is_mended(hub: Hub, tmp_path: Path) -> None:
    run(request(hub, tmp_path), "")
    (tmp_path / COMMIT / "config.json").unlink()
    hub.asked.clear()
    run(request(hub, tmp_path), "")

    assert (tmp_path / COMMIT / "config.json").read_bytes() == b"{}"
    assert not [path for path, _ in hub.asked if path.endswith(".safetensors")]


def test_code_pickles_and_second_copies_of_the_weights_stay_on_the_hub(
    hub: Hub, tmp_path: Path
) -> None:
    hub.files |= {
        "pytorch_model.bin": b"pickle",
        "original/consolidated.00.pth": b"pickle",
        "modeling.py": b"code",
        "consolidated.safetensors": WEIGHTS,
        "1_Pooling/config.json": b"{}",
        "tokenizer.model": b"tokens",
        "chat_template.jinja": b"{{ }}",
    }
    run(request(hub, tmp_path, pickle=True), "")

    assert names(tmp_path / COMMIT) == {
        "model.safetensors",
        "config.json",
        "1_Pooling/config.json",
        "tokenizer.model",
        "chat_template.jinja",
        "SHA256SUMS",
        "model.stamp.json",
    }


def test_weights_in_pickles_alone_are_refused_unless_they_are_asked_for(
    hub: Hub, tmp_path: Path
) -> None:
    hub.files = {"pytorch_model.bin": b"pickle", "config.json": b"{}"}

    with pytest.raises(FetchError, match="pickle"):
        run(request(hub, tmp_path), "")
    run(request(hub, tmp_path, pickle=True), "")
    assert "pytorch_model.bin" in names(tmp_path / COMMIT)


def test_sums_of_ones_own_outrank_the_hubs_and_say_which_files_are_taken(
    hub: Hub, tmp_path: Path
) -> None:
    sums = {"model.safetensors": hashlib.sha256(WEIGHTS).hexdigest()}
    for volume in ("good", "bad"):
        (tmp_path / volume).mkdir()
    run(request(hub, tmp_path / "good", sha256=sums), "")

    assert names(tmp_path / "good" / COMMIT) == {
        "model.safetensors",
        "SHA256SUMS",
        "model.stamp.json",
    }
    with pytest.raises(FetchError, match=r"model\.safetensors: wrong content"):
        run(request(hub, tmp_path / "bad", sha256={"model.safetensors": "0" * 64}), "")


def test_a_hub_that_gives_another_commit_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.commit = OTHER

    with pytest.raises(FetchError, match="instead of"):
        run(request(hub, tmp_path), "")


def test_a_name_that_leads_out_of_the_directory_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.files["../escape.json"] = b"{}"

    with pytest.raises(FetchError, match="leads out"):
        run(request(hub, tmp_path), "")


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(hub: Hub, tmp_path: Path) -> None:
    hub.token = "canary-token"
    hub.elsewhere = Hub()
    server = serve(hub.elsewhere)
    try:
        run(request(hub, tmp_path), "canary-token")
    finally:
        server.shutdown()
        server.server_close()

    assert len(hub.elsewhere.asked) == 2
    assert not [h for _, h in hub.elsewhere.asked if "Authorization" in h]


def test_a_hub_that_wants_a_token_is_explained_without_showing_ours(
    hub: Hub, tmp_path: Path
) -> None:
    hub.token = "canary-token"

    with pytest.raises(FetchError, match="accept the model's licence") as caught:
        run(request(hub, tmp_path), "wrong-canary")
    assert "canary" not in str(caught.value)


def test_the_newest_other_revision_stays_for_the_pods_that_read_it(
    hub: Hub, tmp_path: Path
) -> None:
    for age, revision in ((1, OLDEST), (2, OTHER)):
        (tmp_path / revision).mkdir()
        stamp = tmp_path / revision / "model.stamp.json"
        stamp.write_text("{}")
        fetch_model.os.utime(stamp, (age, age))
    (tmp_path / ".partial" / OLDEST).mkdir(parents=True)
    (tmp_path / "lost+found").mkdir()
    run(request(hub, tmp_path), "")

    assert {d.name for d in tmp_path.iterdir()} == {COMMIT, OTHER, ".partial", "lost+found"}
    assert not list((tmp_path / ".partial").iterdir())


def test_a_volume_that_is_too_small_is_said_to_be_before_anything_is_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = fetch_model.shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr(fetch_model.shutil, "disk_usage", lambda _: usage)

    with pytest.raises(FetchError, match="10 are free"):
        run(request(hub, tmp_path), "")
    assert len(hub.asked) == 1


def test_a_hub_that_keeps_failing_is_given_up(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(fetch_model, "receive", fail)

    with pytest.raises(FetchError, match=r"config\.json: the hub does not answer"):
        run(request(hub, tmp_path), "")


def test_the_program_ends_with_one_line_and_without_a_trace(hub: Hub, tmp_path: Path) -> None:
    hub.commit = OTHER
    config = {"endpoint": hub.url, "repository": "org/model", "revision": COMMIT, "pickle": False}
    (tmp_path / "request.json").write_text(
        json.dumps({**config, "sha256": {}, "volume": str(tmp_path)})
    )

    with pytest.raises(SystemExit) as caught:
        fetch_model.main(str(tmp_path / "request.json"))
    assert caught.value.code == f"the hub gives commit {OTHER} instead of {COMMIT}"
