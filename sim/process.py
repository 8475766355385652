"""Processes that outlive the command that started them, identified by PID and start time.

Standard library only: the guard (`sim.guard`) runs it in an interpreter of its own.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A started process. PIDs are reused, so `started` is part of its identity."""

    name: str
    pid: int
    started: str


def start_time(pid: int) -> str | None:
    """The start time of process *pid*, an opaque text; None if it does not run.

    A zombie does not run: it holds no port and no file.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the command in parentheses, which may hold spaces and parentheses.
    fields = stat[stat.rindex(")") + 2 :].split()
    state, ticks_since_boot = fields[0], fields[19]  # proc(5): fields 3 and 22
    if state in "ZX":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{ticks_since_boot}"


def spawn(
    name: str,
    argv: Sequence[str],
    folder: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Start *argv* in *folder* and a new session; append stdout and stderr to *log*.

    Its environment is this process's, updated with *environment*.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - argv is ours, no shell
            argv,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that Ctrl-C at the terminal does not reach it
        )
    child.returncode = 0  # it outlives this object, which would otherwise warn
    return Process(name, child.pid, start_time(child.pid) or "")


def alive(process: Process) -> bool:
    """Whether *process* still runs, and its PID was not reused."""
    return bool(process.started) and start_time(process.pid) == process.started


def kill(processes: Iterable[Process], timeout: float = 10) -> None:
    """Kill *processes* and wait until they have exited.

    SIGKILL, because after SIGTERM an API server keeps its port for up to 70 s, and none of their
    data is kept. Raises TimeoutError if one still runs after *timeout* seconds.
    """
    remaining = [process for process in processes if alive(process)]
    for process in remaining:
        os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + timeout
    while remaining := [process for process in remaining if not _reaped(process)]:
        if time.monotonic() > deadline:
            names = ", ".join(f"{process.name} ({process.pid})" for process in remaining)
            raise TimeoutError(names)
        time.sleep(0.01)


def _reaped(process: Process) -> bool:
    """Collect the exit status if the process is our child, so that no zombie remains."""
    try:
        return os.waitpid(process.pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:  # not our child; by now usually init's
        return not alive(process)


class Record:
    """The processes of one cluster on disk, for `down` and the guard."""

    def __init__(self, home: Path) -> None:
        """Open the record of the cluster in *home*, which may not exist."""
        self._file = home / "processes.json"

    def read(self) -> dict[str, Process]:
        """The processes by name; empty if none was started."""
        try:
            entries = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        return {entry["name"]: Process(**entry) for entry in entries}

    def add(self, process: Process) -> None:
        """Add *process*, replacing an earlier one of the same name."""
        self._write(self.read() | {process.name: process})

    def forget(self, name: str) -> None:
        """Remove the process *name*, which was ended on purpose."""
        self._write({key: entry for key, entry in self.read().items() if key != name})

    def _write(self, entries: Mapping[str, Process]) -> None:
        scratch = self._file.with_suffix(".new")
        scratch.write_text(json.dumps([asdict(entry) for entry in entries.values()]))
        scratch.rename(self._file)  # atomic: a reader sees the old or the new file


def erase(home: Path, data: Path) -> None:
    """Kill every process of the cluster in *home* and delete its files."""
    kill(Record(home).read().values())
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
