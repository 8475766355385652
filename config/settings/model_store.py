"""Settings of the model store: where weights come from."""

from typing import Annotated, Literal

from cryptography import x509
from pydantic import Field, field_validator

from base.cidrs import Cidr
from base.model import Model
from base.quantity import Quantity

_URL = r"^https://[^/\s@]+(/[^\s]*[^/\s])?$"
"""Over TLS, without a password in it, and without a last `/`."""
_PATH = r"^([a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*)?$"


class HubSource(Model):
    """A hub with the API of huggingface_hub, or a mirror of one with the same API."""

    kind: Literal["hub"] = Field(default="hub", description="A hub, or a mirror of its API.")
    endpoint: str = Field(
        default="https://huggingface.co", pattern=_URL, description="URL of the hub."
    )


class HttpSource(Model):
    """A web server in front of the folders that `pai models import --to` makes."""

    kind: Literal["http"] = Field(description="A web server with a folder for each commit.")
    url: str = Field(pattern=_URL, description="URL of the folder that holds the repositories.")


class S3Source(Model):
    """A bucket that `pai models import --stack` has filled."""

    kind: Literal["s3"] = Field(description="A bucket with a folder for each commit.")
    endpoint: str = Field(pattern=_URL, description="URL of the object store, without the bucket.")
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", description="The bucket.")
    prefix: str = Field(default="", pattern=_PATH, description="Path in it; empty is its root.")
    region: str = Field(
        default="us-east-1", min_length=1, description="Region that requests are signed for."
    )


class OciSource(Model):
    """A registry with an artifact for each repository, tagged with the commit, a layer a file."""

    kind: Literal["oci"] = Field(description="A registry of images, with artifacts of weights.")
    registry: str = Field(pattern=r"^https://[^/\s@]+$", description="URL of the registry.")
    prefix: str = Field(
        default="", pattern=_PATH, description="Path in it that the repositories are below."
    )


Source = Annotated[HubSource | HttpSource | S3Source | OciSource, Field(discriminator="kind")]
"""Where the commits of models are published."""


class ModelStoreSettings(Model):
    """Where weights come from, and how fast they move."""

    source: Source = Field(
        default=HubSource(),
        description="A hub or a mirror. What it asks for is the secret `private-ai:hub-token`: the"
        " token of a hub or a web server, `access key:secret key` of a bucket, `user:password` of"
        " a registry.",
    )
    authority: str | None = Field(
        default=None,
        description="Certificates of a private authority, PEM: the download Jobs then trust it"
        " instead of the public ones.",
    )
    proxy: str | None = Field(
        default=None,
        pattern=r"^https?://[^/\s@]+$",
        description="URL of the proxy that the download Jobs go through, without a password.",
    )
    cidrs: list[Cidr] = Field(
        min_length=1,
        description="Addresses that the download Jobs may reach: the source and what it redirects"
        " to, or the proxy.",
    )
    ports: list[Annotated[int, Field(ge=1, le=65535)]] = Field(
        default=[443], min_length=1, description="TCP ports that they may reach there."
    )
    download_rate: Quantity = Field(
        default="20M",
        description="Bytes a second that the source gives at worst; a slower download is given up.",
    )
    read_rate: Quantity = Field(
        default="500M",
        description="Bytes a second that one pod reads from the shared storage class at worst; it"
        " decides how long a model may take to start.",
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
