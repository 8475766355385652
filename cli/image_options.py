"""Options that the commands of `pai images` share."""

from collections.abc import Sequence

from base.problems import Problem
from catalog import images as catalog
from catalog.load import UnknownEntryError
from catalog.registry import (
    is_loopback,
    split_reference,
)
from cli.errors import CommandError
from cli.stack_images import used_images


def check_loopback(option: str, prefix: str) -> None:
    """Refuse HTTP to a mirror *prefix*, given as *option*, on another machine."""
    if not is_loopback(split_reference(prefix)[0]):
        raise CommandError(
            Problem(
                path="--insecure",
                got=f"registry {prefix or 'upstream'!r}",
                allowed=f"a {option} on this machine, like localhost:5000",
                change="remove --insecure: other registries are queried over HTTPS",
            )
        )


def selected_images(stack: str, keys: Sequence[str]) -> tuple[str, list[catalog.ImageSpec]]:
    """The mirror of *stack*, and its images with these keys; without either, no mirror and all.

    Raises ProblemError.
    """
    problems: list[Problem] = []
    for key in keys:
        try:
            catalog.image_spec(key)
        except UnknownEntryError as error:
            problems.append(Problem("KEY", error.got, ", ".join(error.allowed), error.change))
    if problems:
        raise CommandError(*problems)
    mirror, used = used_images(stack)
    known = {image.spec.key: image.spec for image in used}
    if others := [key for key in keys if key not in known]:
        allowed = f"images of stack {stack}: {', '.join(known)}"
        raise CommandError(Problem("KEY", ", ".join(others), allowed, "name some of these"))
    return mirror, [known[key] for key in keys] if keys else list(known.values())
