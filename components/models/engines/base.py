"""What every engine besides vLLM has in common: pods with a front, probes, a drain, an endpoint."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import pulumi
import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from base.quantity import Resources
from components.common import probes, secrets
from components.common.args import Args
from components.common.component import TLS_PATH, Component, when_ready
from components.common.contracts import (
    GpuPlacement,
    ModelDialect,
    ModelEndpoint,
    ScrapeTarget,
    StoredModel,
)
from components.common.pod import Mount, config_files, container, pod, scratch, secret_files
from components.common.tier import Tier
from components.gpu.resource_claims import GpuRequest, request
from components.models.engines import front
from components.models.engines.front import Api, Front
from components.models.verified_weights import VerifiedWeights, verified_weights
from components.models.vllm.pod import with_memory
from config.settings.engines import ENGINE_SPECS
from config.settings.models import ModelSettings, TokenModelSettings, token_settings
from sizing.startup import STARTUP_MARGIN, startup_seconds

FILES = "/etc/engine"
"""Where the engine finds what is written for it."""
HOME = "/var/lib/engine"
"""Its one place to write, besides /tmp; dies with the pod."""

_FRONT_FILES = "/etc/front"
_FRONT_SECRETS = "/run/secrets/front"
_PRE_STOP_SECONDS = 15
"""Until every proxy has taken a stopping pod out of its list; as components/vllm_service.py."""
_EXIT_SECONDS = 15
_PULL_SECONDS = 600
"""For an image of some 10 GB on a node that has none of it; an assumption."""
_MIB = 1024**2

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HOME": f"{HOME}/huggingface",
}
"""For engines in Python on huggingface_hub: no hub, no statistics."""


class EngineArgs(Args):
    """A model to serve."""

    tier: Tier
    settings: ModelSettings
    served_name: str
    """The name that users ask for."""
    placement: GpuPlacement
    """Its GPUs."""
    weights: StoredModel

    @property
    def token_settings(self) -> TokenModelSettings:
        """The settings, for an engine of token models only. Raises TypeError for another model."""
        return token_settings(self.served_name, self.settings)


@dataclass(frozen=True)
class Launch:
    """How an engine is started for one model, and what of it is let out."""

    command: Sequence[str]
    args: Sequence[str]
    front: Front
    environment: Mapping[str, str]
    dialect: ModelDialect = "openai"
    known_as: str = ""
    """The name that the engine knows the model by; empty: the served name."""
    files: Mapping[str, str] = field(default_factory=dict[str, str])
    """Nothing secret, below FILES by name."""
    prepare: str = ""
    """A POSIX shell script that the engine's own image runs before it: links, never copies."""
    first: Sequence[str] = ()
    """A command in the engine's container that ends well once the model is loaded, for engines
    that load one only when they are asked."""
    shared_memory: int = 0
    """Bytes of /dev/shm where several processes share tensors."""


