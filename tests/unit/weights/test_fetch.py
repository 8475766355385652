"""What the download Job does with a hub: a real one, on loopback, that speaks the hub's API."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.common import scripts
from components.models.weights_programs import VERIFIER, fetcher
from tests.hub import COMMIT, REPOSITORY, WEIGHTS, Hub, serving, sha256
from weights import fetch, files
from weights.errors import WeightsError
from weights.fetch import Request, run
from weights.files import FileSelection
from weights.hub import Hub as Origin
from weights.sources import Commit
from weights.transport import Transport

pytestmark = pytest.mark.slow

OTHER, OLDEST = "b" * 40, "c" * 40


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(fetch.time, "sleep", lambda _: None)
    with serving(Hub()) as hub:
        yield hub


def bring(hub: Hub, volume: Path, token: str = "", **selection: Any) -> None:
    """Fetch the hub's commit onto *volume*."""
    commit = Commit(REPOSITORY, COMMIT)
    request = Request(commit, FileSelection(**selection), volume, volume / ".verified")
    run(request, Origin(hub.url, commit, Transport(), token))


def names(directory: Path) -> set[str]:
    return {str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file()}


def test_a_model_that_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    bring(hub, tmp_path)
    hub.asked.clear()
    bring(hub, tmp_path)

    assert hub.asked == []


def test_weights_that_are_not_what_the_hub_states_are_refused_by_name(
    hub: Hub, tmp_path: Path
) -> None:
    hub.stated["model.safetensors"] = WEIGHTS.swapcase()

    with pytest.raises(WeightsError, match=r"model\.safetensors: got wrong content"):
        bring(hub, tmp_path)
    assert not (tmp_path / COMMIT).exists()
    assert len([path for path, _ in hub.asked if path.endswith(".safetensors")]) == 1


def test_small_files_are_verified_too_by_the_hash_that_git_knows_them_by(
    hub: Hub, tmp_path: Path
) -> None:
    hub.stated["config.json"] = b"[]"

    with pytest.raises(WeightsError, match=r"config\.json: got wrong content"):
        bring(hub, tmp_path)


def test_what_an_earlier_run_left_wrong_is_fetched_anew(hub: Hub, tmp_path: Path) -> None:
    partial = tmp_path / ".partial" / COMMIT
    partial.mkdir(parents=True)
    (partial / "model.safetensors").write_bytes(b"x" * 4000)
    (partial / "stray.bin").write_bytes(b"x")
    bring(hub, tmp_path)

    assert (tmp_path / COMMIT / "model.safetensors").read_bytes() == WEIGHTS
    assert not (tmp_path / COMMIT / "stray.bin").exists()


def test_a_model_that_lost_a_file_is_mended(hub: Hub, tmp_path: Path) -> None:
    bring(hub, tmp_path)
    (tmp_path / COMMIT / "config.json").unlink()
    hub.asked.clear()
    bring(hub, tmp_path)

    assert (tmp_path / COMMIT / "config.json").read_bytes() == b"{}"
    assert not [path for path, _ in hub.asked if path.endswith(".safetensors")]


def test_a_hub_that_gives_another_commit_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.commit = OTHER

    with pytest.raises(
        WeightsError, match=f"got commit {OTHER} from the hub; allowed: commit {COMMIT}"
    ):
        bring(hub, tmp_path)


def test_a_name_that_leads_out_of_the_directory_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.files["../escape.json"] = b"{}"

    with pytest.raises(WeightsError, match="leads elsewhere"):
        bring(hub, tmp_path)


def test_a_hub_that_wants_a_token_is_explained_without_showing_ours(
    hub: Hub, tmp_path: Path
) -> None:
    hub.token = "canary-token"

    with pytest.raises(WeightsError, match="accept the model's license") as caught:
        bring(hub, tmp_path, "wrong-canary")
    assert "canary" not in str(caught.value)


