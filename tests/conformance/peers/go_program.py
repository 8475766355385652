"""Programs built from Go modules, with the same Go that builds the toolchain."""

import json
from pathlib import Path, PurePosixPath

from rich.console import Console

from tests.conformance.peers import cache
from toolchain import go


def built(name: str, package: str, version: str, what: str) -> str:
    """The path of program *name*, built from *package* at *version*.

    Go's checksum database vouches for the sources. *what* says what a first time costs.
    """

    def install(folder: Path) -> None:
        program = str(go.find_or_install(Console(stderr=True)))
        words = [program, "install", f"{package}@{version}"]
        change = f"see that `go install {package}@{version}` works"
        cache.call(name, words, change, environment={"GOBIN": str(folder)})

    return str(cache.installed(name, version, what, install) / PurePosixPath(package).name)


def module(name: str, version: str, checksum: str = "") -> Path:
    """The folder of Go module *name* at *version*, for the data that its program does not carry.

    *checksum*, as in a go.sum, holds it to one content.
    """
    program = str(go.find_or_install(Console(stderr=True)))
    words = [program, "mod", "download", "-json", f"{name}@{version}"]
    found = json.loads(cache.call(name, words, "see that Go reaches its module proxy"))
    assert checksum in ("", found["Sum"]), found
    return Path(found["Dir"])
