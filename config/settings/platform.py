"""Settings of the platform: namespaces, registry, storage, the API server's addresses."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from base.model import Model
from base.names import DNS_LABEL

TierName = Literal["gpu", "storage", "data", "auth", "models", "gateway", "apps", "monitoring"]
"""The functional tiers, one namespace each."""
TIERS: tuple[TierName, ...] = get_args(TierName)

_Namespace = Annotated[str, Field(pattern=DNS_LABEL, max_length=63)]


class Namespaces(Model):
    """The namespace of each tier."""

    gpu: _Namespace = Field(default="gpu-system", description="Device plugin, exporters.")
    storage: _Namespace = Field(default="minio", description="Object storage.")
    data: _Namespace = Field(default="llm-data", description="Databases and vectors.")
    auth: _Namespace = Field(default="auth", description="Identity.")
    models: _Namespace = Field(default="llm-production", description="Models, router.")
    gateway: _Namespace = Field(default="kong", description="API gateway.")
    apps: _Namespace = Field(default="llm-apps", description="User interfaces.")
    monitoring: _Namespace = Field(default="monitoring", description="Observability.")


class PlatformSettings(Model):
    """Settings shared by all tiers."""

    organization: str = Field(min_length=1, description="Subject of the stack's CA certificate.")
    registry_prefix: str = Field(
        default="",
        pattern=r"^([a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*)?$",
        description="Registry and path of a mirror of all images; empty pulls from upstream.",
    )
    namespaces: Namespaces = Field(default=Namespaces(), description="Namespace of each tier.")
    adopt_namespaces: list[TierName] = Field(
        default=[],
        description="Tiers whose namespace may exist before the stack. It is then closed and"
        " restricted as one of the stack's own, and never deleted.",
    )
    storage_class: str = Field(
        min_length=1, description="For ReadWriteOnce volumes: fast, WaitForFirstConsumer."
    )
    shared_storage_class: str = Field(
        min_length=1, description="For model weights: ReadWriteMany, one writer, many readers."
    )
    api_server_cidrs: list[str] = Field(
        min_length=1,
        description="CIDRs of the API server, which database pods must reach to elect a primary.",
    )
    dns_cache_cidrs: list[str] = Field(
        default=[],
        description="CIDRs of NodeLocal DNSCache where it runs, usually `169.254.20.10/32`: pods"
        " then ask it instead of the cluster's DNS pods.",
    )
    disposable: bool = Field(
        default=False,
        description="Whether `destroy` also deletes data; otherwise data is protected and kept.",
    )
