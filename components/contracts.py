"""What one component hands to another: small values, never the resources behind them."""

from dataclasses import dataclass
from typing import Literal

from pulumi import Output

from components.network import Pods

ModelTask = Literal["chat", "embed", "rerank"]


@dataclass(frozen=True)
class BucketAccess:
    """One bucket, the credentials of one consumer, and where to connect."""

    bucket: str
    endpoint: Output[str]
    """`https://…` of the S3 API, known once the bucket can be used."""
    server: Pods
    port: int
    access_key: Output[str]
    secret_key: Output[str]
    """A secret."""


@dataclass(frozen=True)
class DatabaseAccess:
    """One PostgreSQL database and the role that owns it."""

    host: Output[str]
    """Of the primary; known once it accepts connections."""
    port: int
    database: str
    user: str
    password: Output[str]
    """A secret."""
    server: Pods


@dataclass(frozen=True)
class ModelEndpoint:
    """A model that answers in OpenAI's protocol."""

    name: str
    """The name that users ask for."""
    task: ModelTask
    url: Output[str]
    """`https://…/v1`, known once the model is loaded."""
    api_key: Output[str]
    """A secret."""
    server: Pods
    port: int
    context_tokens: int
    """Longest prompt and answer together."""


@dataclass(frozen=True)
class OidcClient:
    """An application registered with the identity provider."""

    client_id: str
    client_secret: Output[str]
    """A secret."""
    issuer: str
    """The `iss` of its tokens: the public URL of the realm."""
    discovery_url: Output[str]
    """`…/.well-known/openid-configuration`, inside the cluster; known once Keycloak answers."""
    server: Pods
    port: int


@dataclass(frozen=True)
class Upstream:
    """Something that the gateway may forward to, over TLS."""

    url: Output[str]
    """`https://host:port`, known once it answers."""
    server: Pods
    port: int


@dataclass(frozen=True)
class Route:
    """A public host and paths, and what answers them."""

    name: str
    host: str
    upstream: Upstream
    paths: tuple[str, ...] = ("/",)
    blocked: tuple[str, ...] = ()
    """Path prefixes below `paths` that the gateway answers itself, with 403."""
    authenticated: bool = False
    """Whether the gateway lets nobody through without a token of the realm or a team's key."""


@dataclass(frozen=True)
class ScrapeTarget:
    """Every pod behind a headless Service, read over HTTPS."""

    job: str
    """The label `job` of what is read."""
    server: Pods
    host: Output[str]
    """A DNS name with one address a pod."""
    server_name: Output[str]
    """The name that the pods' certificate is valid for."""
    port: int
    path: str = "/metrics"
    bearer: Output[str] | None = None
    """A token that the target asks for: a secret."""
