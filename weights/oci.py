"""A source of kind `oci`: an artifact in a registry, with a layer for each file.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md; the annotations with file
names are those of ORAS (`title`) and of the CNCF's ModelPack (`filepath`).
"""

import base64
import json
import re
import urllib.error
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from .errors import Fault, WeightsError
from .files import File
from .sources import Commit, listing_error
from .transport import CONNECTION_ERRORS, Body, Transport

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
FILE_PATH = "org.cncf.model.filepath"
TITLE = "org.opencontainers.image.title"

_UNAUTHORIZED = 401
_COUNTRY, _SECOND = 2, 3
"""Letters of a country's domain, and at most of the `co` or `com` before it."""
_SHA256 = "sha256:"
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


def source(
    spec: Mapping[str, str], commit: Commit, transport: Transport, credential: str
) -> "Artifact":
    """The *commit* in the registry of *spec*; *credential* is `user:password`, or empty."""
    name = repository_name(spec["prefix"], commit.repository)
    return Artifact(Registry(spec["registry"], name, transport, credential), commit)


def repository_name(prefix: str, repository: str) -> str:
    """Name of *repository* below *prefix* in a registry, where names are lower case."""
    return "/".join(part for part in (prefix, repository.lower()) if part)


def check_receiver(registry: str, url: str) -> None:
    """Raise WeightsError unless *url* may receive the login for *registry*.

    It is named by the registry's answer: as safe a connection, and the same host or one with the
    same domain (registry.gitlab.com signs in at gitlab.com).
    """
    ours, theirs = urllib.parse.urlsplit(registry), urllib.parse.urlsplit(url)
    if theirs.scheme in {"https", ours.scheme} and _is_same_site(ours.hostname, theirs.hostname):
        return
    raise WeightsError(
        Fault(
            path=f"registry {ours.netloc}",
            got=f"{theirs.scheme}://{theirs.hostname}, to which it sends logins",
            allowed="https, at a host of the registry's own domain",
            change="use another registry, or tell who runs it",
        )
    )


def _is_same_site(ours: str | None, theirs: str | None) -> bool:
    if ours == theirs:
        return ours is not None
    one, other = (str(host).split(".") for host in (ours, theirs))
    # `co.uk` and `com.au` are nobody's own; an address has no domain.
    shared = (
        3 if len(one[-1]) == _COUNTRY and len(one) > _COUNTRY and len(one[-2]) <= _SECOND else 2
    )
    return len(one) >= shared and one[-shared:] == other[-shared:] and not one[-1].isdigit()


def layer_files(manifest: Mapping[str, Any]) -> list[File]:
    """The files that the layers of *manifest* are. Raises WeightsError for any other layer."""
    layers = manifest.get("layers", [])
    if faults := [fault for layer in layers for fault in _faults(layer)]:
        raise WeightsError(*faults)
    return [
        File(_name(layer), int(layer["size"]), sha256=layer["digest"].removeprefix(_SHA256))
        for layer in layers
    ]


def _name(layer: Mapping[str, Any]) -> str:
    annotations = layer.get("annotations") or {}
    return annotations.get(FILE_PATH) or annotations.get(TITLE) or ""


def _faults(layer: Mapping[str, Any]) -> Iterator[Fault]:
    name, digest = _name(layer), str(layer["digest"])
    if not (name and digest.startswith(_SHA256)):
        yield Fault(
            path=f"layer {digest}",
            got="no file name, or a digest other than SHA-256",
            allowed=f"the annotation {TITLE} or {FILE_PATH}, and a SHA-256",
            change="push the model with pai models import",
        )
    elif "tar" in re.split(r"[.+]", layer["mediaType"]):
        yield Fault(
            path=name,
            got=f"an archive, {layer['mediaType']}",
            allowed="the file itself as a layer",
            change="push the model with pai models import",
        )


class Registry:
    """One repository of a registry; *credential* is `user:password`, or empty for anonymous."""

    def __init__(self, url: str, name: str, transport: Transport, credential: str) -> None:
        self.url, self.name, self._transport = url, name, transport
        encoded = base64.b64encode(credential.encode()).decode()
        self._basic = f"Basic {encoded}" if credential else ""
        self._authorization = ""

    def manifest(self, tag: str) -> dict[str, Any]:
        """The manifest of *tag*."""
        with self.send(f"manifests/{tag}", {"Accept": MANIFEST_TYPE}) as response:
            return json.loads(response.read())

    def blob(self, digest: str, offset: int = 0, size: int = 0) -> HTTPResponse:
        """The content of a layer of *size* bytes, from *offset* on."""
        # Some registries take no range without an end, and answer 416 (go-containerregistry).
        part = {"Range": f"bytes={offset}-{size - 1}"} if offset else {}
        return self.send(f"blobs/{digest}", part)

    def send(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
    ) -> HTTPResponse:
        """The response to a request below the repository; signs in when the registry requires it.

        Raises CONNECTION_ERRORS.
        """
        url = f"{self.url}/v2/{self.name}/{path}"
        try:
            return self.send_to(url, headers, method=method, body=body)
        except urllib.error.HTTPError as error:
            if error.code != _UNAUTHORIZED:  # which an expired or read-only token gets as well
                raise
            self._sign_in(error.headers.get("WWW-Authenticate", ""))
            return self.send_to(url, headers, method=method, body=body)

    def send_to(
        self,
        url: str,
        headers: Mapping[str, str] | None,
        *,
        method: str,
        body: Body | None = None,
    ) -> HTTPResponse:
        """The response to a request to *url*, as signed in last. Raises CONNECTION_ERRORS."""
        return self._transport.send(
            url,
            headers,
            method=method,
            authorization=self._authorization,
            body=body,
        )

    def _sign_in(self, challenge: str) -> None:
        """Sign in as *challenge* demands: with a token of its issuer, or Basic."""
        self._authorization = self._basic
        if not challenge.startswith("Bearer "):
            return
        fields = dict(_CHALLENGE.findall(challenge))
        query = urllib.parse.urlencode(
            {k: v for k, v in fields.items() if k in {"service", "scope"}}
        )
        if self._basic:
            check_receiver(self.url, fields["realm"])
        url = f"{fields['realm']}?{query}"
        with self._transport.send(url, authorization=self._basic) as response:
            issued: dict[str, Any] = json.loads(response.read())
        self._authorization = f"Bearer {issued.get('token') or issued['access_token']}"


@dataclass(frozen=True)
class Artifact:
    """The artifact of one commit; the digest of a layer is that of its file."""

    registry: Registry
    commit: Commit

    def files(self) -> list[File]:
        """The layers, named by their annotations."""
        try:
            manifest = self.registry.manifest(self.commit.revision)
        except CONNECTION_ERRORS as error:
            raise listing_error(self.commit, error) from None
        return layer_files(manifest)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its layer."""
        return self.registry.blob(f"sha256:{file.sha256}", offset, file.size)
