"""The processes of one cluster: started once, watched until they are ready, ended by name."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from base.problems import Problem
from sim.errors import SimError
from sim.process import Process, Record, alive, kill, spawn

PATIENCE = 120.0
"""Seconds for a part to come up. It takes under two on an idle machine; builds may be running."""


class Programs:
    """Of the cluster at one folder."""

    def __init__(self, home: Path, context: str) -> None:
        """Of the cluster at *home*, which need not exist; *context* names it in messages."""
        self._home = home
        self._context = context
        self._record = Record(home)

    def read(self) -> dict[str, Process]:
        """Those that were started, by name, whether or not they still run."""
        return self._record.read()

    def runs(self, name: str) -> bool:
        """Whether the one called *name* runs."""
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
        """End those of *names* that run, and no longer count any of them as the cluster's."""
        processes = self.read()
        for name in processes.keys() & set(names):
            kill([processes[name]])
            self._record.forget(name)

    def wait_for(self, name: str, ready: Callable[[], bool]) -> None:
        """Return once *ready*. Raises SimError if the one called *name* ends or takes long."""
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if self.runs(name) and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            lines = self._log(name).read_text(errors="replace").splitlines()[-3:]
            fate = "is not ready" if self.runs(name) else "has ended"
            raise SimError(
                Problem(
                    path=f"simulated cluster {self._context}",
                    got=f"{name} that {fate}; its last words:\n  " + "\n  ".join(lines) + "\n ",
                    allowed=f"it to be ready within {PATIENCE:.0f} s",
                    change="try again; if it stays so, `pai toolchain doctor` checks the program",
                )
            )

    def _log(self, name: str) -> Path:
        return self._home / "logs" / f"{name}.log"
