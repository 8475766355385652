"""What a simulated cluster asks of the programs that it is made of."""

from pathlib import Path
from typing import Protocol


class Modules(Protocol):
    """Where the data files of pinned Go modules are."""

    def module_dir(self, name: str, /) -> Path:
        """The folder of the module called *name*."""
        ...


class Toolchain(Modules, Protocol):
    """Where the built programs are; `toolchain.build.ensure("cluster", …)` returns one."""

    def path(self, name: str, /) -> Path:
        """The program called *name*."""
        ...
