"""The resource types that an operator brings to a cluster."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from config.base import Model
from config.cluster import Operator
from sim.operators import cloudnative_pg, minio

_OWN = Path(__file__).parent / "types"


class Modules(Protocol):
    """Where the sources of pinned Go modules are."""

    def module_dir(self, name: str, /) -> Path:
        """The folder of the module called *name*."""
        ...


class Installed(Model):
    """The CustomResourceDefinitions of one operator, one a file, all of one group and version."""

    group_version: str
    files: list[Path]


def installed(operators: Sequence[Operator], modules: Modules) -> list[Installed]:
    """What *operators* install. CloudNativePG's types are its own, from its module."""
    entries: dict[Operator, Installed] = {}
    if "minio" in operators:
        files = sorted(_OWN.glob("minio-*.yaml"))
        entries["minio"] = Installed(group_version=minio.API_VERSION, files=files)
    if "cloudnative-pg" in operators:
        folder = modules.module_dir("cloudnative-pg") / "config/crd/bases"
        files = sorted(folder.glob("*.yaml"))
        entries["cloudnative-pg"] = Installed(group_version=cloudnative_pg.API_VERSION, files=files)
    return list(entries.values())
