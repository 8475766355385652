"""A verified folder of a model into a mirror that the download Jobs of a stack read."""

import re
import shutil
import urllib.error
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

from weights import oci, s3
from weights.fetch import PARTIAL, need_room
from weights.files import MANIFEST, File, WeightsError
from weights.manifest import Manifest, altered
from weights.sources import Commit, below
from weights.transport import Transport

Moved = Callable[[int], None]
"""Is told of bytes as they go by."""

PART_BYTES = 64 << 20
"""Of a large object that is sent at once: a part is 5 MiB to 5 GiB, and there are 10 000 of them.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

_ARTIFACT = "application/vnd.cncf.model.manifest.v1+json"
_CONFIG = "application/vnd.cncf.model.config.v1+json"
_LAYER = "application/vnd.cncf.model.weight.v1.raw"
"""Of the CNCF's ModelPack: https://github.com/modelpack/model-spec/blob/main/docs/spec.md"""


class Mirror(Protocol):
    """Somewhere that Jobs read from; the manifest goes last, so that half a model is none."""

    def bring(self, manifest: Manifest, folder: Path, moved: Moved) -> str:
        """Put the files of *folder* there; returns where they are. Raises WeightsError."""
        ...


class Folder:
    """A folder that a web server serves."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def bring(self, manifest: Manifest, folder: Path, moved: Moved) -> str:
        """Copy, and read back what was written."""
        commit = Commit(manifest.repository, manifest.revision)
        target = self._root / below(commit, "")
        if target.exists() and Manifest.read(target) == manifest:
            moved(manifest.size)
            return str(target)
        partial = self._root / PARTIAL / manifest.revision
        partial.mkdir(parents=True, exist_ok=True)
        need_room(partial, manifest.size)
        for file in manifest.files:
            path = partial / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file.name, path)
            moved(file.size)
        if wrong := altered(partial, manifest):
            raise WeightsError("\n".join(wrong))
        manifest.write(partial)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        return str(target)


class Bucket:
    """A bucket of an object store."""

    def __init__(self, place: s3.Place, transport: Transport) -> None:
        self._place, self._transport = place, transport

    def bring(self, manifest: Manifest, folder: Path, moved: Moved) -> str:
        """Upload what is not there yet; each part is checked by the store, by its SHA-256."""
        commit = Commit(manifest.repository, manifest.revision)
        try:
            for file in manifest.files:
                name = below(commit, file.name)
                if self._size(name) == file.size:
                    moved(file.size)
                else:
                    self._upload(name, folder / file.name, moved)
            self._send(below(commit, MANIFEST), "PUT", manifest.text().encode())
        except urllib.error.HTTPError as error:
            message = f"{self._place.url}: the object store answers {error.code}"
            raise WeightsError(message) from None
        return f"{self._place.url}/{below(commit, '')}"

    def _size(self, name: str) -> int | None:
        try:
            with s3.send(self._transport, self._place, name, method="HEAD") as answer:
                return int(answer.headers["Content-Length"])
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return None

    def _upload(self, name: str, path: Path, moved: Moved) -> None:
        if path.stat().st_size <= PART_BYTES:
            self._send(name, "PUT", path.read_bytes())
            moved(path.stat().st_size)
            return
        begun, _ = self._send(name, "POST", query={"uploads": ""})
        found = re.search(r"<UploadId>([^<]+)</UploadId>", begun)
        if found is None:
            message = f"{name}: the object store begins no upload in parts"
            raise WeightsError(message)
        upload = {"uploadId": found[1]}
        try:
            tags = self._parts(name, path, upload, moved)
            parts = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
                for number, tag in enumerate(tags, 1)
            )
            whole = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"
            self._send(name, "POST", whole.encode(), upload)
        except BaseException:
            self._send(name, "DELETE", query=upload)  # or its parts would stay, unseen and paid for
            raise

    def _parts(self, name: str, path: Path, upload: Mapping[str, str], moved: Moved) -> list[str]:
        tags: list[str] = []
        with path.open("rb") as content:
            while part := content.read(PART_BYTES):
                query = {**upload, "partNumber": str(len(tags) + 1)}
                tags.append(self._send(name, "PUT", part, query)[1])
                moved(len(part))
        return tags

    def _send(
        self, name: str, method: str, body: bytes = b"", query: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """The answer's text, and its entity tag."""
        with s3.send(
            self._transport, self._place, name, method=method, query=query, body=body
        ) as answer:
            return answer.read().decode(), answer.headers.get("ETag", "")


class Registry:
    """A registry of images, which keeps each file once, whatever artifacts it belongs to."""

    def __init__(self, url: str, prefix: str, credential: str, transport: Transport) -> None:
        self._url, self._prefix = url, prefix
        self._credential, self._transport = credential, transport

    def bring(self, manifest: Manifest, folder: Path, moved: Moved) -> str:
        """Push what is not there yet; the registry checks each layer by its digest."""
        name = oci.name_of(self._prefix, manifest.repository)
        registry = oci.Registry(self._url, name, self._transport, self._credential)
        config = b"{}"
        try:
            for file in manifest.files:
                digest = f"sha256:{file.sha256}"
                if not registry.has(digest):
                    with (folder / file.name).open("rb") as content:
                        registry.push(digest, file.size, content)
                moved(file.size)
            digest = f"sha256:{oci.digest_of(config)}"
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
            message = f"{self._url}/v2/{name}: the registry answers {error.code}"
            raise WeightsError(message) from None
        return f"{self._url}/{name}@{tagged}"


def _layer(file: File) -> dict[str, object]:
    return {
        "mediaType": _LAYER,
        "digest": f"sha256:{file.sha256}",
        "size": file.size,
        "annotations": {oci.FILE_PATH: file.name, oci.TITLE: file.name},
    }
