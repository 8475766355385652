"""Real programs are installed once a machine, outside the checkout."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from tests.conformance.peers.errors import PeerUnavailableError
from toolchain import cache as engine_cache

_COMPLETE = ".complete"


def installed(name: str, version: str, what: str, install: Callable[[Path], None]) -> Path:
    """The folder of program *name*, made by *install* if this machine does not have it yet.

    Two at once wait for each other. A folder whose installation did not end is made anew, in
    place, since a virtual environment cannot be moved. *what* says what a first time costs.
    """
    folder = engine_cache.root() / "peers" / f"{name}-{version}"
    if (folder / _COMPLETE).exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if (folder / _COMPLETE).exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        say(f"{name} {version}: installing, once a machine ({what})")
        started = time.monotonic()
        install(folder)
        (folder / _COMPLETE).touch()
        say(f"{name} {version}: installed in {time.monotonic() - started:.0f} s")
    return folder


def alone(what: str) -> FileLock:
    """For `with`: nobody else on this machine does *what* meanwhile."""
    folder = engine_cache.root() / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{what}.lock")


def say(line: str) -> None:
    """One line of progress, on standard error."""
    print(f"conformance: {line}", file=sys.stderr, flush=True)  # noqa: T201


def call(
    program: str,
    argv: Sequence[str],
    change: str,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a package client; returns what it printed, or raises PeerUnavailableError.

    *environment* is what it gets beside this process's own.
    """
    tried = " ".join(argv)
    try:
        done = subprocess.run(
            argv,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as missing:
        raise PeerUnavailableError(program, tried, str(missing), change) from None
    if done.returncode:
        raise PeerUnavailableError(program, tried, (done.stderr or done.stdout)[-2000:], change)
    return done.stdout
