"""Settings of the platform: namespaces, registry, storage, the API server's addresses."""

from typing import Literal, get_args

from pydantic import Field

from base.model import Model

TierName = Literal["gpu", "storage", "data", "auth", "models", "gateway", "apps", "monitoring"]
"""The functional tiers of the first seed that hold pods, one namespace each."""
TIERS: tuple[TierName, ...] = get_args(TierName)

_NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"


class Namespaces(Model):
    """The namespace of each tier; the defaults are the seeds' own names where they give one."""

    gpu: str = Field(default="gpu-system", pattern=_NAME, description="Device plugin, exporters.")
    storage: str = Field(default="minio", pattern=_NAME, description="Object storage.")
    data: str = Field(default="llm-data", pattern=_NAME, description="Databases and vectors.")
    auth: str = Field(default="auth", pattern=_NAME, description="Identity.")
    models: str = Field(default="llm-production", pattern=_NAME, description="Models, router.")
    gateway: str = Field(default="kong", pattern=_NAME, description="The way in.")
    apps: str = Field(default="llm-apps", pattern=_NAME, description="User interfaces.")
    monitoring: str = Field(default="monitoring", pattern=_NAME, description="Observability.")


class PlatformSettings(Model):
    """What all tiers share."""

    organization: str = Field(min_length=1, description="Subject of the stack's authority.")
    registry_prefix: str = Field(
        default="",
        pattern=r"^([a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)*)?$",
        description="Registry and path that mirror every image; empty pulls from upstream.",
    )
    namespaces: Namespaces = Field(default=Namespaces(), description="Namespace of each tier.")
    storage_class: str = Field(
        min_length=1, description="For disks that one pod mounts: fast, WaitForFirstConsumer."
    )
    shared_storage_class: str = Field(
        min_length=1, description="For model weights: ReadWriteMany, one writer, many readers."
    )
    api_server_cidrs: list[str] = Field(
        min_length=1,
        description="Addresses of the API server, which database pods must reach to elect.",
    )
    disposable: bool = Field(
        default=False,
        description="Whether `destroy` deletes data too; otherwise data is protected and retained.",
    )
