"""Base class of every engine besides vLLM: pods with an auth proxy, probes and a drain."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.common import probes, secrets
from components.common.component import Server
from components.common.contracts import ImageAccess, ModelApi, ModelEndpoint, ScrapeTarget
from components.common.pki import CERT_FILE, KEY_FILE
from components.common.pod import Mount, config_files, container, scratch, secret_files, tmp
from components.gpu.resource_claims import GpuRequest, request
from components.models.engines import auth_proxy
from components.models.engines.auth_proxy import AuthProxy, Location
from components.models.model_server import (
    PRE_STOP_SECONDS,
    ModelServerArgs,
    ServedModel,
    shared_memory,
)
from components.models.verified_weights import VerifiedWeights, verified_weights
from config import footprints
from config.settings.engines import ENGINE_SPECS, shared_memory_bytes
from config.settings.models import TokenModelSettings

FILES = "/etc/engine"
"""Mount path of the files that `Launch.files` generates."""
HOME = "/var/lib/engine"
"""The engine's writable directory besides /tmp; an emptyDir."""

_PROXY_FILES = "/etc/front"
_PROXY_SECRETS = "/run/secrets/front"

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HOME": f"{HOME}/huggingface",
}
"""For Python engines on huggingface_hub: no hub, no telemetry."""


@dataclass(frozen=True)
class Launch:
    """How an engine is started for one model, and which of its API is reachable."""

    command: Sequence[str]
    args: Sequence[str]
    proxy: AuthProxy
    environment: Mapping[str, str]
    api: ModelApi = "openai"
    upstream_name: str = ""
    """Model name at the engine; empty: the served name."""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """Generated files by name, mounted at FILES; no secrets."""
    prepare: str = ""
    """POSIX shell script for an init container with the engine's image: links, never copies."""
    load: Sequence[str] = ()
    """Command that exits 0 once the model is loaded, for engines that load it on first use."""


