"""Where a commit of a model is published: what every kind of source has in common.

Each kind has a module of its own, imported when a source of that kind is opened: a pod holds the
one that its stack uses, and none of the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, cast

from .files import File, WeightsError
from .manifest import Manifest
from .transport import REFUSALS, Transport

SourceKind = Literal["hub", "http", "s3", "oci"]

MODULES: Mapping[SourceKind, str] = {
    "hub": "hub",
    "http": "http_folder",
    "s3": "s3",
    "oci": "oci",
}
"""Module of each kind; its `source` makes a Source of that kind."""


class Source(Protocol):
    """One commit of one repository."""

    def files(self) -> list[File]:
        """Every file of it, and what is stated about its content. Raises WeightsError."""
        ...

    def open(self, file: File, offset: int) -> HTTPResponse:
        """The content of *file* from *offset* on."""
        ...


@dataclass(frozen=True)
class Commit:
    """What is looked for."""

    repository: str
    revision: str


def source(spec: Mapping[str, str], commit: Commit, authority: str, credential: str) -> Source:
    """The *commit* at the place that *spec* describes: its `kind`, and the kind's own settings.

    *authority* is a file, or empty; *credential* is a token for a hub or a web server,
    `access key:secret key` for S3, `user:password` for a registry, or empty.
    """
    kind = cast("SourceKind", spec["kind"])
    module = import_module(f".{MODULES[kind]}", __package__)
    opened: Source = module.source(spec, commit, Transport(authority), credential)
    return opened


def below(commit: Commit, name: str) -> str:
    """Where a mirror keeps the file *name* of *commit*."""
    return f"{commit.repository}/{commit.revision}/{name}"


def credential_in(file: str) -> str:
    """The credential in *file*; empty without one."""
    return Path(file).read_text().strip() if file else ""


def bearer(token: str) -> str:
    """`Authorization` with *token*; empty without one."""
    return f"Bearer {token}" if token else ""


def files_in(manifest: bytes, commit: Commit) -> list[File]:
    """The files that a mirror's *manifest* lists. WeightsError if it is of another commit."""
    found = Manifest.parse(manifest)
    if not found.same_as(commit.repository, commit.revision, {}):
        message = f"the mirror gives {found.repository} at {found.revision} instead of"
        message += f" {commit.repository} at {commit.revision}"
        raise WeightsError(message)
    return list(found.files)


def refused(
    commit: Commit,
    place: str,
    code: int,
    change: str = "give the stack a credential that may read there",
) -> WeightsError:
    """The error for HTTP status *code* from *place*, with the *change* if access was denied."""
    message = f"{commit.repository} at {commit.revision}: {place} answers {code}"
    return WeightsError(f"{message}; {change}" if code in REFUSALS else message)
