"""Programs from PyPI, each in a virtual environment of its own."""

import sys
from pathlib import Path

from tests.conformance.peers import cache


def installed(name: str, version: str, lock: Path, what: str) -> Path:
    """The folder `bin` of program *name*, made from *lock*, which pins each wheel by hash.

    *what* says what a first time costs.
    """

    def install(folder: Path) -> None:
        change = "see that pip reaches PyPI, then run the tests again"
        cache.call(name, [sys.executable, "-m", "venv", str(folder)], change)
        cache.call(
            name,
            [
                str(folder / "bin" / "pip"),
                *("install", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes"),
                *("-r", str(lock)),
            ],
            change,
        )

    return cache.installed(name, version, what, install) / "bin"
