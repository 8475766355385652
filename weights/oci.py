"""A source of kind `oci`: an artifact of a registry, with a layer for each file.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md; names of files are those of
ORAS (`title`) and of the CNCF's ModelPack (`filepath`).
"""

import base64
import json
import re
import urllib.error
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from .files import File, WeightsError
from .sources import Commit, refused
from .transport import Body, Transport

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
FILE_PATH = "org.cncf.model.filepath"
TITLE = "org.opencontainers.image.title"

_UNAUTHORIZED = 401
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


def source(
    spec: Mapping[str, str], commit: Commit, transport: Transport, credential: str
) -> "Artifact":
    """The *commit* at `registry` below `prefix`, asked for with `user:password` or as anyone."""
    name = name_of(spec["prefix"], commit.repository)
    return Artifact(Registry(spec["registry"], name, transport, credential), commit)


def name_of(prefix: str, repository: str) -> str:
    """What a registry calls *repository* below *prefix*: lower case, which is all it allows."""
    return "/".join(part for part in (prefix, repository.lower()) if part)


def files_of(manifest: Mapping[str, Any]) -> list[File]:
    """The files that the layers of *manifest* are."""
    files: list[File] = []
    for layer in manifest.get("layers", []):
        annotations = layer.get("annotations") or {}
        name = annotations.get(FILE_PATH) or annotations.get(TITLE) or ""
        algorithm, _, digest = layer["digest"].partition(":")
        if not name or algorithm != "sha256":
            message = f"layer {layer['digest']} is not a file with a name and a SHA-256"
            raise WeightsError(message)
        if "tar" in re.split(r"[.+]", layer["mediaType"]):
            message = f"{name} is an archive in the registry: push each file as it is"
            raise WeightsError(message)
        files.append(File(name, int(layer["size"]), sha256=digest))
    return files


class Registry:
    """One repository of a registry, asked with `user:password` or, if that is empty, as anyone."""

    def __init__(self, url: str, name: str, transport: Transport, credential: str) -> None:
        self.url, self.name, self._transport = url, name, transport
        encoded = base64.b64encode(credential.encode()).decode()
        self._basic = f"Basic {encoded}" if credential else ""
        self._authorization = ""

    def manifest(self, tag: str) -> dict[str, Any]:
        """The manifest of *tag*."""
        with self.send(f"manifests/{tag}", {"Accept": MANIFEST_TYPE}) as answer:
            return json.loads(answer.read())

    def blob(self, digest: str, offset: int = 0) -> HTTPResponse:
        """The content of a layer, from *offset* on."""
        return self.send(f"blobs/{digest}", offset=offset)

    def send(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        offset: int = 0,
        body: bytes | None = None,
    ) -> HTTPResponse:
        """The answer to a request below the repository; signs in when the registry asks for it."""
        url = f"{self.url}/v2/{self.name}/{path}"
        try:
            return self.send_to(url, headers, method=method, offset=offset, body=body)
        except urllib.error.HTTPError as error:
            if error.code != _UNAUTHORIZED:  # or a token that has run out, or is for reading only
                raise
            self._sign_in(error.headers.get("WWW-Authenticate", ""))
            return self.send_to(url, headers, method=method, offset=offset, body=body)

    def send_to(
        self,
        url: str,
        headers: Mapping[str, str] | None,
        *,
        method: str,
        offset: int = 0,
        body: Body | None = None,
    ) -> HTTPResponse:
        """The answer to a request to *url*, with what the last sign-in gave. Raises HTTPError."""
        return self._transport.send(
            url,
            headers,
            method=method,
            authorization=self._authorization,
            offset=offset,
            body=body,
        )

    def _sign_in(self, challenge: str) -> None:
        """Get what the registry's *challenge* asks for: a token from its issuer, or Basic."""
        self._authorization = self._basic
        if not challenge.startswith("Bearer "):
            return
        words = dict(_CHALLENGE.findall(challenge))
        realm = words.pop("realm")
        asked = urllib.parse.urlencode(
            {k: v for k, v in words.items() if k in {"service", "scope"}}
        )
        with self._transport.send(f"{realm}?{asked}", authorization=self._basic) as answer:
            issued: dict[str, Any] = json.loads(answer.read())
        self._authorization = f"Bearer {issued.get('token') or issued['access_token']}"


@dataclass(frozen=True)
class Artifact:
    """The artifact of one commit: the digest of each layer is that of a file."""

    registry: Registry
    commit: Commit

    def files(self) -> list[File]:
        """The layers, under the names that their annotations give."""
        try:
            manifest = self.registry.manifest(self.commit.revision)
        except urllib.error.HTTPError as error:
            raise refused(self.commit, "the registry", error.code) from None
        return files_of(manifest)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its layer."""
        return self.registry.blob(f"sha256:{file.sha256}", offset)
