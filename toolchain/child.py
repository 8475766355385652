"""A command that changes something, as a child: interrupted once, waited for, nothing left of it.

`subprocess.run` kills its child a quarter of a second after Ctrl-C. Pulumi then leaves its lock,
its plugins and the operations that were under way (pulumi 3.256.0 cancels on the first SIGINT or
SIGTERM and gives up on the second: pkg/backend/cancellation_scope.go:66-118).
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Protocol

_INTERRUPTIONS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
_AWAITED = _INTERRUPTIONS | {signal.SIGCHLD}
_FROM_THE_KERNEL = 0x80
"""`si_code` of a key of the terminal, which sends the signal to the child as well."""
_ONE_INTERRUPTION_SECONDS = 2.0
"""`timeout` and shells send a signal to a process and again to its group."""
_ORPHAN_SECONDS = 5.0
_TICK_SECONDS = 0.5
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Ended:
    """How a child ended."""

    pid: int
    code: int
    """Exit code, or minus the number of the signal that ended it."""
    interrupted_by: int | None
    """Number of the first signal that asked for the end; None without one."""

    @property
    def exit_code(self) -> int:
        """What a shell reports: 128 + the signal after an interruption."""
        if self.interrupted_by is not None:
            return 128 + self.interrupted_by
        return self.code if self.code >= 0 else 128 - self.code


class Reader(Protocol):
    """Reads what a child prints, while it runs."""

    def line(self, text: str) -> None:
        """One line of its standard output."""

    def tick(self) -> None:
        """Some time has passed, with or without a line."""


def run(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], reader: Reader | None = None
) -> Ended:
    """Run *argv* to its end; *reader* gets its standard output, which is ours without one.

    SIGINT, SIGTERM and SIGHUP ask it to end, once for each interruption, whether they come from a
    terminal, from a pipe's shell or from `kill`. Processes that it leaves behind are ended.
    """
    in_terminal = os.isatty(0)
    ours_already = set(_children())  # such as a simulated cluster that was just started
    ours = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    _adopt_orphans(adopt=True)
    try:
        child = subprocess.Popen(  # noqa: S603 - no shell
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdout=None if reader is None else subprocess.PIPE,
            # In a terminal it stays in the foreground, where it reads keys. Elsewhere a signal for
            # our group would reach it twice.
            process_group=None if in_terminal else 0,
            preexec_fn=lambda: _unblock(set(ours)),  # noqa: PLW1509 - no other thread runs here
        )
        output = _Output(child.stdout, reader)
        first = _wait(child, output, in_terminal=in_terminal)
        output.end()
        _end_orphans(ours_already)
        return Ended(child.pid, child.returncode, first)
    finally:
        _adopt_orphans(adopt=False)
        signal.pthread_sigmask(signal.SIG_SETMASK, ours)


def _unblock(mask: set[int]) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal; it is passed on as SIGINT
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


class _Output:
    """The lines of a child, on their way to a reader that runs in this thread."""

    def __init__(self, stream: IO[bytes] | None, reader: Reader | None) -> None:
        self._reader = reader
        self._lines: SimpleQueue[str] = SimpleQueue()
        self._thread = Thread(target=self._read, args=[stream], daemon=True) if stream else None
        if self._thread is not None:
            self._thread.start()  # its signals are blocked, as this thread's are

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._lines.put(line.decode(errors="replace").rstrip("\n"))

    def pass_on(self) -> None:
        """Give the reader what has come."""
        if self._reader is None:
            return
        try:
            while True:
                self._reader.line(self._lines.get_nowait())
        except Empty:
            self._reader.tick()

    def end(self) -> None:
        """Give the reader the rest; what an orphan prints later is lost."""
        if self._thread is not None:
            self._thread.join(_ORPHAN_SECONDS)
        self.pass_on()


def _wait(child: subprocess.Popen[bytes], output: _Output, *, in_terminal: bool) -> int | None:
    first, last = None, -_ONE_INTERRUPTION_SECONDS
    while child.poll() is None:
        received = signal.sigtimedwait(_AWAITED, _TICK_SECONDS)
        output.pass_on()
        if received is None or received.si_signo == signal.SIGCHLD:
            continue
        first = received.si_signo if first is None else first
        from_key = in_terminal and received.si_code == _FROM_THE_KERNEL
        if from_key and received.si_signo == signal.SIGINT:
            continue
        if time.monotonic() - last >= _ONE_INTERRUPTION_SECONDS:
            last = time.monotonic()
            number = received.si_signo
            child.send_signal(signal.SIGINT if number == signal.SIGHUP else number)
    return first


def _adopt_orphans(*, adopt: bool) -> None:
    """Become the parent of processes that a child leaves behind; Linux has that, for one."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def _end_orphans(others: set[int]) -> None:
    """End the children that came with the child, which *others* did not."""
    deadline = time.monotonic() + _ORPHAN_SECONDS
    while orphans := set(_children()) - others:
        late = time.monotonic() >= deadline
        for orphan in orphans:
            os.kill(orphan, signal.SIGKILL if late else signal.SIGTERM)
        time.sleep(0.05)
        for orphan in orphans:
            os.waitpid(orphan, 0 if late else os.WNOHANG)


def _children() -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    return [int(pid) for pid in listed.read_text().split()] if listed.exists() else []
