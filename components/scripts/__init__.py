"""Programs that run in Jobs inside the cluster, mounted from a ConfigMap."""

from importlib import resources


def source(name: str) -> str:
    """The text of the script *name*, for a ConfigMap."""
    return resources.files(__name__).joinpath(name).read_text()
