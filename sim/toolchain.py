"""The interface between a simulated cluster and the toolchain."""

from pathlib import Path
from typing import Protocol


class Modules(Protocol):
    """Locates the data files of pinned Go modules."""

    def module_dir(self, name: str, /) -> Path:
        """The folder of the module *name*."""
        ...


class Toolchain(Modules, Protocol):
    """Locates programs and data; `toolchain.build.ensure("cluster", …)` returns one."""

    def path(self, name: str, /) -> Path:
        """The program *name*."""
        ...
