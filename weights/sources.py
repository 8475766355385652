"""Sources of models: what all kinds have in common.

Each kind has a module of its own, imported when a source of that kind is opened: pods get the one
that their stack uses, and none of the others.
"""

import urllib.error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, cast

from .errors import Fault, TransientError, WeightsError
from .files import MANIFEST, File
from .manifest import Manifest
from .transport import ACCESS_DENIED, CONNECTION_ERRORS, Transport, is_permanent

SourceKind = Literal["hub", "http", "s3", "oci"]

MODULES: Mapping[SourceKind, str] = {
    "hub": "hub",
    "http": "http_folder",
    "s3": "s3",
    "oci": "oci",
}
"""Module of each kind; its function `source` returns a Source of that kind."""


class Source(Protocol):
    """One commit of one repository."""

    def files(self) -> list[File]:
        """All files, with their published sizes and digests. Raises WeightsError."""
        ...

    def open(self, file: File, offset: int) -> HTTPResponse:
        """The content of *file* from byte *offset* on. Raises CONNECTION_ERRORS."""
        ...


@dataclass(frozen=True)
class Commit:
    """A commit of a repository."""

    repository: str
    revision: str

    def __str__(self) -> str:
        """Repository and commit, for messages."""
        return f"{self.repository} at {self.revision}"


def source(spec: Mapping[str, str], commit: Commit, authority: str, credential: str) -> Source:
    """The *commit* at the source *spec*: its `kind`, and the settings of that kind.

    *authority* is a file of PEM certificates, or empty; *credential* is a token for a hub or a web
    server, `access key:secret key` for S3, `user:password` for a registry, or empty.
    """
    kind = cast("SourceKind", spec["kind"])
    module = import_module(f".{MODULES[kind]}", __package__)
    opened: Source = module.source(spec, commit, Transport(authority), credential)
    return opened


def mirror_path(commit: Commit, name: str) -> str:
    """Path of the file *name* of *commit* in a mirror."""
    return f"{commit.repository}/{commit.revision}/{name}"


def read_credential(file: str) -> str:
    """The content of *file*; empty without one."""
    return Path(file).read_text().strip() if file else ""


def bearer(token: str) -> str:
    """`Authorization` with *token*; empty without one."""
    return f"Bearer {token}" if token else ""


def mirrored_files(commit: Commit, get: Callable[[str, int], HTTPResponse]) -> list[File]:
    """The files in a mirror's manifest, which *get* reads. Raises WeightsError."""
    try:
        with get(MANIFEST, 0) as response:
            manifest = response.read()
    except CONNECTION_ERRORS as error:
        raise listing_error(commit, error) from None
    found = Manifest.parse(manifest)
    if not found.is_of(commit.repository, commit.revision):
        got = f"the manifest of {found.repository} at {found.revision} in the mirror"
        raise WeightsError(Fault(str(commit), got, "its own manifest", "import the model again"))
    return list(found.files)


def listing_error(
    commit: Commit,
    error: Exception,
    *,
    denied: str = "give the stack a credential that may read it",
) -> WeightsError:
    """The error for an *error* while the files of *commit* were listed.

    *denied* is the change to make if access was denied.
    """
    change = "check the address of the source, the repository and the commit"
    got = str(error) or "no response"
    if isinstance(error, urllib.error.HTTPError):
        got = f"HTTP {error.code} from the source"
        change = denied if error.code in ACCESS_DENIED else change
    kind = WeightsError if is_permanent(error) else TransientError
    return kind(Fault(str(commit), got, "a list of its files", change))
