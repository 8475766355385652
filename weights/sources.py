"""Where a commit of a model is published: a hub, or a mirror of one kind or another."""

import json
import urllib.error
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, Protocol

from . import oci, s3
from .files import MANIFEST, File, WeightsError
from .manifest import Manifest
from .transport import REFUSALS, Transport


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
    transport = Transport(authority)
    match spec["kind"]:
        case "hub":
            return Hub(spec["endpoint"], commit, transport, credential)
        case "http":
            return Tree(spec["url"], commit, transport, credential)
        case "s3":
            return Bucket(s3.Place.of(spec, credential), commit, transport)
        case _:
            name = oci.name_of(spec["prefix"], commit.repository)
            registry = oci.Registry(spec["registry"], name, transport, credential)
            return Artifact(registry, commit)


@dataclass(frozen=True)
class Hub:
    """The API of huggingface_hub, and of its mirrors."""

    endpoint: str
    commit: Commit
    transport: Transport
    token: str

    def files(self) -> list[File]:
        """As the hub states them: the API of `model_info(revision=…, files_metadata=True)`."""
        repository, revision = self.commit.repository, self.commit.revision
        url = f"{self.endpoint}/api/models/{repository}/revision/{revision}?blobs=true"
        info: dict[str, Any] = json.loads(
            _read(self.transport, url, _bearer(self.token), self.commit, "the hub")
        )
        if info.get("sha") != revision:
            message = f"the hub gives commit {info.get('sha')} instead of {revision}"
            raise WeightsError(message)
        return [
            File(
                name=entry["rfilename"],
                size=entry["size"],
                sha256=(entry.get("lfs") or {}).get("sha256", ""),
                git_sha1="" if entry.get("lfs") else entry.get("blobId", ""),
            )
            for entry in info["siblings"]
        ]

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its content, from wherever the hub redirects to."""
        where = f"{self.commit.repository}/resolve/{self.commit.revision}"
        url = f"{self.endpoint}/{where}/{urllib.parse.quote(file.name)}"
        return self.transport.send(url, authorization=_bearer(self.token), offset=offset)


@dataclass(frozen=True)
class Tree:
    """A web server with a folder for each commit, as `pai models import` lays it out."""

    url: str
    commit: Commit
    transport: Transport
    token: str

    def files(self) -> list[File]:
        """As the manifest in the folder states them."""
        text = _read(
            self.transport, self._at(MANIFEST), _bearer(self.token), self.commit, "the mirror"
        )
        return _of_manifest(text, self.commit)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its content."""
        url = self._at(file.name)
        return self.transport.send(url, authorization=_bearer(self.token), offset=offset)

    def _at(self, name: str) -> str:
        return f"{self.url}/{urllib.parse.quote(below(self.commit, name))}"


@dataclass(frozen=True)
class Bucket:
    """A bucket with the same folders."""

    place: s3.Place
    commit: Commit
    transport: Transport

    def files(self) -> list[File]:
        """As the manifest in the folder states them."""
        try:
            with self._get(MANIFEST, 0) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise _refused(self.commit, "the bucket", error.code) from None
        return _of_manifest(text, self.commit)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its content."""
        return self._get(file.name, offset)

    def _get(self, name: str, offset: int) -> HTTPResponse:
        return s3.send(self.transport, self.place, below(self.commit, name), offset=offset)


@dataclass(frozen=True)
class Artifact:
    """An OCI artifact: a layer for each file, so that its digest is the file's."""

    registry: oci.Registry
    commit: Commit

    def files(self) -> list[File]:
        """The layers, under the names that their annotations give."""
        try:
            manifest = self.registry.manifest(self.commit.revision)
        except urllib.error.HTTPError as error:
            raise _refused(self.commit, "the registry", error.code) from None
        return oci.files_of(manifest)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its layer."""
        return self.registry.blob(f"sha256:{file.sha256}", offset)


def below(commit: Commit, name: str) -> str:
    """Where a mirror keeps the file *name* of *commit*."""
    return f"{commit.repository}/{commit.revision}/{name}"


def credential_in(file: str) -> str:
    """The credential in *file*; empty without one."""
    return Path(file).read_text().strip() if file else ""


def _of_manifest(text: bytes, commit: Commit) -> list[File]:
    manifest = Manifest.parse(text)
    if not manifest.same_as(commit.repository, commit.revision, {}):
        message = f"the mirror gives {manifest.repository} at {manifest.revision} instead of"
        message += f" {commit.repository} at {commit.revision}"
        raise WeightsError(message)
    return list(manifest.files)


def _read(transport: Transport, url: str, authorization: str, commit: Commit, place: str) -> bytes:
    try:
        with transport.send(url, authorization=authorization) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        raise _refused(commit, place, error.code) from None


def _refused(commit: Commit, place: str, code: int) -> WeightsError:
    message = f"{commit.repository} at {commit.revision}: {place} answers {code}"
    if code in REFUSALS and place == "the hub":
        message += "; accept the model's licence there, and give the stack a token that did"
    elif code in REFUSALS:
        message += "; give the stack a credential that may read there"
    return WeightsError(message)


def _bearer(token: str) -> str:
    return f"Bearer {token}" if token else ""
