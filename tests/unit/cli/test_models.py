"""`pai models` against a hub that runs here, and folders."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from catalog.models import Checkpoint, ModelSpec, model
from cli import model_fetch, models
from tests.hub import COMMIT, REPOSITORY, WEIGHTS, Hub, serving, sha256

RUN = CliRunner()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """The catalog's qwen3-4b, on a hub of our own."""
    known = Checkpoint(repository=REPOSITORY, revision=COMMIT)
    spec = model("qwen3-4b").model_copy(update={"checkpoints": {"bf16": known}})

    def one(key: str) -> ModelSpec:
        return spec if key == "qwen3-4b" else model(key)

    monkeypatch.setattr(models, "model", one)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    # What came of a chunk is lost with the connection, and it is 10 MB.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 1000)
    with serving(Hub()) as hub:
        yield hub


def fetch(hub: Hub, to: Path, *options: str) -> Result:
    command = ["fetch", "qwen3-4b", "--to", str(to), "--endpoint", hub.url, *options]
    return RUN.invoke(models.app, command)


def names(directory: Path) -> set[str]:
    return {str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()}


def test_a_fetched_model_is_a_folder_with_a_manifest_that_verifies(
    hub: Hub, tmp_path: Path
) -> None:
    done = fetch(hub, tmp_path / "model")
    verified = RUN.invoke(models.app, ["verify", str(tmp_path / "model")])

    assert (done.exit_code, verified.exit_code) == (0, 0), done.output
    assert names(tmp_path / "model") == {"model.safetensors", "config.json", "manifest.json"}
    assert f"{REPOSITORY} at {COMMIT[:10]}, 2 files, 0.00 GB" in verified.stdout
    assert {p.name for p in tmp_path.iterdir()} <= {"model", "hf"}


def test_a_cut_download_goes_on_from_where_it_ended(hub: Hub, tmp_path: Path) -> None:
    hub.break_after = 4000
    done = fetch(hub, tmp_path / "model")

    assert done.exit_code == 0, done.output
    assert hub.ranges() == [None, "bytes=4000-"]
    assert (tmp_path / "model" / "model.safetensors").read_bytes() == WEIGHTS


def test_a_download_that_was_killed_is_not_to_be_seen_and_the_next_one_goes_on(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    hub.break_after = 4000
    with monkeypatch.context() as patch:
        patch.setattr("huggingface_hub.file_download.time.sleep", killed)
        fetch(hub, tmp_path / "model")
    assert not (tmp_path / "model").exists()
    done = fetch(hub, tmp_path / "model")

    assert done.exit_code == 0, done.output
    assert hub.ranges() == [None, "bytes=4000-"]


def test_wrong_content_is_refused_by_name_and_fetched_anew_the_next_time(
    hub: Hub, tmp_path: Path
) -> None:
    hub.stated["model.safetensors"] = WEIGHTS
    hub.files["model.safetensors"] = WEIGHTS.swapcase()
    done = fetch(hub, tmp_path / "model")
    assert done.exit_code == 1
    assert "model.safetensors\n    got:      wrong content, SHA-256" in done.stderr
    assert not (tmp_path / "model").exists()

    hub.files["model.safetensors"] = WEIGHTS
    assert fetch(hub, tmp_path / "model").exit_code == 0


def test_a_name_that_leads_out_of_the_folder_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.files["../escape.json"] = b"{}"
    done = fetch(hub, tmp_path / "model")

    assert done.exit_code == 1
    assert done.stderr == (
        "'../escape.json'\n"
        "    got:      a name that leads elsewhere, or cannot be printed\n"
        "    allowed:  a relative path without . and ..\n"
        "    change:   use a repository without such names\n"
    )
    assert not (tmp_path / "escape.json").exists()


def test_pickles_are_taken_only_by_name(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"pytorch_model.bin": b"pickle", "config.json": b"{}"}
    refused = fetch(hub, tmp_path / "model")
    taken = fetch(hub, tmp_path / "model", "--allow", "pytorch_model.bin")

    assert refused.exit_code == 1
    assert "pytorch_model.bin\n    got:      a pickle," in refused.stderr
    assert "with --allow of pai models fetch" in refused.stderr
    assert taken.exit_code == 0, taken.output
    assert "pytorch_model.bin" in names(tmp_path / "model")


def test_a_disk_that_is_too_small_is_said_to_be_before_anything_is_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    done = fetch(hub, tmp_path / "model")

    assert done.exit_code == 1
    assert (
        "    got:      10 bytes free\n"
        "    allowed:  7002 bytes for the missing files\n"
        "    change:   enlarge the volume, or free space on it\n"
    ) in done.stderr
    assert hub.ranges() == []


def test_a_hub_that_gives_another_commit_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.commit = "b" * 40
    done = fetch(hub, tmp_path / "model")

    assert done.exit_code == 1
    assert f"    got:      commit {hub.commit}\n    allowed:  commit {COMMIT}\n" in done.stderr


def test_a_private_repository_asks_for_a_token_and_shows_none(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "right"
    monkeypatch.setenv("HF_TOKEN", "canary-token")
    done = fetch(hub, tmp_path / "model")

    assert done.exit_code == 1
    assert "401" in done.stderr or "HF_TOKEN" in done.stderr
    assert "canary" not in done.output


def test_a_hub_that_is_not_there_is_named_with_what_to_do(hub: Hub, tmp_path: Path) -> None:
    hub.url = "http://127.0.0.1:1"
    done = fetch(hub, tmp_path / "model")

    assert done.exit_code == 1
    assert "got:      http://127.0.0.1:1 cannot be reached (" in done.stderr
    assert "or pass --endpoint of a mirror" in done.stderr


def test_what_is_there_already_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    fetch(hub, tmp_path / "model")
    hub.asked.clear()

    assert fetch(hub, tmp_path / "model").exit_code == 0
    assert hub.asked == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--revision", "main"], "--revision\n    got:      main\n"),
        (["--repository", "other/model"], "nothing, and the catalog has no commit"),
        (["--repository", "other/model"], "find it with `pai models pin other/model`"),
        (["--dtype", "fp8"], "--dtype\n    got:      fp8\n    allowed:  one of bf16\n"),
    ],
)
def test_a_choice_that_cannot_be_fetched_is_explained(
    hub: Hub, tmp_path: Path, options: list[str], said: str
) -> None:
    done = fetch(hub, tmp_path / "model", *options)

    assert done.exit_code == 1
    assert said in done.stderr
    assert hub.asked == []


