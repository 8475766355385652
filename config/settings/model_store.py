"""Settings of the model store: the source of weights."""

from collections.abc import Callable
from typing import Annotated, Literal

from cryptography import x509
from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from base.cidrs import Cidr
from base.model import Model
from base.quantity import Rate
from base.words import Words


def _without_password(change: str) -> Callable[[object], object]:
    """A validator that refuses a URL with credentials, and says what *change* to make."""

    def check(url: object) -> object:
        # Also in a path: a password may hold a `/` that should have been written as %2F.
        if isinstance(url, str) and "@" in url:
            kind, message = "password_in_url", "a URL without user and password"
            raise PydanticCustomError(kind, message, {"change": change})
        return url

    return check


# Addresses are arguments of pods and in the state, which more people read than secrets.
_NO_PASSWORD = BeforeValidator(
    _without_password("Remove user and password, and run: pulumi config set --secret hub-token")
)
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_AUTHORITY = rf"([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:{_PORT})?"
_URL_PATH = r"""(/[!"$->A-~]*[!"$-.0->A-~])?"""
"""Of visible ASCII but `#`, `?` and `@`; the last is no `/`."""
_LONGEST_URL = 2000
_Url = Annotated[
    str,
    Words(
        rf"https://{_AUTHORITY}{_URL_PATH}",
        "an HTTPS URL such as https://hub.example.org/api, without query or trailing /",
        _LONGEST_URL,
    ),
    _NO_PASSWORD,
]
"""An HTTPS URL without credentials, query or trailing `/`."""
_Registry = Annotated[
    str,
    Words(
        rf"https://{_AUTHORITY}",
        "an HTTPS URL such as https://registry.example.org, without a path",
        _LONGEST_URL,
    ),
    _NO_PASSWORD,
]
_Proxy = Annotated[
    str,
    Words(
        rf"https?://{_AUTHORITY}",
        "a URL such as http://proxy.example.org:3128, without a path",
        _LONGEST_URL,
    ),
    BeforeValidator(
        _without_password(
            "Remove user and password; use a proxy that asks the download Jobs for none."
        )
    ),
]
_Path = Annotated[
    str,
    Words(
        "([a-z0-9][-a-z0-9._]*(/[a-z0-9][-a-z0-9._]*)*)?",
        "a path such as models/checked: lower-case letters, digits, hyphens, dots, underscores",
        500,
    ),
]
_Bucket = Annotated[
    str,
    Words(
        r"[a-z0-9]([-a-z0-9]|\.(?=[a-z0-9])){1,61}[a-z0-9]",
        "the name of a bucket: 3 or more lower-case letters, digits, hyphens and dots",
        63,
    ),
]
_REGION = Words("[a-z0-9]([-a-z0-9]*[a-z0-9])?", "a region such as eu-west-3", 63)


class HubSource(Model):
    """The Hugging Face Hub, or a mirror with the same API."""

    kind: Literal["hub"] = Field(default="hub", description="A hub, or a mirror with its API.")
    endpoint: _Url = Field(default="https://huggingface.co", description="URL of the hub.")


class HttpSource(Model):
    """A web server for the folders that `pai models import --to` writes."""

    kind: Literal["http"] = Field(description="A web server with a folder per commit.")
    url: _Url = Field(description="URL of the folder with the repositories.")


class S3Source(Model):
    """A bucket that `pai models import --stack` fills."""

    kind: Literal["s3"] = Field(description="A bucket with a folder per commit.")
    endpoint: _Url = Field(description="URL of the object store, without the bucket.")
    bucket: _Bucket = Field(description="The bucket.")
    prefix: _Path = Field(default="", description="Path in the bucket; empty: root.")
    region: Annotated[str, _REGION] = Field(
        default="us-east-1", description="Region in request signatures."
    )


class OciSource(Model):
    """A registry with an artifact per repository, tagged with the commit; one layer per file."""

    kind: Literal["oci"] = Field(description="An OCI registry with artifacts of weights.")
    registry: _Registry = Field(description="URL of the registry.")
    prefix: _Path = Field(default="", description="Path in the registry above the repositories.")


Source = Annotated[HubSource | HttpSource | S3Source | OciSource, Field(discriminator="kind")]
"""The place where commits of models are published."""


class ModelStoreSettings(Model):
    """The source of weights, and the rates of download and loading."""

    source: Source = Field(
        default=HubSource(),
        description="A hub or a mirror. Its credential is the secret `private-ai:hub-token`: the"
        " token of a hub or a web server, `access key:secret key` of a bucket, `user:password` of"
        " a registry.",
    )
    authority: str | None = Field(
        default=None,
        description="Certificates of a private CA, PEM, which the download Jobs trust instead of"
        " the public ones.",
    )
    proxy: _Proxy | None = Field(
        default=None,
        description="URL of the download Jobs' proxy, without credentials.",
    )
    cidrs: list[Cidr] = Field(
        min_length=1,
        description="CIDRs that the download Jobs may reach: the source and the hosts it redirects"
        " to, or the proxy.",
    )
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(
        default=[443], min_length=1, description="TCP ports that the download Jobs may reach."
    )
    download_rate: Rate = Field(
        default="20M",
        description="Minimum rate of the source, bytes per second; slower downloads are aborted.",
    )
    read_rate: Rate = Field(
        default="500M",
        description="Minimum rate at which one pod reads from the shared storage class, bytes per"
        " second; it decides the startup timeout of a model.",
    )

    @field_validator("authority")
    @classmethod
    def _is_a_certificate(cls, authority: str | None) -> str | None:
        if authority is not None:
            try:
                x509.load_pem_x509_certificates(authority.encode())
            except ValueError:
                message = "PEM: one or more blocks from BEGIN CERTIFICATE to END CERTIFICATE"
                raise ValueError(message) from None
        return authority
