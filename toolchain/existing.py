"""A `pulumi` that is on the machine already: it wins, with its own plugins."""

import os
from collections.abc import Iterator
from pathlib import Path

from base.model import Model
from toolchain import cache
from toolchain.version import ask, order

MINIMUM = "3.256.0"
"""The oldest `pulumi` that is used as found.

It is the version of the Python SDK in requirements.lock, against which every test here runs. The
hard floor would be 3.255.0, the first whose `--policy-pack` takes an executable file.
"""

LAUNCHER = Path(__file__).parent / "bin"
"""The folder of our own `pulumi` launcher, which `pai env` puts on PATH."""


class Found(Model):
    """A `pulumi` on PATH that is not ours."""

    program: Path
    version: str
    usable: bool
    """Whether it is new enough and has its Python language host."""

    def plugin(self, name: str, version: str) -> Path | None:
        """Its plugin `pulumi-resource-NAME`, if it is installed already in *version*."""
        home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
        program = home / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"
        return program if program.exists() else None


def look() -> Found | None:
    """The first `pulumi` on PATH that neither lies in our cache nor is our launcher."""
    for program in _candidates():
        version = ask(program)
        if version is not None:
            new_enough = order(version) >= order(MINIMUM)
            return Found(
                program=program,
                version=version,
                usable=new_enough and _beside(program, "pulumi-language-python") is not None,
            )
    return None


def language_host(found: Found) -> Path | None:
    """The Python language host of a found `pulumi`: beside it, as the official archive has it."""
    return _beside(found.program, "pulumi-language-python")


def _candidates() -> Iterator[Path]:
    ours = (cache.root().resolve(), LAUNCHER.resolve())
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        program = Path(folder or ".").absolute() / "pulumi"
        if not os.access(program, os.X_OK) or not program.is_file():
            continue
        if not any(program.resolve().is_relative_to(own) for own in ours):
            yield program


def _beside(program: Path, name: str) -> Path | None:
    for folder in (program.resolve().parent, *map(Path, os.get_exec_path())):
        if os.access(folder / name, os.X_OK):
            return folder / name
    return None
