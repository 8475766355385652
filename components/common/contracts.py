"""Records that one component hands to another: values, never the resources behind them.

Generic records hold `Output[str]` between components and `str` in the builders of configuration
files; `resolved` turns the first kind into the second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Generic, Literal, TypeVar, overload

import pulumi_kubernetes as k8s
from pulumi import Output

from catalog.cuda import image_for
from components.common.network import Pods
from sizing.devices import Device
from sizing.sharing import SharingMode

Text = TypeVar("Text", str, Output[str])

ModelTask = Literal["chat", "embed", "rerank", "transcribe", "speak", "image"]

ModelApi = Literal["vllm", "openai", "infinity", "tei"]
"""The API of a model server: OpenAI's, with the rerank extension of the engine named."""


@dataclass(frozen=True)
class BucketAccess(Generic[Text]):
    """One bucket, the credentials of one client, and where to connect."""

    bucket: str
    endpoint: Text
    """`https://…` of the S3 API, known once the bucket can be used."""
    server: Pods
    port: int
    access_key: Text
    secret_key: Text
    """Secret."""


@dataclass(frozen=True)
class DatabaseAccess(Generic[Text]):
    """One PostgreSQL database and the role that owns it."""

    host: Text
    """Host name of the primary, known once it accepts connections."""
    port: int
    database: str
    user: str
    password: Text
    """Secret."""
    server: Pods


@dataclass(frozen=True)
class RedisAccess(Generic[Text]):
    """A Redis that accepts TLS connections only."""

    host: Text
    """Host name, known once Redis accepts connections."""
    port: int
    password: Text
    """Secret."""
    server: Pods


@dataclass(frozen=True)
class VectorAccess:
    """A vector database and an API key with read and write access."""

    url: Output[str]
    """`https://…`, known once its collections exist."""
    api_key: Output[str]
    """Secret."""
    server: Pods
    port: int


@dataclass(frozen=True)
class ApiAccess:
    """The OpenAI-compatible API of all models, and the key of one team or application."""

    url: Output[str]
    """`https://…/v1`, known once the router is ready."""
    api_key: Output[str]
    """Secret."""
    server: Pods
    port: int


@dataclass(frozen=True)
class ModelEndpoint(Generic[Text]):
    """One model behind an OpenAI-compatible API."""

    name: str
    """Model name in requests."""
    task: ModelTask
    url: Text
    """`https://…/v1`, known once the model is loaded."""
    api_key: Text
    """Secret."""
    server: Pods
    port: int
    context_tokens: int | None
    """Maximum tokens of prompt and completion together; None for speech, which has no tokens."""
    api: ModelApi = "vllm"
    upstream_name: str = ""
    """Model name at its own server; empty: the same as `name`."""


@dataclass(frozen=True)
class ImageAccess:
    """A ComfyUI server, and the workflow that generates an image with its one model."""

    url: Output[str]
    """`https://…`, known once the server is ready."""
    api_key: Output[str]
    """Secret."""
    server: Pods
    port: int
    model: str
    """File name of the checkpoint, as the workflow refers to it."""
    size: str
    """Size of an image in pixels, `widthxheight`."""
    steps: int
    """Sampling steps."""
    workflow: str
    """Workflow in ComfyUI's API format (JSON)."""
    nodes: str
    """Inputs of the workflow that a request sets, in Open WebUI's format (JSON)."""


@dataclass(frozen=True)
class OidcClient:
    """An application registered with the identity provider."""

    client_id: str
    client_secret: Output[str]
    """Secret."""
    issuer: str
    """The `iss` claim of its tokens: the public URL of the realm."""
    discovery_url: Output[str]
    """`…/.well-known/openid-configuration` inside the cluster, known once Keycloak is ready."""
    server: Pods
    port: int
    user_role: str
    """Realm role of every user."""
    admin_role: str
    """Realm role of administrators of the applications."""


