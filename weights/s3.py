"""A source of kind `s3`: a bucket, asked with requests of signature version 4.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import urllib.error
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPResponse
from urllib.parse import quote, urlsplit

from .files import MANIFEST, File
from .sources import Commit, below, files_in, refused
from .transport import Transport

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "s3"


def source(
    spec: Mapping[str, str], commit: Commit, transport: Transport, credential: str
) -> "Bucket":
    """The *commit* at the Place of *spec*, asked for with `access key:secret key` or as anyone."""
    return Bucket(Place.of(spec, credential), commit, transport)


@dataclass(frozen=True)
class Key:
    """An access key and its secret."""

    access: str
    secret: str = field(repr=False)
    region: str


@dataclass(frozen=True)
class Place:
    """A prefix in a bucket, and who asks."""

    url: str
    """`https://host/bucket` with the prefix: addressed by path, which every server takes."""
    key: Key | None
    """None for a bucket that everyone may read."""

    @classmethod
    def of(cls, spec: Mapping[str, str], credential: str) -> "Place":
        """The place of `endpoint`, `bucket`, `prefix`, `region`, with `access:secret`."""
        parts = (spec["endpoint"], spec["bucket"], spec["prefix"])
        access, _, secret = credential.partition(":")
        key = Key(access, secret, spec["region"]) if credential else None
        return cls("/".join(part for part in parts if part), key)

    def url_of(self, name: str) -> str:
        """The URL of the object *name*."""
        return f"{self.url}/{quote(name)}"


def signed(key: Key | None, method: str, url: str, body: bytes = b"") -> tuple[dict[str, str], str]:
    """The headers of a request and its `Authorization`; none and empty without a key."""
    if key is None:
        return {}, ""
    headers = {
        "x-amz-date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
    }
    return headers, signature(key, method, url, headers)


def signature(key: Key, method: str, url: str, headers: Mapping[str, str]) -> str:
    """The `Authorization` of a request with *headers*, of which two are x-amz-date and -sha256."""
    parts = urlsplit(url)
    signed = {"host": parts.netloc, **{name.lower(): v for name, v in headers.items()}}
    names = sorted(signed)
    canonical = "\n".join(
        [
            method,
            parts.path or "/",
            parts.query,
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            signed["x-amz-content-sha256"],
        ]
    )
    stamp = signed["x-amz-date"]
    scope = f"{stamp[:8]}/{key.region}/{_SERVICE}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    secret = f"AWS4{key.secret}".encode()
    for word in scope.split("/"):
        secret = hmac.digest(secret, word.encode(), "sha256")
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashed}"
    proof = hmac.new(secret, to_sign.encode(), "sha256").hexdigest()
    return (
        f"{_ALGORITHM} Credential={key.access}/{scope},"
        f"SignedHeaders={';'.join(names)},Signature={proof}"
    )


@dataclass(frozen=True)
class Bucket:
    """The folder of one commit."""

    place: Place
    commit: Commit
    transport: Transport

    def files(self) -> list[File]:
        """As the manifest in the folder states them."""
        try:
            with self._get(MANIFEST, 0) as answer:
                manifest = answer.read()
        except urllib.error.HTTPError as error:
            raise refused(self.commit, "the bucket", error.code) from None
        return files_in(manifest, self.commit)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its content."""
        return self._get(file.name, offset)

    def _get(self, name: str, offset: int) -> HTTPResponse:
        url = self.place.url_of(below(self.commit, name))
        headers, authorization = signed(self.place.key, "GET", url)
        return self.transport.send(url, headers, authorization=authorization, offset=offset)
