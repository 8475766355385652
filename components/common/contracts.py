"""What one component hands to another: small values, never the resources behind them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pulumi_kubernetes as k8s
from pulumi import Output

from catalog.cuda import image_for
from components.common.network import Pods
from sizing.devices import Device
from sizing.sharing import SharingMode

ModelTask = Literal["chat", "embed", "rerank", "transcribe", "speak", "image"]

ModelDialect = Literal["vllm", "openai", "infinity", "tei"]
"""What a model's own API looks like: OpenAI's protocol, and whose way to rerank beside it."""


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
class RedisAccess:
    """A Redis that speaks TLS only."""

    host: Output[str]
    """Known once it answers."""
    port: int
    password: Output[str]
    """A secret."""
    server: Pods


@dataclass(frozen=True)
class VectorAccess:
    """A vector database and a key that reads and writes it."""

    url: Output[str]
    """`https://…`, known once its collections exist."""
    api_key: Output[str]
    """A secret."""
    server: Pods
    port: int


@dataclass(frozen=True)
class ApiAccess:
    """The models' one address in OpenAI's protocol, and the key of one team or application."""

    url: Output[str]
    """`https://…/v1`, known once it answers."""
    api_key: Output[str]
    """A secret."""
    server: Pods
    port: int


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
    context_tokens: int | None
    """Longest prompt and answer together; None for speech, which has no tokens."""
    dialect: ModelDialect = "vllm"
    known_as: str = ""
    """The name that its own server knows it by, where that is another."""


@dataclass(frozen=True)
class ImageAccess:
    """A ComfyUI, and the graph of nodes that makes an image with its one model."""

    url: Output[str]
    """`https://…`, known once it answers."""
    api_key: Output[str]
    """A secret."""
    server: Pods
    port: int
    model: str
    """The checkpoint, as the graph names it."""
    size: str
    """Of an image, pixels: `widthxheight`."""
    steps: int
    workflow: str
    """The graph, in ComfyUI's API format (JSON)."""
    nodes: str
    """Which inputs of it a request fills in, in Open WebUI's form (JSON)."""


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


@dataclass(frozen=True)
class GpuPlacement:
    """Where the pods that take GPUs of one pool may run, and how they ask."""

    device: Device
    """What a pod takes one or more of: its resource name, memory, and how much of it is allowed."""
    node_selector: Mapping[str, str]
    taint: str
    """The key of what keeps other pods away."""
    runtime_class: Output[str]
    """Known once every node of the pool offers its GPUs."""
    driver: int = 580
    """Branch of the driver on its nodes; the default is that of config.pools."""
    sharing: SharingMode = "exclusive"
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """What every container that takes a device must have, beside its own."""
    device_class: str | None = None
    """The DeviceClass to claim devices of; none where they are asked for by resource name."""
    device_selector: str | None = None
    """CEL that picks the devices of that class; none takes any of the pool's nodes."""

    @property
    def resource(self) -> str:
        """The name of its devices among a container's resources."""
        return self.device.resource

    def image_key(self, key: str) -> str:
        """The image *key*, or the build of it for the driver that the nodes have."""
        return image_for(key, self.driver) or key

    @property
    def brings_shared_memory(self) -> bool:
        """Whether the device plugin mounts its own /dev/shm into the container, as MPS needs.

        A pod must then not mount another over it.
        """
        return self.sharing == "mps"

    @property
    def tolerations(self) -> list[k8s.core.v1.TolerationArgsDict]:
        """What lets a pod onto its nodes."""
        return [{"key": self.taint, "operator": "Exists", "effect": "NoSchedule"}]


@dataclass(frozen=True)
class StoredModel:
    """The verified weights of one model, on a volume that many pods may read."""

    claim: Output[str]
    """Of the volume; known once the weights are whole and verified."""
    path: str
    """The model's directory where the volume is mounted at `root`."""
    root: str
    verifier: Output[str]
    """The ConfigMap of the program that verifies it; `components.verified_weights` runs it."""
    size_bytes: int
    read_rate: int
    """Bytes a second that one pod reads at worst."""