@pytest.fixture
def folder(hub: Hub, tmp_path: Path) -> Path:
    """A model as `pai models fetch` leaves it."""
    assert fetch(hub, tmp_path / "model").exit_code == 0
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            lambda f: (f / "model.safetensors").write_bytes(WEIGHTS.swapcase()),
            (
                "/model.safetensors\n"
                f"    got:      wrong content, SHA-256 {sha256(WEIGHTS.swapcase())}\n"
                f"    allowed:  SHA-256 {sha256(WEIGHTS)}\n"
            ),
        ),
        (
            lambda f: (f / "model.safetensors").write_bytes(b""),
            "/model.safetensors\n    got:      0 bytes\n    allowed:  7000 bytes\n",
        ),
        (lambda f: (f / "config.json").unlink(), "/config.json\n    got:      no file\n"),
        (
            lambda f: (f / "evil.py").write_text("…"),
            "/evil.py\n    got:      a file that is not in manifest.json\n",
        ),
        (
            lambda f: (f / "manifest.json").unlink(),
            "got:      no manifest, so nothing to verify the files against",
        ),
        (
            lambda f: (f / "manifest.json").write_text("{}"),
            "manifest.json\n    got:      a file that is not a manifest\n",
        ),
    ],
)
def test_a_damaged_folder_is_refused_by_the_name_of_the_file(
    folder: Path, tmp_path: Path, damage: Any, said: str
) -> None:
    damage(folder)
    verified = RUN.invoke(models.app, ["verify", str(folder)])
    imported = RUN.invoke(models.app, ["import", str(folder), "--to", str(tmp_path / "mirror")])

    assert (verified.exit_code, imported.exit_code) == (1, 1)
    assert said in verified.stderr
    assert said in imported.stderr
    assert not (tmp_path / "mirror").exists()


def test_a_folder_is_imported_whole_into_the_layout_that_a_mirror_serves(
    folder: Path, tmp_path: Path
) -> None:
    done = RUN.invoke(models.app, ["import", str(folder), "--to", str(tmp_path / "mirror")])
    place = tmp_path / "mirror" / REPOSITORY / COMMIT

    assert done.exit_code == 0, done.output
    assert names(place) == {"model.safetensors", "config.json", "manifest.json"}
    assert RUN.invoke(models.app, ["verify", str(place)]).exit_code == 0


def test_a_stack_takes_only_the_models_that_it_serves(folder: Path) -> None:
    done = RUN.invoke(models.app, ["import", str(folder), "--stack", "local"])

    assert done.exit_code == 1
    assert f"DIR\n    got:      {REPOSITORY} at {COMMIT}\n" in done.stderr
    assert "a model of stack local (chat: Qwen/Qwen3-4B at" in done.stderr


def test_a_stack_that_reads_from_the_hub_has_no_place_to_import_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.model_mirrors._check_served", lambda *_: None)
    done = RUN.invoke(models.app, ["import", str(folder), "--stack", "local"])

    assert done.exit_code == 1
    assert done.stderr == (
        "Pulumi.local.yaml: model_store.source\n"
        "    got:      the hub https://huggingface.co\n"
        "    allowed:  a mirror of kind http, s3 or oci: a hub is read-only\n"
        "    change:   configure a mirror; docs/explanation/model-store.md shows each kind\n"
    )


def test_the_list_says_what_the_stack_serves_and_what_is_not_pinned() -> None:
    done = RUN.invoke(models.app, ["list", "--stack", "local", "--json"])
    rows = {(row["key"], row["dtype"]): row for row in json.loads(done.stdout)}

    assert rows["qwen3-4b", "bf16"]["served_as"] == ["chat"]
    assert rows["qwen3-4b", "fp8"]["served_as"] == []
    assert rows["llama-3.3-70b", "bf16"]["gated"] is True
    assert rows["llama-3.3-70b", "fp8"]["gated"] is False  # another organization's copy
    assert rows["elodie-32b", "bf16"]["revision"] is None


def test_a_progress_bar_is_told_of_every_byte_once(hub: Hub, tmp_path: Path) -> None:
    told: list[int] = []
    (tmp_path / ".model.partial").mkdir()
    (tmp_path / ".model.partial" / "model.safetensors").write_bytes(WEIGHTS[:1000])
    hub.break_after = 3000
    request = model_fetch.FetchRequest(REPOSITORY, COMMIT, model_fetch.FileSelection())
    model_fetch.fetch(request, tmp_path / "model", hub.url, lambda _: told.append)

    assert hub.ranges() == ["bytes=1000-", "bytes=4000-"]
    assert sum(told) == 7002