@dataclass(frozen=True)
class Upstream:
    """A server that a proxy may forward requests to, over TLS."""

    url: Output[str]
    """`https://host:port`, known once the server is ready."""
    server: Pods
    port: int


@dataclass(frozen=True)
class Route:
    """A public host with paths, and the upstream that serves them."""

    name: str
    host: str
    upstream: Upstream
    paths: tuple[str, ...] = ("/",)
    blocked: tuple[str, ...] = ()
    """Path prefixes below `paths` that the gateway answers itself, with 403."""
    authenticated: bool = False
    """The gateway requires an access token of the realm or a team's API key."""


@dataclass(frozen=True)
class ScrapeTarget:
    """Every pod behind a headless Service, scraped over HTTPS."""

    job: str
    """Label `job` of the series."""
    server: Pods
    host: Output[str]
    """DNS name with one address per pod."""
    server_name: Output[str]
    """DNS name that the certificate of the pods is valid for."""
    port: int
    path: str = "/metrics"
    bearer: Output[str] | None = None
    """Bearer token that the target requires: secret."""


@dataclass(frozen=True)
class GpuPlacement:
    """Where pods that use GPUs of one pool may run, and how they request them."""

    device: Device
    """Unit that a pod requests: resource name, memory, and the usable fraction of it."""
    node_selector: Mapping[str, str]
    taint: str
    """Taint key that keeps other pods off the nodes."""
    runtime_class: Output[str]
    """Name of the RuntimeClass, known once every node of the pool offers its GPUs."""
    driver: int = 580
    """Driver branch on the nodes; the default is that of config.settings.pools."""
    sharing: SharingMode = "exclusive"
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Environment variables for every container that gets a device."""
    device_class: str | None = None
    """DeviceClass to claim devices from; None: devices are requested by resource name."""
    device_selector: str | None = None
    """CEL expression that selects devices of the class; None: any device of the pool."""

    @property
    def resource(self) -> str:
        """Resource name of the devices in a container's requests."""
        return self.device.resource

    def image_key(self, key: str) -> str:
        """The image *key*, or its build for the driver branch of the nodes."""
        return image_for(key, self.driver) or key

    @property
    def brings_shared_memory(self) -> bool:
        """The device plugin mounts its own /dev/shm into the container, as MPS needs.

        A pod must then not mount another over it.
        """
        return self.sharing == "mps"

    @property
    def tolerations(self) -> list[k8s.core.v1.TolerationArgsDict]:
        """Tolerations that let a pod onto the nodes."""
        return [{"key": self.taint, "operator": "Exists", "effect": "NoSchedule"}]


@dataclass(frozen=True)
class StoredModel:
    """Verified weights of one model, on a volume that many pods may read."""

    claim: Output[str]
    """PersistentVolumeClaim, known once the weights are complete and verified."""
    path: str
    """Directory of the model where the volume is mounted at `root`."""
    root: str
    verifier: Output[str]
    """Name of the ConfigMap with the program that verifies them."""
    expected: str
    """What they must be: the JSON that the program takes as its first argument."""
    size_bytes: int
    read_rate: int
    """Minimum read throughput per pod, bytes per second."""


@overload
def resolved(access: BucketAccess[Output[str]]) -> Output[BucketAccess[str]]: ...
@overload
def resolved(access: DatabaseAccess[Output[str]]) -> Output[DatabaseAccess[str]]: ...
@overload
def resolved(access: RedisAccess[Output[str]]) -> Output[RedisAccess[str]]: ...
@overload
def resolved(access: ModelEndpoint[Output[str]]) -> Output[ModelEndpoint[str]]: ...
def resolved(access: Any) -> Output[Any]:
    """*access* with plain values in place of its Outputs, known once all of them are."""
    outputs = {
        each.name: value
        for each in fields(access)
        if isinstance(value := getattr(access, each.name), Output)
    }
    return Output.all(**outputs).apply(lambda values: replace(access, **values))
