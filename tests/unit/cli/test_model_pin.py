"""`pai models pin` against a hub and mirrors that run here, and stack files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from cli import model_commits, model_targets
from cli.main import app
from config.load import load
from config.reference import KEY
from config.settings.model_store import HttpSource, ModelStoreSettings, OciSource, S3Source
from tests.hub import COMMIT, WEIGHTS, Hub, serving, sha256
from tests.mirrors import CREDENTIALS, FILES, mirror
from tests.paths import ROOT
from weights.sources import SourceKind

STACK = """\
# Ours.
config:
  private-ai:hub-token: {secure: v1:abc}  # a secret
  private-ai:stack:
    model_store: {cidrs: [0.0.0.0/0]}
    models:
      chat:
        model: qwen3-4b   # small
        dtype: fp8

        pool: rtx
        vllm:
          adapters:
            legal: {repository: org/lora, rank: 8, size: 1Gi}
      embeddings: {model: bge-m3, pool: rtx}   # pinned by the catalog
      other: {model: gpt-oss-20b, pool: rtx, revision: main, context_tokens: 8192}
    # the end
"""
REPOSITORIES = ("Qwen/Qwen3-4B-FP8", "org/lora", "openai/gpt-oss-20b", "BAAI/bge-m3", "org/model")
DIGESTS = {"config.json": sha256(b"{}"), "model.safetensors": sha256(WEIGHTS)}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(model_commits.time, "sleep", lambda _: None)
    with serving(Hub(repositories=REPOSITORIES, resolve_cache=True)) as hub:
        yield hub


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "Pulumi.mine.yaml"
    file.write_text(STACK)
    return file


def pin(*words: object) -> Result:
    command = ["models", "pin", *map(str, words)]
    return CliRunner().invoke(app, command, env={"COLUMNS": "120", "TERM": "dumb"})


def pinned(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text())["config"][KEY]["models"]


# What is written


def test_every_model_without_a_commit_gets_it_and_the_rest_of_the_file_stays(
    hub: Hub, file: Path
) -> None:
    done = pin("--all", "--config-file", file, "--endpoint", hub.url)

    assert done.exit_code == 0, done.output
    models = pinned(file)
    for entry in (models["chat"], models["chat"]["vllm"]["adapters"]["legal"], models["other"]):
        assert (entry["revision"], entry["sha256"]) == (COMMIT, DIGESTS)
    assert "revision" not in models["embeddings"]
    before, after = STACK.splitlines(), file.read_text().splitlines()
    assert [line for line in before if line not in after] == [
        "            legal: {repository: org/lora, rank: 8, size: 1Gi}",
        "      other: {model: gpt-oss-20b, pool: rtx, revision: main, context_tokens: 8192}",
    ]
    assert after[9:14] == [
        f"        revision: {COMMIT}",
        "        sha256:",
        *(f"          {name}: {digest}" for name, digest in DIGESTS.items()),
        "",
    ]
    assert f"+        revision: {COMMIT}" in done.stdout
    assert [p.name for p in file.parent.iterdir()] == [file.name]


def test_what_is_pinned_already_is_left_alone(hub: Hub, file: Path) -> None:
    pin("--all", "--config-file", file, "--endpoint", hub.url)
    text = file.read_text()
    again = pin("--all", "--config-file", file, "--endpoint", hub.url)
    by_name = pin("chat", "--config-file", file, "--endpoint", hub.url, "--check")

    assert (again.exit_code, by_name.exit_code) == (0, 0), by_name.output
    assert again.stdout == "Pulumi.mine.yaml: unchanged\n"
    assert file.read_text() == text


def test_a_newer_commit_takes_the_place_of_commit_and_digests(hub: Hub, file: Path) -> None:
    pin("chat", "--config-file", file, "--endpoint", hub.url)
    hub.commit, hub.files["config.json"] = "b" * 40, b"[]"
    checked = pin("chat", "--config-file", file, "--endpoint", hub.url, "--check")
    assert checked.exit_code == 1
    assert pinned(file)["chat"]["revision"] == COMMIT
    assert f"-        revision: {COMMIT}" in checked.stdout

    assert pin("chat", "--config-file", file, "--endpoint", hub.url).exit_code == 0
    chat = pinned(file)["chat"]
    assert (chat["revision"], chat["sha256"]["config.json"]) == ("b" * 40, sha256(b"[]"))
    assert file.read_text().count("sha256:") == 1


@pytest.mark.parametrize("name", ["gpt-oss-20b", "openai/gpt-oss-20b", "OpenAI/GPT-OSS-20B"])
def test_names_that_people_know_mean_the_models_of_the_stack(
    hub: Hub, file: Path, name: str
) -> None:
    done = pin(name, "--config-file", file, "--endpoint", hub.url, "--json")

    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["written"], found["failed"]) == (True, [])
    [entry] = found["pinned"]
    assert (entry["name"], entry["previous"], entry["revision"]) == ("other", "main", COMMIT)
    assert (entry["sha256"], entry["bytes"]) == (DIGESTS, len(WEIGHTS) + 2)


def test_without_a_stack_the_lines_are_printed(hub: Hub) -> None:
    done = pin("gpt-oss-20b", "--endpoint", hub.url)

    assert done.exit_code == 0, done.output
    head, _, lines = done.stdout.partition("\n")
    assert head.startswith(f"gpt-oss-20b: openai/gpt-oss-20b at {COMMIT}, 2 files")
    assert yaml.safe_load(lines) == {"revision": COMMIT, "sha256": DIGESTS}


def test_the_refusal_of_a_model_without_commit_names_the_command_which_mends_it(
    hub: Hub, tmp_path: Path
) -> None:
    raw = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    raw["config"][KEY]["models"]["chat"]["dtype"] = "fp8"
    file = tmp_path / "Pulumi.x.yaml"
    file.write_text(yaml.safe_dump(raw))
    refused = CliRunner().invoke(app, ["plan", "--stack", "x", "--config-file", str(file)])
    command = "pai models pin qwen3-4b --stack x"
    assert f"Run: {command}" in refused.output

    done = pin(*command.split()[3:4], "--config-file", file, "--endpoint", hub.url)
    assert done.exit_code == 0, done.output
    settings = yaml.safe_load(file.read_text())["config"][KEY]
    assert load(settings, "x").models["chat"].checkpoint.revision == COMMIT


def test_a_commit_that_looks_like_a_number_stays_text(hub: Hub, file: Path) -> None:
    hub.commit = "1" * 40
    pin("chat", "--config-file", file, "--endpoint", hub.url)
    assert pinned(file)["chat"]["revision"] == "1" * 40


def test_line_ends_of_windows_stay(hub: Hub, file: Path) -> None:
    file.write_bytes(STACK.replace("\n", "\r\n").encode())
    for commit in (COMMIT, "b" * 40):
        hub.commit, hub.files["config.json"] = commit, commit.encode()
        assert pin("--config-file", file, "--endpoint", hub.url, "chat", "other").exit_code == 0
        content = file.read_bytes()
        assert content.count(b"\n") == content.count(b"\r\n") == STACK.count("\n") + 4 + 2


def test_settings_that_two_models_share_by_an_anchor_are_not_changed(hub: Hub, file: Path) -> None:
    text = STACK.replace("other: {", "other: &same {").replace("    # the end", "      x: *same")
    file.write_text(text)
    done = pin("other", "--config-file", file, "--endpoint", hub.url)

    assert done.exit_code == 1
    assert f"write it yourself: revision: {COMMIT}" in done.stderr
    assert file.read_text() == text


# What goes wrong


def test_a_failure_keeps_no_other_model_from_being_pinned(hub: Hub, file: Path) -> None:
    hub.repositories = REPOSITORIES[:2]
    done = pin("chat", "other", "--config-file", file, "--endpoint", hub.url, "--json")

    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert ([p["name"] for p in found["pinned"]], found["written"]) == (["chat"], True)
    assert [(f["name"], f["host"], f["got"]) for f in found["failed"]] == [
        (
            "other",
            hub.url.removeprefix("http://"),
            "HTTP 401: openai/gpt-oss-20b does not exist, or is not shown to this token",
        )
    ]
    assert done.stderr == ""
    assert pinned(file)["chat"]["revision"] == COMMIT


def test_a_hub_that_is_not_there_is_asked_once_and_named_once(file: Path) -> None:
    done = pin("--all", "--config-file", file, "--endpoint", "http://127.0.0.1:1")

    assert done.exit_code == 1
    assert done.stderr == (
        "127.0.0.1:1\n"
        "    got:      cannot be reached (Connection refused)\n"
        "    allowed:  a commit and files of each of 3: chat, chat adapter-legal, other\n"
        "    change:   Check the network, the proxy and the certificates\n"
    )
    assert file.read_text() == STACK


@pytest.mark.parametrize("token", ["", "hf_canary"])
def test_a_gated_model_says_which_tokens_to_set(
    hub: Hub, file: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    hub.gated, hub.token = True, "hf_canary"
    monkeypatch.setenv("HF_TOKEN", token)
    done = pin("other", "--config-file", file, "--endpoint", hub.url)

    assert done.exit_code == 1
    assert f"HTTP {403 if token else 401}: openai/gpt-oss-20b is gated" in done.stderr
    assert f"Accept it at {hub.url}/openai/gpt-oss-20b, then set HF_TOKEN" in done.stderr
    assert "pulumi config set --secret hub-token" in done.stderr
    assert "canary" not in done.output


def test_the_token_goes_to_the_hub_alone(
    hub: Hub, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_canary"
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    with serving(Hub(repositories=REPOSITORIES)) as hub.elsewhere:
        done = pin("other", "--config-file", file, "--endpoint", hub.url)
        assert done.exit_code == 0, done.output
        assert hub.elsewhere.asked
        assert not [h for _, h in hub.elsewhere.asked if "Authorization" in h]


def test_a_repository_that_was_renamed_is_pinned_and_told(
    hub: Hub, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token, hub.renamed, hub.repositories = "t", "openai/gpt-oss-20b", ("openai/newer",)
    monkeypatch.setenv("HF_TOKEN", "t")
    done = pin("other", "--config-file", file, "--endpoint", hub.url)

    assert done.exit_code == 0, done.output
    assert "the hub calls it openai/newer now" in done.stdout
    assert pinned(file)["other"]["sha256"] == DIGESTS


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [({"Retry-After": "7"}, 7), ({"RateLimit": '"api";r=0;t=9'}, 9), ({}, 5)],
)
def test_a_limit_of_requests_is_waited_for_as_long_as_the_hub_says(
    hub: Hub, file: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, str], seconds: int
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(model_commits.time, "sleep", slept.append)
    hub.limited, hub.limits = 2, limits
    done = pin("other", "--config-file", file, "--endpoint", hub.url)

    assert done.exit_code == 0, done.output
    assert slept == [seconds, seconds]
    assert f"asking again in {seconds} s (1 of 4)" in done.stderr


def test_a_limit_that_takes_longer_ends_the_command(hub: Hub, file: Path) -> None:
    hub.limited, hub.limits = 9, {"Retry-After": "300"}
    done = pin("--all", "--config-file", file, "--endpoint", hub.url)

    assert done.exit_code == 1
    assert "HTTP 429: a limit of requests, for another 300 s" in done.stderr
    assert "each of 3: chat, chat adapter-legal, other" in done.stderr
    assert hub.limited == 8, "the others would be refused as well"


def test_small_files_are_held_against_the_hash_that_the_hub_states(hub: Hub, file: Path) -> None:
    hub.stated["config.json"] = b"[]"
    done = pin("other", "--config-file", file, "--endpoint", hub.url)

    assert done.exit_code == 1
    assert "config.json: wrong content" in done.stderr
    assert file.read_text() == STACK


def test_pickles_are_refused_by_name(hub: Hub, file: Path) -> None:
    hub.files = {"pytorch_model.bin": b"pickle", "config.json": b"{}"}
    done = pin("other", "--config-file", file, "--endpoint", hub.url)
    assert "pytorch_model.bin: a pickle" in done.stderr


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"sha": 1, "siblings": [{}]}', b"\xff"])
def test_an_answer_of_another_form_is_told(
    hub: Hub, file: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr("tests.hub.json.dumps", lambda _: body.decode("latin-1"))
    done = pin("other", "--config-file", file, "--endpoint", hub.url)
    assert done.exit_code == 1
    assert "an answer of another form" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nosuch"], "a model of Pulumi.mine.yaml: chat (Qwen/Qwen3-4B-FP8)"),
        ([], "models, or --all with --stack"),
        (["chat", "--all"], "a stack and no names"),
        (["chat", "--from", "mirror"], "model_store.source is a hub"),
        (["chat", "other", "--revision", COMMIT], "a commit belongs to one of"),
        (["chat", "--endpoint", "http://hub.example"], "https://"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_asked(
    hub: Hub, file: Path, words: list[str], message: str
) -> None:
    done = pin("--endpoint", hub.url, "--config-file", file, *words)
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert hub.asked == []


def test_a_revision_that_there_is_not_is_told(hub: Hub, file: Path) -> None:
    done = pin("chat", "--config-file", file, "--endpoint", hub.url, "--revision", "nosuch")
    assert (done.exit_code, "no revision nosuch" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "config: 1",
        "config: {private-ai:stack: 3}",
        "config: {private-ai:stack: {models: []}}",
        "config: {private-ai:stack: {model_store: 3, models: {a: {model: qwen3-4b}}}}",
        "config: {private-ai:stack: {model_store: {cidrs: [::/0]}, models: {a: 3}}}",
        "config: {private-ai:stack: {model_store: {cidrs: [::/0]}, models: {a: {model: nosuch}}}}",
        "config: {private-ai:stack: {model_store: {cidrs: [::/0]}, models: {a: {model: [1]}}}}",
        "a: [",
    ],
)
def test_a_file_that_is_none_ends_in_words(hub: Hub, file: Path, text: str) -> None:
    file.write_text(text)
    done = pin("--all", "--config-file", file, "--endpoint", hub.url)
    assert done.exit_code == 2, done.output
    assert "change:" in done.stderr
    assert isinstance(done.exception, SystemExit)


# Mirrors


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """A stack whose model store is a mirror on loopback, which a file may not name."""
    kind: SourceKind = request.param
    monkeypatch.setenv("PAI_MODEL_STORE_CREDENTIAL", CREDENTIALS[kind])
    with mirror(kind) as spec:
        kinds: dict[str, Any] = {"http": HttpSource, "s3": S3Source, "oci": OciSource}
        source = kinds[kind].model_construct(**spec)
        store = ModelStoreSettings.model_construct(source=source, authority=None, cidrs=[])
        monkeypatch.setattr(model_targets.ModelStoreSettings, "model_validate", lambda _: store)
        yield


@pytest.mark.parametrize("stored", ["http", "s3", "oci"], indirect=True)
@pytest.mark.usefixtures("stored")
def test_a_mirror_gives_the_commit_that_was_imported_and_its_digests(file: Path) -> None:
    file.write_text(STACK.replace("org/lora", "org/model"))
    done = pin("chat adapter-legal", "--config-file", file, "--revision", COMMIT)

    assert done.exit_code == 0, done.output
    legal = pinned(file)["chat"]["vllm"]["adapters"]["legal"]
    assert (legal["revision"], legal["sha256"]) == (
        COMMIT,
        {name: sha256(content) for name, content in FILES.items()},
    )


@pytest.mark.parametrize("stored", ["s3", "oci"], indirect=True)
@pytest.mark.usefixtures("stored")
def test_the_only_commit_of_a_mirror_is_found(file: Path) -> None:
    file.write_text(STACK.replace("org/lora", "org/model"))
    done = pin("chat adapter-legal", "--config-file", file)
    assert done.exit_code == 0, done.output
    assert pinned(file)["chat"]["vllm"]["adapters"]["legal"]["revision"] == COMMIT


@pytest.mark.parametrize(
    ("stored", "words", "message"),
    [
        ("http", [], "a web server lists none"),
        ("s3", [], "0 commits of openai/gpt-oss-20b"),
        ("oci", [], "0 commits of openai/gpt-oss-20b"),
        ("s3", ["--revision", "main"], "a mirror has no branches"),
        ("http", ["--revision", "b" * 40], "HTTP 404 from the source"),
    ],
    indirect=["stored"],
)
@pytest.mark.usefixtures("stored")
def test_what_a_mirror_does_not_have_is_told(file: Path, words: list[str], message: str) -> None:
    done = pin("other", "--config-file", file, *words)
    assert done.exit_code == 1, done.output
    assert message in done.stderr
    assert file.read_text().count(COMMIT) == 0
