"""A real program running on the loopback address for the length of a test."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.peers.errors import PeerFailedError

ANSWER_SECONDS = 60
"""How long a test waits for an answer: only ends one that would hang, on however busy a machine."""
_STOP_SECONDS = 20
_LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Running:
    """What a test may look at beside the program's answers."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        """All that it has printed."""
        return self.log.read_text(errors="replace")

    def exposed(self) -> str:
        """Argument lists and environments of its processes, as others on the node can see them."""
        texts: list[str] = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and _group(int(folder.name)) == self.process.pid:
                with suppress(FileNotFoundError, ProcessLookupError):
                    texts += [(folder / file).read_text() for file in ("cmdline", "environ")]
        return "\n".join(texts).replace("\0", "\n")


@contextmanager
def running(
    argv: Sequence[str],
    *,
    folder: Path,
    ready: Callable[[], bool],
    seconds: float,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    name: str | None = None,
) -> Generator[Running]:
    """Run *argv* in *folder* until the block ends; enter it once *ready* says so.

    The log is `<name>.log` there. *environment* is all that the program gets beside PATH, HOME
    and LANG. Raises PeerFailedError with the end of the log if the program ends, or is not ready
    after *seconds*.
    """
    program = name or Path(argv[0]).name
    log = folder / f"{program}.log"
    inherited = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env={**inherited, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, so that its children end with it
            user=user,
            group=user,
            extra_groups=[] if user else None,
        )
    try:
        deadline = time.monotonic() + seconds
        pause = 0.05
        while not ready():
            if process.poll() is not None:
                raise PeerFailedError(program, f"ended with exit code {process.returncode}", log)
            if time.monotonic() > deadline:
                raise PeerFailedError(program, f"was not ready after {seconds:.0f} s", log)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        yield Running(process, log)
    finally:
        _stop(process)


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the group that *process* leads: asked first, then made to."""
    for request in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, request)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
