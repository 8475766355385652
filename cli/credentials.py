"""Credentials of mirrors and registries, and the CA of a stack, as `pai` itself uses them."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Final

from base.problems import Problem
from catalog.registry import Credentials, RegistryError, docker_logins
from cli.errors import CommandError

BUCKET_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def stored_logins() -> Mapping[str, Credentials]:
    """The logins of `docker login`, by registry. Raises CommandError."""
    try:
        return docker_logins()
    except RegistryError as error:
        got, change, _ = error.failure
        allowed = "the file that `docker login` writes"
        raise CommandError(Problem("config.json", got, allowed, change)) from None


def login(registry: str) -> str:
    """`user:password` that `docker login` stored for the URL *registry*; empty without one."""
    user, password = stored_logins().get(registry.removeprefix("https://"), ("", ""))
    return f"{user}:{password}" if user else ""


def bucket_keys() -> str:
    """`access key:secret key` of the environment; empty unless it has both."""
    access, secret = (os.environ.get(name, "") for name in BUCKET_KEYS)
    return f"{access}:{secret}" if access and secret else ""


@contextmanager
def authority_file(authority: str | None) -> Generator[str]:
    """Path of a file with the certificates *authority*, PEM; empty for the system's."""
    if authority is None:
        yield ""
        return
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(authority)
        file.flush()
        yield file.name
