"""Processes are identified, killed and removed; foreign ones are not touched."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sim.ports import free_port
from sim.process import Process, Record, alive, erase, kill, spawn, start_time

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]


@pytest.fixture
def sleeper(tmp_path: Path) -> Process:
    return spawn("sleeper", SLEEP, tmp_path, tmp_path / "log")


def test_a_killed_process_is_gone_with_its_entry_in_the_process_table(sleeper: Process) -> None:
    assert alive(sleeper)
    kill([sleeper])
    assert not alive(sleeper)
    assert not Path(f"/proc/{sleeper.pid}").exists()


def test_a_process_that_took_over_a_recorded_pid_is_left_alone(sleeper: Process) -> None:
    earlier = replace(sleeper, started="some-boot/1")
    assert not alive(earlier)
    kill([earlier])
    assert alive(sleeper)
    kill([sleeper])


def test_a_zombie_does_not_count_as_running() -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet collected
    assert start_time(child.pid) is None
    child.wait()


def test_the_record_keeps_the_latest_process_of_a_name(tmp_path: Path) -> None:
    record = Record(tmp_path)
    assert record.read() == {}
    for pid in (1, 2):
        record.add(Process("etcd", pid, "then"))
    record.add(Process("kwok", 3, "then"))
    assert {name: process.pid for name, process in record.read().items()} == {"etcd": 2, "kwok": 3}


def test_erasing_ends_what_was_recorded_and_removes_both_folders(tmp_path: Path) -> None:
    home, data = tmp_path / "home", tmp_path / "data"
    home.mkdir()
    data.mkdir()
    process = spawn("sleeper", SLEEP, home, home / "log")
    Record(home).add(process)
    erase(home, data)
    assert not alive(process)
    assert list(tmp_path.iterdir()) == []
    erase(home, data)


def test_a_free_port_is_outside_the_range_of_outgoing_connections() -> None:
    assert 20000 <= free_port() < 32768