class EngineService(Server):
    """Interchangeable servers of one model, each with GPUs of its own and no way out.

    Subclasses set `kind`, which is also the value of `models.*.engine`, the image key and the `job`
    of the metrics, and define how the engine is launched.
    """

    port = auth_proxy.PORT
    endpoint: ModelEndpoint[Output[str]]
    metrics: ScrapeTarget | None
    """None for an engine without metrics."""

    def __init__(
        self, name: str, args: ModelServerArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        self._model = args.model
        settings = self._model.settings
        caution = ENGINE_SPECS[settings.engine].caution
        if caution:
            pulumi.warn(f"models.{name}.engine: {caution}", resource=self)
        self._launch = self.launch(self._model)
        self._shared_memory = shared_memory_bytes(settings.engine, settings.gpus)
        api_key = secrets.password(self, f"{name}-api-key")
        workload = self._workload(
            verified_weights(args.tier, self._model.weights),
            [self.certificate(name, self.members), *self._proxy_files(api_key)],
        )
        self.service({"https": self.port})
        self.service({"https": self.port}, name=self.members, headless=True)
        self.endpoint = ModelEndpoint(
            name=self._model.served_name,
            task=settings.task,
            url=self.https_url(workload.metadata.name, path="/v1"),
            api_key=api_key,
            server=self.pods,
            port=self.port,
            context_tokens=settings.context_tokens
            if isinstance(settings, TokenModelSettings)
            else None,
            api=self._launch.api,
            upstream_name=self._launch.upstream_name,
        )
        scraped = self._launch.proxy.metrics is not None
        self.metrics = self.scrape_target(self.port, path=auth_proxy.METRICS) if scraped else None
        self.register_outputs({"url": self.endpoint.url})

    @abstractmethod
    def launch(self, model: ServedModel) -> Launch:
        """How the engine serves *model*."""

    @property
    def endpoints(self) -> list[ModelEndpoint[Output[str]]]:
        """The model, for the router."""
        return [self.endpoint]

    @property
    def images(self) -> ImageAccess | None:
        """Image generation, if the engine does that."""
        return None

    def _proxy_files(self, api_key: Output[str]) -> list[Mount]:
        known = secrets.files(
            self,
            self.name,
            self.tier.namespace,
            self.labels,
            {auth_proxy.KEYS: api_key.apply(auth_proxy.keys)},
        )
        text = auth_proxy.config(
            self._launch.proxy,
            secrets=_PROXY_SECRETS,
            certificate=CERT_FILE,
            key=KEY_FILE,
            drain_seconds=self._model.settings.drain_seconds,
        )
        written = secrets.config(
            self, f"{self.name}-front", self.tier.namespace, self.labels, {auth_proxy.CONFIG: text}
        )
        return [
            secret_files("keys", known, _PROXY_SECRETS),
            config_files("front", written, _PROXY_FILES),
            tmp(name="front-tmp"),
        ]

    def _engine_mounts(self, weights: Mount) -> list[Mount]:
        launch, settings = self._launch, self._model.settings
        mounts = [
            weights,
            scratch("home", HOME, settings.resources.limits.ephemeral_storage),
            tmp("2Gi"),
        ]
        if launch.files:
            written = secrets.config(
                self, f"{self.name}-engine", self.tier.namespace, self.labels, launch.files
            )
            mounts.append(config_files("engine", written, FILES))
        if self._shared_memory and not self._model.placement.brings_shared_memory:
            mounts.append(shared_memory(self._shared_memory))
        return mounts

    def _workload(
        self, gate: VerifiedWeights, proxy_mounts: Sequence[Mount]
    ) -> k8s.apps.v1.Deployment:
        settings, placement = self._model.settings, self._model.placement
        startup = self._model.startup
        mounts = self._engine_mounts(gate.weights)
        gpus = request(self, placement, settings.gpus)
        return self.deployment(
            self.pod(
                [self._engine(mounts, gpus, startup.probe), self._proxy(proxy_mounts)],
                [*mounts, *gate.files, *proxy_mounts],
                init=[gate.init, *self._prepare(mounts)],
                grace_seconds=startup.stop,
                spread=settings.replicas > 1,
                placement=placement,
                claims=gpus.claims,
            ),
            settings.replicas,
            surge=False,  # no GPUs are reserved for a second copy
            ready_within_seconds=startup.ready(settings.replicas),
        )

    def _engine(
        self, mounts: Sequence[Mount], gpus: GpuRequest, seconds: int
    ) -> k8s.core.v1.ContainerArgsDict:
        launch, settings = self._launch, self._model.settings
        healthy = probes.https(auth_proxy.HEALTH, self.port, timeout_seconds=10)
        started = healthy
        if launch.load:
            started = probes.command(*launch.load, timeout_seconds=seconds)
        return container(
            self.kind,
            self.tier.image(self._model.placement.image_key(self.kind)),
            settings.resources.with_memory(self._shared_memory),
            command=launch.command,
            args=launch.args,
            env={**launch.environment, **self._model.placement.environment},
            mounts=mounts,
            gpus=gpus.gpus,
            claims=list(gpus.claims),
            readiness=healthy,
            liveness={**healthy, "failure_threshold": 6},
            startup=probes.startup(started, seconds),
            # It serves until the auth proxy has finished the last request; few engines drain.
            pre_stop_seconds=PRE_STOP_SECONDS + settings.drain_seconds,
            # NVIDIA's CDI hooks write into it; see components/models/vllm/pod.py.
            read_only_root=False,
        )

    def _proxy(self, mounts: Sequence[Mount]) -> k8s.core.v1.ContainerArgsDict:
        alive = probes.https(auth_proxy.ALIVE, self.port)
        return container(
            "auth-proxy",
            self.tier.image("nginx"),
            footprints.AUTH_PROXY,
            # The stop signal of its image is SIGQUIT: a graceful drain.
            command=["nginx"],
            args=[
                *("-e", "/dev/stderr"),
                *("-c", f"{_PROXY_FILES}/{auth_proxy.CONFIG}"),
                *("-g", "daemon off;"),
            ],
            ports={"https": self.port},
            mounts=mounts,
            readiness=alive,
            liveness={**alive, "failure_threshold": 6},
            pre_stop_seconds=PRE_STOP_SECONDS,
        )

    def _prepare(self, mounts: Sequence[Mount]) -> list[k8s.core.v1.ContainerArgsDict]:
        if not self._launch.prepare:
            return []
        return [
            container(
                "prepare",
                self.tier.image(self._model.placement.image_key(self.kind)),
                footprints.PREPARE,
                command=["/bin/sh", "-euc", self._launch.prepare],
                # The image requests every GPU of the node, which the RuntimeClass would grant.
                env={**self._launch.environment, "NVIDIA_VISIBLE_DEVICES": "void"},
                mounts=mounts,
            )
        ]


CHATS = (Location("/v1/chat/completions"), Location("/v1/completions"), Location("/v1/models"))
"""OpenAI-compatible paths of a model that generates text."""
