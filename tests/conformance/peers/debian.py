"""Programs of Debian's packages, unpacked without installing: no service starts, no root needed."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.peers import cache
from tests.conformance.peers.errors import PeerUnavailableError


@dataclass(frozen=True)
class Unpacked:
    """The files of some Debian packages, below a folder of their own."""

    folder: Path

    def binary(self, name: str) -> str:
        """The path of program *name*."""
        return str(self.folder / "usr" / "bin" / name)

    @property
    def environment(self) -> dict[str, str]:
        """Where its programs find the libraries that were unpacked beside them."""
        libraries = sorted({str(path.parent) for path in self.folder.glob("**/*.so.*")})
        return {"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}


def unpacked(name: str, packages: Sequence[str]) -> Unpacked:
    """*packages*, as the machine's own release of Debian has them; apt checks their signatures."""
    change = f"run `apt-get update`, then see that `apt-get download {' '.join(packages)}` works"

    def install(folder: Path) -> None:
        with cache.alone("apt"):
            _with_lists(name, packages, change)
        cache.call(name, ["apt-get", "download", "-q", *packages], change, folder)
        for package in folder.glob("*.deb"):
            cache.call(name, ["dpkg-deb", "-x", str(package), str(folder)], change)
            package.unlink()

    return Unpacked(cache.installed(name, "debian", "a few MB of Debian packages", install))


def _with_lists(program: str, packages: Sequence[str], change: str) -> None:
    """Fetch the package lists if apt does not know *packages* yet."""
    known = subprocess.run(["apt-cache", "show", *packages], capture_output=True, check=False)
    if known.returncode:
        cache.call(program, ["apt-get", "update", "-qq"], change)


def _install(program: str, package: str, change: str) -> None:
    _with_lists(program, [package], change)
    cache.say(f"{program}: installing Debian's {package}")
    argv = ["apt-get", "install", "-qq", "--no-install-recommends", package]
    cache.call(program, ["env", "RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", *argv], change)


def command(program: str, name: str, package: str) -> str:
    """The path of command *name*, from Debian's *package* if the machine does not have it.

    Only root can install; anybody else is told to. RUNLEVEL=1 keeps the package's services down.
    """
    if found := shutil.which(name):
        return found
    change = f"apt-get install {package}"
    if os.geteuid() == 0:
        with cache.alone("apt"):
            if not shutil.which(name):
                _install(program, package, change)
    if found := shutil.which(name):
        return found
    raise PeerUnavailableError(program, f"which {name}", "not found", change)
