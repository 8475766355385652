"""The processes of one cluster: start, wait until ready, end."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from base.problems import Problem
from sim.errors import SimError
from sim.process import Process, Record, alive, kill, spawn

TIMEOUT = 120.0
"""Seconds for a process to become ready. It takes under 2 s on an idle machine."""


class Programs:
    """The processes of one cluster."""

    def __init__(self, home: Path, context: str) -> None:
        """Manage the cluster in *home*, which may not exist; *context* names it in messages."""
        self._home = home
        self._context = context
        self._record = Record(home)

    def read(self) -> dict[str, Process]:
        """The started processes by name, running or not."""
        return self._record.read()

    def runs(self, name: str) -> bool:
        """Whether the process *name* runs."""
        process = self.read().get(name)
        return process is not None and alive(process)

    def start(
        self,
        name: str,
        argv: Sequence[str],
        folder: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start *argv* in *folder* as *name*."""
        self._record.add(spawn(name, argv, folder, self._log(name), environment))

    def end(self, names: Sequence[str]) -> None:
        """Kill the processes *names* and remove them from the record."""
        processes = self.read()
        for name in processes.keys() & set(names):
            kill([processes[name]])
            self._record.forget(name)

    def wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        """Wait until *ready*. Raises SimError if the process *name* exits or takes too long."""
        deadline = time.monotonic() + TIMEOUT
        while not ready():
            if self.runs(name) and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            lines = self._log(name).read_text(errors="replace").splitlines()[-3:]
            state = "is not ready" if self.runs(name) else "exited"
            raise SimError(
                Problem(
                    path=f"simulated cluster {self._context}",
                    got=f"{name} {state}; last log lines:\n  " + "\n  ".join(lines) + "\n ",
                    allowed=f"{name} ready within {TIMEOUT:.0f} s",
                    change="try again; if it fails again, run `pai toolchain doctor`",
                )
            )

    def _log(self, name: str) -> Path:
        return self._home / "logs" / f"{name}.log"