def test_a_model_appears_whole_with_a_manifest_of_its_digests(hub: Hub, tmp_path: Path) -> None:
    bring(hub, tmp_path)
    model = tmp_path / COMMIT

    assert names(model) == {"model.safetensors", "config.json", "manifest.json"}
    assert json.loads((model / "manifest.json").read_text()) == {
        "repository": REPOSITORY,
        "revision": COMMIT,
        "files": {
            "model.safetensors": {"size": len(WEIGHTS), "sha256": sha256(WEIGHTS)},
            "config.json": {"size": 2, "sha256": sha256(b"{}")},
        },
    }
    assert names(tmp_path / ".partial") == set()


def test_a_broken_download_goes_on_from_where_it_ended(hub: Hub, tmp_path: Path) -> None:
    hub.break_after = 4000
    bring(hub, tmp_path)

    assert hub.ranges() == [None, "bytes=4000-"]
    assert (tmp_path / COMMIT / "model.safetensors").read_bytes() == WEIGHTS


def test_what_is_cut_off_for_good_is_not_to_be_seen_and_the_next_job_goes_on(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "ATTEMPTS", 1)
    hub.break_after = 4000

    with pytest.raises(
        WeightsError, match=r"model\.safetensors: got the connection closed after 4000"
    ):
        bring(hub, tmp_path)
    assert not (tmp_path / COMMIT).exists()
    bring(hub, tmp_path)
    assert hub.ranges() == [None, "bytes=4000-"]


def test_a_hub_that_sends_more_than_it_states_is_not_written_to_the_end(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "CHUNK", 100)
    hub.stated["model.safetensors"] = WEIGHTS[:150]
    written: list[int] = []
    update = files.Digests.update
    monkeypatch.setattr(
        files.Digests, "update", lambda s, data: (written.append(len(data)), update(s, data))[1]
    )

    with pytest.raises(WeightsError, match=r"model\.safetensors"):
        bring(hub, tmp_path)
    assert sum(written) < 300


def test_code_pickles_and_second_copies_of_the_weights_stay_on_the_hub(
    hub: Hub, tmp_path: Path
) -> None:
    hub.files |= {
        "pytorch_model.bin": b"pickle",
        "original/consolidated.00.pth": b"pickle",
        "modeling.py": b"code",
        "manifest.json": b"somebody else's",
        "consolidated.safetensors": WEIGHTS,
        "1_Pooling/config.json": b"{}",
        "tokenizer.model": b"tokens",
        "chat_template.jinja": b"{{ }}",
    }
    bring(hub, tmp_path, pickles=["pytorch_model*.bin"])

    assert names(tmp_path / COMMIT) == {
        "model.safetensors",
        "config.json",
        "1_Pooling/config.json",
        "tokenizer.model",
        "chat_template.jinja",
        "manifest.json",
    }
    listed = json.loads((tmp_path / COMMIT / "manifest.json").read_text())["files"]
    assert "manifest.json" not in listed  # the name is taken by our own


def test_weights_in_pickles_alone_are_refused_unless_they_are_allowed_by_name(
    hub: Hub, tmp_path: Path
) -> None:
    hub.files = {"pytorch_model.bin": b"pickle", "config.json": b"{}"}

    with pytest.raises(WeightsError, match=r"pytorch_model\.bin: got a pickle"):
        bring(hub, tmp_path)
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin: got a pickle"):
        bring(hub, tmp_path, pickles=["other.bin"])
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin: got a pickle"):
        bring(hub, tmp_path, only=["*"])  # a pattern names nothing
    bring(hub, tmp_path, pickles=["pytorch_model*.bin"])
    assert "pytorch_model.bin" in names(tmp_path / COMMIT)


def test_a_single_file_of_a_repository_is_taken_by_its_name(hub: Hub, tmp_path: Path) -> None:
    hub.files = {"m-Q4_K_M.gguf": b"four bits", "m-Q8_0.gguf": b"eight bits", "config.json": b"{}"}

    with pytest.raises(
        WeightsError, match=r"m-Q4_K_M\.gguf: got one of the repository's GGUF files"
    ):
        bring(hub, tmp_path)
    with pytest.raises(WeightsError, match=r"m-Q2\.gguf: got no such file in the repository"):
        bring(hub, tmp_path, only=["m-Q2.gguf"])
    bring(hub, tmp_path, only=["m-Q8_0.gguf"])
    assert names(tmp_path / COMMIT) == {"m-Q8_0.gguf", "manifest.json"}


