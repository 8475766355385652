"""Settings of the platform: namespaces, registry, storage, the API server's addresses."""

from typing import Annotated, Final, Literal, get_args

from pydantic import Field

from base.cidrs import Cidr
from base.model import Model
from base.names import Label, Subdomain, line
from base.words import Words

TierName = Literal["gpu", "storage", "data", "auth", "models", "gateway", "apps", "monitoring"]
"""The functional tiers, one namespace each."""
TIERS: tuple[TierName, ...] = get_args(TierName)

MOST_PODS: Final = 100
"""Most replicas of one component; the quota of a tier has 200 pods (components/platform.py)."""

_PATH = "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
_PREFIX = Words(
    rf"([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{{1,5}})?(/{_PATH})*)?",
    "a registry with a path, such as registry.example.org/mirror",
    200,
)
"""https://github.com/distribution/reference/blob/main/reference.go has the grammar."""
_ORGANIZATION = line(64 - len(" private AI"))
"""The authority's common name, `<organization> private AI`, has 64 characters (RFC 5280)."""


class Namespaces(Model):
    """The namespace of each tier."""

    gpu: Label = Field(default="gpu-system", description="Device plugin, exporters.")
    storage: Label = Field(default="minio", description="Object storage.")
    data: Label = Field(default="llm-data", description="Databases and vectors.")
    auth: Label = Field(default="auth", description="Identity.")
    models: Label = Field(default="llm-production", description="Models, router.")
    gateway: Label = Field(default="kong", description="API gateway.")
    apps: Label = Field(default="llm-apps", description="User interfaces.")
    monitoring: Label = Field(default="monitoring", description="Observability.")


class PlatformSettings(Model):
    """Settings shared by all tiers."""

    organization: Annotated[str, _ORGANIZATION] = Field(
        description="Subject of the stack's CA certificate."
    )
    registry_prefix: Annotated[str, _PREFIX] = Field(
        default="",
        description="Registry and path of a mirror of all images; empty pulls from upstream.",
    )
    namespaces: Namespaces = Field(default=Namespaces(), description="Namespace of each tier.")
    adopt_namespaces: list[TierName] = Field(
        default=[],
        description="Tiers whose namespace may exist before the stack. It is then closed and"
        " restricted as one of the stack's own, and never deleted.",
    )
    storage_class: Subdomain = Field(
        description="For ReadWriteOnce volumes: fast, WaitForFirstConsumer."
    )
    shared_storage_class: Subdomain = Field(
        description="For model weights: ReadWriteMany, one writer, many readers."
    )
    api_server_cidrs: list[Cidr] = Field(
        min_length=1,
        description="CIDRs of the API server, which database pods must reach to elect a primary.",
    )
    dns_cache_cidrs: list[Cidr] = Field(
        default=[],
        description="CIDRs of NodeLocal DNSCache where it runs, usually `169.254.20.10/32`: pods"
        " then ask it instead of the cluster's DNS pods.",
    )
    disposable: bool = Field(
        default=False,
        description="Whether `destroy` also deletes data; otherwise data is protected and kept.",
    )
