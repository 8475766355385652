"""The state of a simulated stack belongs to its cluster."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from toolchain import state


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAI_CACHE", str(tmp_path))


def _checkpoint(stack: str) -> Path:
    file = state.folder() / ".pulumi" / "stacks" / "private-ai" / f"{stack}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}")
    return file


def test_the_state_of_a_cluster_that_is_still_there_is_kept() -> None:
    state.bind("local", "first")
    kept = _checkpoint("local")

    assert state.bind("local", "first") is False
    assert kept.exists()


def test_the_state_of_a_cluster_that_is_gone_is_removed_and_no_other_stacks() -> None:
    state.bind("local", "first")
    gone, other, similar = _checkpoint("local"), _checkpoint("prod"), _checkpoint("localhost")

    assert state.bind("local", "second") is True
    assert not gone.exists()
    assert other.exists()
    assert similar.exists()


def _lock(stack: str, process: int) -> None:
    folder = state.folder() / ".pulumi" / "locks" / "organization" / "private-ai" / stack
    folder.mkdir(parents=True)
    (folder / "1.json").write_text(json.dumps({"pid": process, "username": "u", "hostname": "h"}))


def test_an_update_is_interrupted_when_its_lock_outlives_its_process() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    _lock("local", ended.pid)
    _lock("prod", os.getpid())

    assert state.interrupted("local")
    assert not state.interrupted("prod")
    assert not state.interrupted("staging")


def test_only_locks_that_ended_processes_left_are_removed() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    _lock("local", ended.pid)
    _lock("prod", os.getpid())

    state.release("local", ended.pid + 1)
    assert state.interrupted("local")
    state.release("local", ended.pid)
    state.release("prod")

    assert not state.interrupted("local")
    assert len(list((state.folder() / ".pulumi" / "locks").rglob("*.json"))) == 1


def test_what_is_forgotten_is_gone_with_its_lock() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    _lock("local", ended.pid)
    kept = _checkpoint("prod")
    gone = _checkpoint("local")

    state.forget("local")

    assert not gone.exists()
    assert not state.interrupted("local")
    assert kept.exists()