def test_digests_of_ones_own_outrank_the_hubs_and_say_which_files_are_taken(
    hub: Hub, tmp_path: Path
) -> None:
    for volume in ("good", "bad"):
        (tmp_path / volume).mkdir()
    bring(hub, tmp_path / "good", sha256={"model.safetensors": sha256(WEIGHTS)})

    assert names(tmp_path / "good" / COMMIT) == {"model.safetensors", "manifest.json"}
    with pytest.raises(WeightsError, match=r"model\.safetensors: got wrong content"):
        bring(hub, tmp_path / "bad", sha256={"model.safetensors": "0" * 64})


def test_a_model_that_is_there_with_other_files_than_are_asked_for_is_mended(
    hub: Hub, tmp_path: Path
) -> None:
    bring(hub, tmp_path)
    bring(hub, tmp_path, sha256={"model.safetensors": sha256(WEIGHTS)})

    assert names(tmp_path / COMMIT) == {"model.safetensors", "manifest.json"}
    assert hub.ranges() == [None]  # measured anew, not fetched anew


def test_a_model_that_is_there_is_held_against_digests_that_the_stack_names_later(
    hub: Hub, tmp_path: Path
) -> None:
    bring(hub, tmp_path)
    digests = {"model.safetensors": sha256(WEIGHTS), "config.json": "0" * 64}

    with pytest.raises(WeightsError, match=r"config\.json: got wrong content"):
        bring(hub, tmp_path, sha256=digests)
    assert not (tmp_path / COMMIT).exists()


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(hub: Hub, tmp_path: Path) -> None:
    hub.token = "canary-token"
    with serving(Hub()) as hub.elsewhere:
        bring(hub, tmp_path, "canary-token")

    assert len(hub.elsewhere.asked) == 2
    assert not [h for _, h in hub.elsewhere.asked if "Authorization" in h]


def test_the_token_stays_where_the_hub_redirects_to_itself(hub: Hub, tmp_path: Path) -> None:
    """As it does with the small files of a gated model, and with a repository that was renamed."""
    hub.token, hub.resolve_cache, hub.renamed = "canary-token", True, REPOSITORY
    hub.repositories = ("org/newer",)
    bring(hub, tmp_path, "canary-token")

    assert [path for path, _ in hub.asked if "resolve-cache" in path]
    assert (tmp_path / COMMIT / "config.json").is_file()


def test_the_newest_other_revision_stays_for_the_pods_that_read_it(
    hub: Hub, tmp_path: Path
) -> None:
    for age, revision in ((1, OLDEST), (2, OTHER)):
        (tmp_path / revision).mkdir()
        (tmp_path / ".verified" / revision).mkdir(parents=True)
        manifest = tmp_path / revision / "manifest.json"
        manifest.write_text("{}")
        os.utime(manifest, (age, age))
    (tmp_path / ".partial" / OLDEST).mkdir(parents=True)
    (tmp_path / "lost+found").mkdir()
    bring(hub, tmp_path)

    there = {d.name for d in tmp_path.iterdir()}
    assert there == {COMMIT, OTHER, ".partial", ".verified", "lost+found"}
    assert not list((tmp_path / ".partial").iterdir())
    assert [d.name for d in (tmp_path / ".verified").iterdir()] == [OTHER]


def test_a_volume_that_is_too_small_is_said_to_be_before_anything_is_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = fetch.shutil.disk_usage(tmp_path)._replace(free=10)
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda _: usage)

    with pytest.raises(WeightsError, match="got 10 bytes free; allowed: 7002 bytes"):
        bring(hub, tmp_path)
    assert len(hub.asked) == 1


