"""`pai size` of a model that the catalog lacks, from a hub that runs here."""

import json
import struct
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import size_hub
from cli.main import app
from config.settings.model_store import HttpSource
from tests.hub import COMMIT, REPOSITORY, Hub, serving, sha256
from tests.unit.cli.test_size import MISTRAL
from weights.files import File
from weights.manifest import Manifest


def shard(*sizes: int) -> bytes:
    """A safetensors file with tensors of these sizes."""
    ends = [sum(sizes[: number + 1]) for number in range(len(sizes))]
    tensors: dict[str, Any] = {
        f"t{end}": {"dtype": "U8", "shape": [size], "data_offsets": [end - size, end]}
        for size, end in zip(sizes, ends, strict=True)
    }
    header = json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(sum(sizes))


INDEX = {"metadata": {"total_size": 1}, "weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}


@pytest.fixture
def hub() -> Iterator[Hub]:
    files = {
        "config.json": json.dumps(MISTRAL).encode(),
        "model.safetensors.index.json": json.dumps(INDEX).encode(),
        "1.safetensors": shard(3_000_000, 5_000),
        "2.safetensors": shard(700_000),
    }
    with serving(Hub(files=files)) as hub:
        yield hub


def size(hub: Hub, *options: str, status: int = 0, name: str = REPOSITORY) -> str:
    command = ["size", name, "--endpoint", hub.url, *options]
    found = CliRunner().invoke(app, command, env={"COLUMNS": "120", "TERM": "dumb"})
    assert found.exit_code == status, found.output
    return found.output if status else found.stdout


def test_a_name_of_the_hub_has_the_shape_of_its_config_and_the_bytes_of_its_headers(
    hub: Hub,
) -> None:
    found = json.loads(size(hub, "--json"))
    assert (found["model"], found["weights_bytes"]) == (REPOSITORY, 3_705_000)
    assert found["kv_bytes_per_token"] == 2 * 32 * 8 * 128 * 2
    ranges = [ask for ask in hub.ranges() if ask]
    assert len(ranges) == len(hub.ranges()) == 4
    asked = [ask.removeprefix("bytes=").split("-") for ask in ranges]
    assert all(int(end) < 1_000 for _, end in asked), "headers alone"


def test_a_server_without_ranges_gives_the_same(hub: Hub) -> None:
    hub.knows_ranges = False
    assert json.loads(size(hub, "--json"))["weights_bytes"] == 3_705_000


def test_weights_in_other_files_are_computed_from_the_shape(hub: Hub) -> None:
    del hub.files["2.safetensors"]
    assert json.loads(size(hub, "--json"))["weights_bytes"] == 14_496_047_104


def test_a_downloads_redirect_is_followed_and_the_token_stays(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.token = "hf_secret"
    with serving(Hub(files=dict(hub.files))) as elsewhere:
        hub.elsewhere = elsewhere
        size(hub)
        assert {headers.get("Authorization") for _, headers in elsewhere.asked} == {None}


def test_a_model_that_cannot_be_sized_is_refused_with_what_is_known(hub: Hub) -> None:
    hub.files["config.json"] = json.dumps(MISTRAL | {"moonlight_rank": 64}).encode()
    text = size(hub, status=2)
    assert "moonlight_rank" in text
    assert "Its weights are 0.0 GB as stored" in text


@pytest.mark.parametrize(
    ("change", "message", "status"),
    [
        ({"config.json": b"[]"}, "no JSON object", 2),
        ({"config.json": b"{"}, "no JSON object", 2),
        ({"1.safetensors": b"x"}, "a header of", 2),
        ({"1.safetensors": b"\xff" * 64}, "a header of", 2),
        ({"1.safetensors": struct.pack("<Q", 2) + b"[]"}, "no list of tensors", 2),
    ],
)
def test_files_that_are_not_what_they_should_be_are_told(
    hub: Hub, change: dict[str, bytes], message: str, status: int
) -> None:
    hub.files |= change
    assert message in size(hub, status=status)


def test_what_is_not_there_is_told(hub: Hub) -> None:
    assert "an answer 401" in size(hub, name="org/other", status=1)  # as the real one says it
    del hub.files["config.json"]
    assert "no config.json" in size(hub, status=2)


def test_a_hub_that_does_not_answer_is_told(hub: Hub) -> None:
    gone = Hub(url="http://127.0.0.1:1")
    assert "check the network" in size(gone, status=1)
    assert hub.asked == []


@pytest.mark.parametrize("url", ["http://hub.example", "ftp://127.0.0.1", "file:///etc", "hub"])
def test_only_https_is_spoken(url: str) -> None:
    assert "https://" in size(Hub(url=url), status=2)


def test_a_hub_that_leads_to_plain_http_elsewhere_is_refused(hub: Hub) -> None:
    with serving(Hub(files=dict(hub.files))) as elsewhere:
        hub.elsewhere = elsewhere
        elsewhere.url = elsewhere.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")
        assert "a URL that begins with https://" in size(hub, status=2)


def test_a_commit_is_read_though_the_catalog_knows_the_model(hub: Hub) -> None:
    assert json.loads(size(hub, "--revision", COMMIT, "--json"))["weights_bytes"] == 3_705_000


@pytest.fixture
def mirror(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same commit at a web server, as `pai models import` lays it out, of a stack's store."""
    folder = tmp_path / REPOSITORY / COMMIT
    folder.mkdir(parents=True)
    for name, content in hub.files.items():
        (folder / name).write_bytes(content)
    files = tuple(File(n, len(c), sha256=sha256(c)) for n, c in hub.files.items())
    Manifest(REPOSITORY, COMMIT, files).write(folder)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    source = HttpSource.model_construct(kind="http", url=url)
    config = SimpleNamespace(model_store=SimpleNamespace(source=source, authority=None))
    monkeypatch.setattr(size_hub, "stack_config", lambda _: config)
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("mirror")
def test_a_stacks_mirror_gives_the_same_as_the_hub(hub: Hub) -> None:
    found = json.loads(size(hub, "--stack", "mine", "--revision", COMMIT, "--json"))
    assert (found["model"], found["weights_bytes"]) == (REPOSITORY, 3_705_000)
    assert hub.asked == []
    assert "--revision" in size(hub, "--stack", "mine", status=2)
