"""Settings of the model store: the source of weights."""

from collections.abc import Callable
from typing import Annotated, Literal

from cryptography import x509
from pydantic import BeforeValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from base.cidrs import Cidr
from base.model import Model
from base.quantity import Quantity


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
_Url = Annotated[str, Field(pattern=r"^https://[^/\s@?#]+(/[^\s@?#]*[^/\s@?#])?$"), _NO_PASSWORD]
"""An HTTPS URL without credentials, query or trailing `/`."""
_Registry = Annotated[str, Field(pattern=r"^https://[^/\s@?#]+$"), _NO_PASSWORD]
_Proxy = Annotated[
    str,
    Field(pattern=r"^https?://[^/\s@?#]+$"),
    BeforeValidator(
        _without_password(
            "Remove user and password; use a proxy that asks the download Jobs for none."
        )
    ),
]
_PATH = r"^([a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*)?$"


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
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="The bucket.")
    prefix: str = Field(default="", pattern=_PATH, description="Path in the bucket; empty: root.")
    region: str = Field(
        default="us-east-1", min_length=1, description="Region in request signatures."
    )


class OciSource(Model):
    """A registry with an artifact per repository, tagged with the commit; one layer per file."""

    kind: Literal["oci"] = Field(description="An OCI registry with artifacts of weights.")
    registry: _Registry = Field(description="URL of the registry.")
    prefix: str = Field(
        default="", pattern=_PATH, description="Path in the registry above the repositories."
    )


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
    download_rate: Quantity = Field(
        default="20M",
        description="Minimum rate of the source, bytes per second; slower downloads are aborted.",
    )
    read_rate: Quantity = Field(
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
