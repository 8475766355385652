"""A wheel of PyPI alone, in a virtual environment of its own, for the files that it carries."""

import sys
from pathlib import Path

from tests.conformance.peers import cache


def installed(name: str, version: str, sha256: str) -> Path:
    """The environment of wheel *name*, without what it depends on."""

    def install(folder: Path) -> None:
        change = f"see that `pip install {name}=={version}` works"
        cache.call(name, [sys.executable, "-m", "venv", str(folder)], change)
        pins = folder / "pins.txt"
        pins.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
        cache.call(name, [*pip, "--require-hashes", "-r", str(pins)], change)

    return cache.installed(name, version, "a wheel", install)
