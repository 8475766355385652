"""The text of programs that run inside the cluster, mounted from a ConfigMap."""

from collections.abc import Iterable
from importlib import resources


def source(package: str, name: str) -> str:
    """The text of the file *name* that lies in the Python package *package*."""
    return resources.files(package).joinpath(name).read_text()


def sources(package: str, names: Iterable[str]) -> dict[str, str]:
    """The texts of *names* in *package*, by name: a ConfigMap's data."""
    return {name: source(package, name) for name in names}