class EngineService(Component):
    """Equal servers of one model; each has its GPUs for itself and reaches nobody.

    Subclasses set `kind`, which is also the word in a stack's YAML, the key of the image and the
    `job` of the metrics, and say how the engine is launched.
    """

    port = front.PORT
    endpoint: ModelEndpoint
    metrics: ScrapeTarget | None
    """None where the engine has no metrics of its own."""

    def __init__(self, name: str, args: EngineArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__(name, args.tier, opts)
        caution = ENGINE_SPECS[args.settings.engine].caution
        if caution:
            pulumi.warn(f"models.{name}.engine: {caution}", resource=self)
        self._args = args
        self._launch = self.launch(args)
        members = f"{name}-members"
        api_key = secrets.password(self, f"{name}-api-key")
        workload = self._workload(
            verified_weights(args.tier, args.weights),
            [self.certificate(name, members), *self._front_files(api_key)],
        )
        self.service({"https": self.port})
        self.service({"https": self.port}, name=members, headless=True)
        self.endpoint = ModelEndpoint(
            name=args.served_name,
            task=args.settings.task,
            url=when_ready(workload, Output.format("https://{0}:{1}/v1", self.host(), self.port)),
            api_key=api_key,
            server=self.pods,
            port=self.port,
            context_tokens=args.settings.context_tokens
            if isinstance(args.settings, TokenModelSettings)
            else None,
            dialect=self._launch.dialect,
            known_as=self._launch.known_as,
        )
        self.metrics = self._scraped(members)
        self.register_outputs({"url": self.endpoint.url})

    @abstractmethod
    def launch(self, args: EngineArgs) -> Launch:
        """How the engine serves *args*."""

    def _scraped(self, members: str) -> ScrapeTarget | None:
        if not self._launch.front.metrics:
            return None
        return ScrapeTarget(
            job=self.kind,
            server=self.pods,
            host=self.host(members),
            server_name=self.host(),
            port=self.port,
            path=front.METRICS,
        )

    def _front_files(self, api_key: Output[str]) -> list[Mount]:
        known = secrets.files(
            self,
            self.name,
            self.tier.namespace,
            self.labels,
            {front.KEYS: api_key.apply(front.keys)},
        )
        text = front.config(
            self._launch.front,
            secrets=_FRONT_SECRETS,
            tls=TLS_PATH,
            drain_seconds=self._args.settings.drain_seconds,
        )
        written = secrets.config(
            self, f"{self.name}-front", self.tier.namespace, self.labels, {front.CONFIG: text}
        )
        return [
            secret_files("keys", known, _FRONT_SECRETS),
            config_files("front", written, _FRONT_FILES),
            scratch("front-tmp", "/tmp"),  # noqa: S108 - a path inside the container
        ]

    def _engine_mounts(self, weights: Mount) -> list[Mount]:
        launch, placement = self._launch, self._args.placement
        mounts = [
            weights,
            scratch("home", HOME, self._args.settings.resources.limits.ephemeral_storage),
            scratch("tmp", "/tmp", "2Gi"),  # noqa: S108 - a path inside the container
        ]
        if launch.files:
            written = secrets.config(
                self, f"{self.name}-engine", self.tier.namespace, self.labels, launch.files
            )
            mounts.append(config_files("engine", written, FILES))
        if launch.shared_memory and not placement.brings_shared_memory:
            size = f"{launch.shared_memory // _MIB}Mi"
            mounts.append(
                scratch("shm", "/dev/shm", size, in_memory=True)  # noqa: S108
            )
        return mounts

    def _workload(
        self, gate: VerifiedWeights, front_mounts: Sequence[Mount]
    ) -> k8s.apps.v1.Deployment:
        settings, placement, weights = self._args.settings, self._args.placement, self._args.weights
        seconds = ceil(startup_seconds(weights.size_bytes, weights.read_rate) * STARTUP_MARGIN)
        grace = _PRE_STOP_SECONDS + settings.drain_seconds + _EXIT_SECONDS
        mounts = self._engine_mounts(gate.weights)
        gpus = request(self, placement, settings.gpus)
        return self.deployment(
            pod(
                [self._engine(mounts, gpus, seconds), self._front(front_mounts)],
                [*mounts, gate.program, *front_mounts],
                init=[gate.init, *self._prepare(mounts)],
                service_account=self.service_account(),
                priority_class=self.tier.priority_class,
                grace_seconds=grace,
                spread=self.pods.labels if settings.replicas > 1 else None,
                node_selector=placement.node_selector,
                tolerations=placement.tolerations,
                runtime_class=placement.runtime_class,
                claims=gpus.claims,
            ),
            settings.replicas,
            surge=False,  # no GPUs lie idle for a second copy
            ready_within_seconds=_PULL_SECONDS
            + settings.replicas * (gate.seconds + seconds + grace),
        )

    def _engine(
        self, mounts: Sequence[Mount], gpus: GpuRequest, seconds: int
    ) -> k8s.core.v1.ContainerArgsDict:
        launch, settings = self._launch, self._args.settings
        healthy = probes.https(front.HEALTH, self.port, timeout_seconds=10)
        started = healthy
        if launch.first:
            started = probes.command(*launch.first, timeout_seconds=seconds)
        return container(
            self.kind,
            self.tier.image(self._args.placement.image_key(self.kind)),
            with_memory(settings.resources, launch.shared_memory),
            command=launch.command,
            args=launch.args,
            env={**launch.environment, **self._args.placement.environment},
            mounts=mounts,
            gpus=gpus.gpus,
            claims=list(gpus.claims),
            readiness=healthy,
            liveness={**healthy, "failure_threshold": 6},
            startup=probes.startup(started, seconds),
            # It goes on until the front has let go of the last request; few engines drain.
            pre_stop_seconds=_PRE_STOP_SECONDS + settings.drain_seconds,
            # NVIDIA's CDI hooks write into it; see components/vllm_pod.py.
            read_only_root=False,
        )

    def _front(self, mounts: Sequence[Mount]) -> k8s.core.v1.ContainerArgsDict:
        alive = probes.https(front.ALIVE, self.port)
        return container(
            "front",
            self.tier.image("nginx"),
            Resources.of("100m", "64Mi", max_cpu="1", max_memory="256Mi"),
            # Its image stops it with SIGQUIT, on which it drains.
            command=["nginx"],
            args=[
                *("-e", "/dev/stderr"),
                *("-c", f"{_FRONT_FILES}/{front.CONFIG}"),
                *("-g", "daemon off;"),
            ],
            ports={"https": self.port},
            mounts=mounts,
            readiness=alive,
            liveness={**alive, "failure_threshold": 6},
            pre_stop_seconds=_PRE_STOP_SECONDS,
        )

    def _prepare(self, mounts: Sequence[Mount]) -> list[k8s.core.v1.ContainerArgsDict]:
        if not self._launch.prepare:
            return []
        return [
            container(
                "prepare",
                self.tier.image(self._args.placement.image_key(self.kind)),
                Resources.of("500m", "512Mi", max_cpu="4", max_memory="4Gi"),
                command=["/bin/sh", "-euc", self._launch.prepare],
                # The image asks for every GPU of the node, and the RuntimeClass would give them.
                env={**self._launch.environment, "NVIDIA_VISIBLE_DEVICES": "void"},
                mounts=mounts,
            )
        ]


CHATS = (Api("/v1/chat/completions"), Api("/v1/completions"), Api("/v1/models"))
"""What a model that writes is asked, in OpenAI's protocol."""
