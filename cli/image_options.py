"""Options that the commands of `pai images` share."""

from collections.abc import Mapping, Sequence

from base.problems import Problem
from catalog import images as catalog
from catalog.load import UnknownEntryError
from catalog.registry import (
    Credentials,
    RegistryError,
    docker_logins,
    is_loopback,
    split_reference,
)
from cli.errors import CommandError


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


def chosen(keys: Sequence[str]) -> list[catalog.ImageSpec]:
    """The images with these keys; all without any. Raises CommandError."""
    problems: list[Problem] = []
    specs: list[catalog.ImageSpec] = []
    for key in keys or catalog.images():
        try:
            specs.append(catalog.image_spec(key))
        except UnknownEntryError as error:
            problems.append(Problem("KEY", error.got, ", ".join(error.allowed), error.change))
    if problems:
        raise CommandError(*problems)
    return specs


def stored_logins() -> Mapping[str, Credentials]:
    """The logins of `docker login`, by registry. Raises CommandError."""
    try:
        return docker_logins()
    except RegistryError as error:
        got, change, _ = error.failure
        allowed = "the file that `docker login` writes"
        raise CommandError(Problem("config.json", got, allowed, change)) from None
