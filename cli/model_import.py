"""Upload a verified model to a mirror that the download Jobs of a stack read."""

import re
import shutil
import urllib.error
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import NoReturn, Protocol

from base.problems import Problem
from cli.errors import CommandError
from weights import oci, s3
from weights.fetch import PARTIAL, need_room
from weights.files import MANIFEST, File
from weights.manifest import Manifest, altered
from weights.sources import Commit, below
from weights.transport import Transport

OnProgress = Callable[[int], None]
"""Called with the number of bytes just transferred."""

PART_BYTES = 64 << 20
"""Part size of a multipart upload: S3 allows 5 MiB to 5 GiB, and at most 10 000 parts.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

_ARTIFACT = "application/vnd.cncf.model.manifest.v1+json"
_CONFIG = "application/vnd.cncf.model.config.v1+json"
_LAYER = "application/vnd.cncf.model.weight.v1.raw"
"""Media types of the CNCF ModelPack: https://github.com/modelpack/model-spec/blob/main/docs/spec.md"""


class Mirror(Protocol):
    """A place that Jobs read from. The manifest is written last: without it there is no model."""

    def upload(self, manifest: Manifest, folder: Path, on_progress: OnProgress) -> str:
        """Write the files of *folder*; return their URL or path. Raises ProblemError."""
        ...


class Folder:
    """A folder that a web server serves."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def upload(self, manifest: Manifest, folder: Path, on_progress: OnProgress) -> str:
        """Copy the files, then verify the copies."""
        commit = Commit(manifest.repository, manifest.revision)
        target = self._root / below(commit, "")
        if target.exists() and Manifest.read(target) == manifest:
            on_progress(manifest.size)
            return str(target)
        partial = self._root / PARTIAL / manifest.revision
        partial.mkdir(parents=True, exist_ok=True)
        need_room(partial, manifest.size)
        for file in manifest.files:
            path = partial / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / file.name, path)
            on_progress(file.size)
        if wrong := altered(partial, manifest):
            raise CommandError(
                Problem(
                    path=str(partial),
                    got="\n              ".join(wrong),
                    allowed="the files of manifest.json, byte for byte",
                    change="check the disk, then import the model again",
                )
            )
        manifest.write(partial)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
        return str(target)


class Bucket:
    """A bucket of an object store."""

    def __init__(self, place: s3.Place, transport: Transport) -> None:
        self._place, self._transport = place, transport

    def upload(self, manifest: Manifest, folder: Path, on_progress: OnProgress) -> str:
        """Upload missing files; the store checks the SHA-256 of every part."""
        commit = Commit(manifest.repository, manifest.revision)
        try:
            for file in manifest.files:
                name = below(commit, file.name)
                if self._size(name) == file.size:
                    on_progress(file.size)
                else:
                    self._put_file(name, folder / file.name, on_progress)
            self._send(below(commit, MANIFEST), "PUT", manifest.text().encode())
        except urllib.error.HTTPError as error:
            _refuse(self._place.url, error.code)
        return f"{self._place.url}/{below(commit, '')}"

    def _size(self, name: str) -> int | None:
        try:
            with s3.send(self._transport, self._place, name, method="HEAD") as answer:
                return int(answer.headers["Content-Length"])
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return None

    def _put_file(self, name: str, path: Path, on_progress: OnProgress) -> None:
        if path.stat().st_size <= PART_BYTES:
            self._send(name, "PUT", path.read_bytes())
            on_progress(path.stat().st_size)
            return
        started, _ = self._send(name, "POST", query={"uploads": ""})
        identifier = re.search(r"<UploadId>([^<]+)</UploadId>", started)
        if identifier is None:
            raise CommandError(
                Problem(
                    path=f"{self._place.url}/{name}",
                    got="a response without an UploadId",
                    allowed="the start of a multipart upload",
                    change="use an object store that supports S3 multipart uploads",
                )
            )
        upload = {"uploadId": identifier[1]}
        try:
            tags = self._put_parts(name, path, upload, on_progress)
            parts = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
                for number, tag in enumerate(tags, 1)
            )
            whole = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"
            self._send(name, "POST", whole.encode(), upload)
        except BaseException:
            self._send(
                name, "DELETE", query=upload
            )  # otherwise the store keeps and bills the parts
            raise

    def _put_parts(
        self, name: str, path: Path, upload: Mapping[str, str], on_progress: OnProgress
    ) -> list[str]:
        tags: list[str] = []
        with path.open("rb") as content:
            while part := content.read(PART_BYTES):
                query = {**upload, "partNumber": str(len(tags) + 1)}
                tags.append(self._send(name, "PUT", part, query)[1])
                on_progress(len(part))
        return tags

    def _send(
        self, name: str, method: str, body: bytes = b"", query: Mapping[str, str] | None = None
    ) -> tuple[str, str]:
        """The body of the response and its ETag."""
        with s3.send(
            self._transport, self._place, name, method=method, query=query, body=body
        ) as answer:
            return answer.read().decode(), answer.headers.get("ETag", "")


class Registry:
    """An OCI registry, which stores each file once for all artifacts."""

    def __init__(self, url: str, prefix: str, credential: str, transport: Transport) -> None:
        self._url, self._prefix = url, prefix
        self._credential, self._transport = credential, transport

    def upload(self, manifest: Manifest, folder: Path, on_progress: OnProgress) -> str:
        """Push missing files; the registry checks the digest of every layer."""
        name = oci.name_of(self._prefix, manifest.repository)
        registry = oci.Registry(self._url, name, self._transport, self._credential)
        config = b"{}"
        try:
            for file in manifest.files:
                digest = f"sha256:{file.sha256}"
                if not registry.has(digest):
                    with (folder / file.name).open("rb") as content:
                        registry.push(digest, file.size, content)
                on_progress(file.size)
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
            _refuse(f"{self._url}/v2/{name}", error.code)
        return f"{self._url}/{name}@{tagged}"


def _refuse(url: str, code: int) -> NoReturn:
    raise CommandError(
        Problem(
            path=url,
            got=f"HTTP {code}",
            allowed="a successful upload",
            change="check the URL and the credentials, then run the command again",
        )
    ) from None


def _layer(file: File) -> dict[str, object]:
    return {
        "mediaType": _LAYER,
        "digest": f"sha256:{file.sha256}",
        "size": file.size,
        "annotations": {oci.FILE_PATH: file.name, oci.TITLE: file.name},
    }
