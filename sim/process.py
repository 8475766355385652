"""Processes that outlive the command that started them, told apart from later ones by start time.

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
    """A started process. A pid alone may be somebody else's by now: `started` decides."""

    name: str
    pid: int
    started: str


def start_time(pid: int) -> str | None:
    """When process *pid* started, in a form only good for comparison; None if it is not running.

    A zombie has stopped running: it holds no port and no file.
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
    """Start *argv* in *folder* and in a session of its own, both outputs appended to *log*.

    It inherits this process's environment, with *environment* over it.
    """
    with log.open("ab") as output:
        child = subprocess.Popen(  # noqa: S603 - argv is ours, no shell
            argv,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal is not meant for it
        )
    child.returncode = 0  # it is to outlive this object, which would otherwise warn
    return Process(name, child.pid, start_time(child.pid) or "")


def alive(process: Process) -> bool:
    """Whether the very process that was started is still running."""
    return bool(process.started) and start_time(process.pid) == process.started


def kill(processes: Iterable[Process], timeout: float = 10) -> None:
    """End *processes* now, and return once they are gone.

    SIGKILL, since an API server asked politely keeps its port for up to 70 s, and since nothing
    they hold outlives them. Raises TimeoutError if one is still there after *timeout* seconds.
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
    """Take the exit status if the process is our child, so that no zombie stays."""
    try:
        return os.waitpid(process.pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:  # somebody else's child, by now usually init's
        return not alive(process)


class Record:
    """The processes of one cluster, on disk: what `down` and the guard go by."""

    def __init__(self, home: Path) -> None:
        """Of the cluster at *home*, which need not exist."""
        self._file = home / "processes.json"

    def read(self) -> dict[str, Process]:
        """The processes by name; empty where nothing was ever started."""
        try:
            entries = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        return {entry["name"]: Process(**entry) for entry in entries}

    def add(self, process: Process) -> None:
        """Note *process*, in place of an earlier one of the same name."""
        self._write(self.read() | {process.name: process})

    def forget(self, name: str) -> None:
        """No longer note the process called *name*, which was ended on purpose."""
        self._write({key: entry for key, entry in self.read().items() if key != name})

    def _write(self, entries: Mapping[str, Process]) -> None:
        scratch = self._file.with_suffix(".new")
        scratch.write_text(json.dumps([asdict(entry) for entry in entries.values()]))
        scratch.rename(self._file)  # a reader sees the old or the new, never half of one


def erase(home: Path, data: Path) -> None:
    """End every process of the cluster at *home* and remove all its files."""
    kill(Record(home).read().values())
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
