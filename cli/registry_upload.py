"""Upload a model to an OCI registry."""

import hashlib
import json
import urllib.error
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from cli.model_import import OnProgress, refuse
from weights import oci
from weights.files import File
from weights.manifest import Manifest
from weights.transport import ACCESS_DENIED, Body, Transport

_ARTIFACT = "application/vnd.cncf.model.manifest.v1+json"
_CONFIG = "application/vnd.cncf.model.config.v1+json"
_LAYER = "application/vnd.cncf.model.weight.v1.raw"
"""Media types of the CNCF ModelPack: https://github.com/modelpack/model-spec/blob/main/docs/spec.md"""


class Registry:
    """An OCI registry, which stores each file once for all artifacts."""

    def __init__(self, url: str, prefix: str, credential: str, transport: Transport) -> None:
        self._url, self._prefix = url, prefix
        self._credential, self._transport = credential, transport

    def upload(self, manifest: Manifest, folder: Path, on_progress: OnProgress) -> str:
        """Push missing files; the registry checks the digest of every layer."""
        name = oci.repository_name(self._prefix, manifest.repository)
        registry = PushRegistry(self._url, name, self._transport, self._credential)
        config = b"{}"
        try:
            for file in manifest.files:
                digest = f"sha256:{file.sha256}"
                if not registry.has(digest):
                    with (folder / file.name).open("rb") as content:
                        registry.push(digest, file.size, content)
                on_progress(file.size)
            digest = f"sha256:{_digest(config)}"
            if not registry.has(digest):
                registry.push(digest, len(config), config)
            artifact = {
                "schemaVersion": 2,
                "mediaType": oci.MANIFEST_TYPE,
                "artifactType": _ARTIFACT,
                "config": {"mediaType": _CONFIG, "digest": digest, "size": len(config)},
                "layers": [_layer(file) for file in manifest.files],
            }
            tagged = registry.tag(manifest.revision, artifact)
        except urllib.error.HTTPError as error:
            refuse(f"{self._url}/v2/{name}", error.code)
        return f"{self._url}/{name}@{tagged}"


class PushRegistry(oci.Registry):
    """A repository of a registry that is also written to."""

    def has(self, digest: str) -> bool:
        """Whether the layer is there. Raises HTTPError if the credential does not suffice."""
        try:
            self.send(f"blobs/{digest}", method="HEAD").close()
        except urllib.error.HTTPError as error:
            if error.code in ACCESS_DENIED:
                raise
            return False
        return True

    def push(self, digest: str, size: int, body: Body, *, mount: str = "") -> bool:
        """Upload a layer of *size* bytes in one request; return whether that was necessary.

        It is not if the registry takes the layer from its repository *mount*. Raises HTTPError.
        """
        query = f"?mount={urllib.parse.quote(digest)}&from={urllib.parse.quote(mount, safe='')}"
        with self.send(f"blobs/uploads/{query if mount else ''}", method="POST", body=b"") as begun:
            if begun.status == HTTPStatus.CREATED:
                return False
            where = urllib.parse.urljoin(f"{self.url}/", begun.headers["Location"])
        oci.check_receiver(self.url, where)
        joint = "&" if "?" in where else "?"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        url = f"{where}{joint}digest={urllib.parse.quote(digest)}"
        self.send_to(url, headers, method="PUT", body=body).close()
        return True

    def tag(self, tag: str, manifest: Mapping[str, object]) -> str:
        """Publish *manifest* as *tag*; returns its digest. Raises HTTPError."""
        body = json.dumps(manifest).encode()
        self.publish(tag, body, oci.MANIFEST_TYPE)
        return f"sha256:{_digest(body)}"

    def publish(self, reference: str, manifest: bytes, media_type: str) -> None:
        """Store *manifest*, byte by byte, under a tag or its digest. Raises HTTPError."""
        headers = {"Content-Type": media_type}
        self.send(f"manifests/{reference}", headers, method="PUT", body=manifest).close()


def _layer(file: File) -> dict[str, object]:
    return {
        "mediaType": _LAYER,
        "digest": f"sha256:{file.sha256}",
        "size": file.size,
        "annotations": {oci.FILE_PATH: file.name, oci.TITLE: file.name},
    }


def _digest(content: bytes) -> str:
    """SHA-256, as digests and manifests write it."""
    return hashlib.sha256(content).hexdigest()
