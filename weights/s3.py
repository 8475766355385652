"""A source of kind `s3`: a bucket, read with requests in AWS Signature Version 4.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPResponse
from urllib.parse import quote, urlsplit

from .files import File
from .sources import Commit, mirror_path, mirrored_files
from .transport import Transport

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "s3"


def source(
    spec: Mapping[str, str], commit: Commit, transport: Transport, credential: str
) -> "Bucket":
    """The *commit* in the bucket of *spec*; *credential* is `access key:secret key`, or empty."""
    return Bucket(S3Location.of(spec, credential), commit, transport)


@dataclass(frozen=True)
class AccessKey:
    """An access key and its secret."""

    access: str
    secret: str = field(repr=False)
    region: str


@dataclass(frozen=True)
class S3Location:
    """A prefix in a bucket, and the key for it."""

    url: str
    """`https://host/bucket/prefix`: path-style, which every object store supports."""
    key: AccessKey | None
    """None for a public bucket."""

    @classmethod
    def of(cls, spec: Mapping[str, str], credential: str) -> "S3Location":
        """The location in *spec*: `endpoint`, `bucket`, `prefix`, `region`; key `access:secret`."""
        parts = (spec["endpoint"], spec["bucket"], spec["prefix"])
        access, _, secret = credential.partition(":")
        key = AccessKey(access, secret, spec["region"]) if credential else None
        return cls("/".join(part for part in parts if part), key)

    def url_of(self, name: str) -> str:
        """The URL of the object *name*."""
        return f"{self.url}/{quote(name)}"


def sign(
    key: AccessKey | None, method: str, url: str, body: bytes = b""
) -> tuple[dict[str, str], str]:
    """The headers and the `Authorization` of a request; none and empty without a key."""
    if key is None:
        return {}, ""
    headers = {
        "x-amz-date": datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
    }
    return headers, signature(key, method, url, headers)


def signature(key: AccessKey, method: str, url: str, headers: Mapping[str, str]) -> str:
    """The `Authorization` of a request.

    *headers* include x-amz-date and x-amz-content-sha256; all of them are signed.
    """
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
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashed}"
    digest = hmac.new(secret, to_sign.encode(), "sha256").hexdigest()
    return (
        f"{_ALGORITHM} Credential={key.access}/{scope},"
        f"SignedHeaders={';'.join(names)},Signature={digest}"
    )


@dataclass(frozen=True)
class Bucket:
    """The folder of one commit."""

    location: S3Location
    commit: Commit
    transport: Transport

    def files(self) -> list[File]:
        """Those of the manifest in the folder."""
        return mirrored_files(self.commit, self._get)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its content."""
        return self._get(file.name, offset)

    def _get(self, name: str, offset: int) -> HTTPResponse:
        url = self.location.url_of(mirror_path(self.commit, name))
        headers, authorization = sign(self.location.key, "GET", url)
        return self.transport.send(url, headers, authorization=authorization, offset=offset)
