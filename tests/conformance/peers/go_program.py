"""Programs built from Go modules, with the same Go that builds the toolchain."""

import json
import shutil
from pathlib import Path, PurePosixPath

from rich.console import Console

from engine import go
from tests.conformance.peers import cache


def built(name: str, package: str, version: str, what: str) -> str:
    """The path of program *name*, built from *package* at *version*.

    Go's checksum database vouches for the sources. *what* says what a first time costs.
    """

    def install(folder: Path) -> None:
        program = str(go.find_or_install(Console(stderr=True)))
        env = shutil.which("env") or "env"
        words = [env, f"GOBIN={folder}", program, "install", f"{package}@{version}"]
        cache.call(name, words, f"see that `go install {package}@{version}` works")

    return str(cache.installed(name, version, what, install) / PurePosixPath(package).name)


def module(name: str, version: str) -> Path:
    """The folder of Go module *name* at *version*, for the data that its program does not carry."""
    program = str(go.find_or_install(Console(stderr=True)))
    words = [program, "mod", "download", "-json", f"{name}@{version}"]
    return Path(json.loads(cache.call(name, words, "see that this command works"))["Dir"])
