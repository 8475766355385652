"""The stacks of a Pulumi project, by their files."""

from pathlib import Path


def stack_names(folder: Path) -> list[str]:
    """The names of the stacks that have a file in *folder*, sorted."""
    files = sorted(folder.glob("Pulumi.*.yaml"))
    return [file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files]
