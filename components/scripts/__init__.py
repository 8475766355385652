"""Programs that run in Jobs inside the cluster, mounted from a ConfigMap."""

from collections.abc import Iterable
from importlib import resources


def source(name: str) -> str:
    """The text of the script *name*, for a ConfigMap."""
    return resources.files(__name__).joinpath(name).read_text()


def package(name: str, modules: Iterable[str]) -> dict[str, str]:
    """The texts of *modules* of the package *name*, for a ConfigMap mounted as that package."""
    folder = resources.files(__name__).joinpath(name)
    return {module: folder.joinpath(module).read_text() for module in modules}
