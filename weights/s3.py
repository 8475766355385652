"""The object store's protocol, as much of it as weights need, signed with version 4.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPResponse
from urllib.parse import quote, urlsplit

from .transport import Transport

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "s3"


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


def send(
    transport: Transport,
    place: Place,
    name: str,
    *,
    method: str = "GET",
    query: Mapping[str, str] | None = None,
    offset: int = 0,
    body: bytes = b"",
) -> HTTPResponse:
    """The answer to a request about the object *name* at *place*."""
    asked = "&".join(
        f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted((query or {}).items())
    )
    url = f"{place.url}/{quote(name)}" + (f"?{asked}" if asked else "")
    headers: dict[str, str] = {}
    authorization = ""
    if place.key:
        moment = datetime.now(UTC)
        headers = {
            "x-amz-date": moment.strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        }
        authorization = signature(place.key, method, url, headers)
    return transport.send(
        url,
        headers,
        method=method,
        authorization=authorization,
        offset=offset,
        body=body if method in {"PUT", "POST"} else None,
    )


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
