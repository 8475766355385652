"""A `pulumi` already installed on the machine; it is preferred, with its own plugins."""

import os
from collections.abc import Iterator
from pathlib import Path

from base.model import Model
from toolchain import cache
from toolchain.version import order, reported_version

MINIMUM = "3.256.0"
"""The oldest installed `pulumi` that is used.

It is the version of the Python SDK in requirements.lock, which every test runs against. The
hard minimum is 3.255.0, the first whose `--policy-pack` accepts an executable file.
"""

LAUNCHER = Path(__file__).parent / "bin"
"""The folder of the `pulumi` launcher that `pai env` puts on PATH."""


class ExistingPulumi(Model):
    """A `pulumi` on PATH that is not part of this toolchain."""

    program: Path
    version: str
    usable: bool
    """Whether it is new enough and has its Python language host."""

    def plugin(self, name: str, version: str) -> Path | None:
        """Path of its plugin `pulumi-resource-NAME`, if *version* is installed."""
        home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
        program = home / "plugins" / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"
        return program if program.exists() else None


def discover() -> ExistingPulumi | None:
    """The first `pulumi` on PATH that is neither in the cache nor the launcher."""
    for program in _candidates():
        version = reported_version(program)
        if version is not None:
            new_enough = order(version) >= order(MINIMUM)
            return ExistingPulumi(
                program=program,
                version=version,
                usable=new_enough and _beside(program, "pulumi-language-python") is not None,
            )
    return None


def language_host(pulumi: ExistingPulumi) -> Path | None:
    """The Python language host: beside *pulumi*, as in the official archive, or on PATH."""
    return _beside(pulumi.program, "pulumi-language-python")


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
