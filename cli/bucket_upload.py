"""Upload a model to a bucket of an object store."""

import re
import urllib.error
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import quote

from base.problems import Problem
from base.units import MIB
from cli.errors import CommandError
from cli.model_import import OnProgress, refuse
from weights import s3
from weights.files import MANIFEST
from weights.manifest import Manifest
from weights.sources import Commit, mirror_path
from weights.transport import Transport

PART_BYTES = 64 * MIB
"""Part size of a multipart upload: S3 allows 5 MiB to 5 GiB, and at most 10 000 parts.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""


class Bucket:
    """A bucket of an object store."""

    def __init__(self, location: s3.S3Location, transport: Transport) -> None:
        self._location, self._transport = location, transport

    def upload(self, manifest: Manifest, folder: Path, on_progress: OnProgress) -> str:
        """Upload missing files; the store checks the SHA-256 of every part."""
        commit = Commit(manifest.repository, manifest.revision)
        try:
            for file in manifest.files:
                name = mirror_path(commit, file.name)
                if self._size(name) == file.size:
                    on_progress(file.size)
                else:
                    self._put_file(name, folder / file.name, on_progress)
            self._send(mirror_path(commit, MANIFEST), "PUT", manifest.text().encode())
        except urllib.error.HTTPError as error:
            refuse(self._location.url, error.code)
        return f"{self._location.url}/{mirror_path(commit, '')}"

    def _size(self, name: str) -> int | None:
        try:
            with send(self._transport, self._location, name, method="HEAD") as response:
                return int(response.headers["Content-Length"])
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
                    path=f"{self._location.url}/{name}",
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
        with send(
            self._transport, self._location, name, method=method, query=query, body=body
        ) as response:
            return response.read().decode(), response.headers.get("ETag", "")


def send(
    transport: Transport,
    location: s3.S3Location,
    name: str,
    *,
    method: str,
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> HTTPResponse:
    """The response to a signed request for the object *name* at *location*. Raises HTTPError."""
    parameters = "&".join(
        f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted((query or {}).items())
    )
    url = location.url_of(name) + (f"?{parameters}" if parameters else "")
    headers, authorization = s3.sign(location.key, method, url, body)
    return transport.send(
        url,
        headers,
        method=method,
        authorization=authorization,
        body=body if method in {"PUT", "POST"} else None,
    )