def test_a_hub_that_keeps_failing_is_given_up(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(fetch, "download", fail)

    with pytest.raises(WeightsError, match=r"config\.json: got no response from the source"):
        bring(hub, tmp_path)


def test_a_file_that_the_hub_does_not_have_is_asked_for_once(hub: Hub, tmp_path: Path) -> None:
    hub.elsewhere = Hub(files={}, url=f"{hub.url}/nowhere")

    with pytest.raises(WeightsError, match=r"model\.safetensors: got HTTP Error 404"):
        bring(hub, tmp_path)
    assert len(hub.ranges()) == 2  # the redirect and the answer


@pytest.fixture
def job(hub: Hub, tmp_path: Path) -> list[str]:
    """The Job's command, on the files of its ConfigMaps, in a place of its own."""
    program = tmp_path / "program" / "weights"
    program.mkdir(parents=True)
    for module, text in scripts.sources("weights", (*VERIFIER, *fetcher("hub"))).items():
        (program / module).write_text(text)
    (tmp_path / "volume").mkdir()
    request = {
        "source": {"kind": "hub", "endpoint": hub.url},
        "authority": "",
        "repository": REPOSITORY,
        "revision": COMMIT,
        "only": [],
        "pickles": [],
        "sha256": {},
        "volume": str(tmp_path / "volume"),
        "stamps": str(tmp_path / "volume" / ".verified"),
    }
    return [sys.executable, "-I", "-S", "-c", _START, str(program.parent), json.dumps(request)]


_START = """
import runpy, sys
program, request = sys.argv[1:]
sys.path.insert(0, program)
sys.argv = ["fetch", request]
runpy.run_module("weights.fetch", run_name="__main__")
"""
"""`python -m weights.fetch` without anything that is installed here."""


def test_the_job_runs_on_what_its_config_maps_hold(job: list[str], tmp_path: Path) -> None:
    done = subprocess.run(job, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert f"verified model.safetensors, {len(WEIGHTS)} bytes" in done.stdout
    assert names(tmp_path / "volume" / COMMIT) >= {"model.safetensors", "manifest.json"}


def test_the_job_ends_with_one_line_and_without_a_trace(hub: Hub, job: list[str]) -> None:
    hub.stated["model.safetensors"] = WEIGHTS.swapcase()
    done = subprocess.run(job, capture_output=True, text=True, check=False)

    assert done.returncode == fetch.EXIT_PERMANENT
    assert done.stderr == (
        f"model.safetensors: got wrong content, SHA-256 {sha256(WEIGHTS)};"
        f" allowed: SHA-256 {sha256(WEIGHTS.swapcase())};"
        " change: fill the mirror again, or compare the digest with the publisher's\n"
    )


def test_a_disk_that_fills_up_on_the_way_is_said_to_be_full(job: list[str], tmp_path: Path) -> None:
    def full() -> None:  # the kernel refuses to let any file grow beyond this
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    done = subprocess.run(job, capture_output=True, text=True, check=False, preexec_fn=full)

    assert done.returncode == fetch.EXIT_PERMANENT
    assert done.stderr == (
        "model.safetensors: got no space left after 5000 of 7000 bytes; allowed: 7000 bytes;"
        " change: enlarge the volume\n"
    )
    assert not (tmp_path / "volume" / COMMIT).exists()


def test_a_job_that_was_cut_off_may_be_repeated(hub: Hub, job: list[str]) -> None:
    job[4] = f"import time; time.sleep = lambda _: None{job[4]}"
    hub.files["model.safetensors"] = WEIGHTS[:4000]
    hub.stated["model.safetensors"] = WEIGHTS
    done = subprocess.run(job, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (
        1,
        (
            "model.safetensors: got the connection closed after 4000 of 7000 bytes;"
            " allowed: 7000 bytes; change: check the source and the network\n"
        ),
    )


def test_a_job_whose_source_does_not_respond_may_be_repeated(hub: Hub, job: list[str]) -> None:
    job[6] = job[6].replace(hub.url, "http://127.0.0.1:1")
    done = subprocess.run(job, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(f"{REPOSITORY} at {COMMIT}: got <urlopen error")
    assert done.stderr.count("\n") == 1


def test_every_wrong_file_has_a_line(hub: Hub, job: list[str]) -> None:
    hub.stated = {"model.safetensors": WEIGHTS.swapcase(), "config.json": b"[]"}
    done = subprocess.run(job, capture_output=True, text=True, check=False)

    assert done.returncode == fetch.EXIT_PERMANENT
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "model.safetensors",
        "config.json",
    ]
