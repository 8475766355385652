"""The pod of a vLLM server, in each of the parts that it may play."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import pulumi_kubernetes as k8s
from pulumi import Output

from base.quantity import Compute, Resources, parse
from components.common import probes
from components.common.component import TLS_PATH
from components.common.contracts import GpuPlacement, StoredModel
from components.common.labels import Labels
from components.common.pod import Mount, container, pod, scratch, secret_files
from components.common.tier import Tier
from components.gpu.resource_claims import GpuRequest
from components.models.verified_weights import VerifiedWeights, verified_weights
from components.models.vllm.args import (
    BEHIND_SIDECAR,
    CONFIG,
    PORT,
    Role,
    Server,
    environment,
    vllm_args,
)
from config.settings.models import TokenModelSettings
from sizing.startup import STARTUP_MARGIN, shm_bytes, startup_seconds

_HOME = "/var/lib/vllm"
_MIB = 1024**2

_PRE_STOP_SECONDS = 15
"""Until every proxy has taken a stopping pod out of its list; llm-d and KServe use the same."""
_EXIT_SECONDS = 15
"""From the end of the drain to the end of the process; llm-d's 75 s are 15 + 45 + 15."""
PULL_SECONDS = 600
"""For an image of some 10 GB on a node that has none of it; an assumption."""

_ENVIRONMENT = {
    # No hub, no statistics, and no redirect followed for a caller who sends the URL of a picture.
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
    # The image's HOME is `/`, and its user database does not know ours.
    "HOME": _HOME,
    "USER": "vllm",
    "HF_HOME": f"{_HOME}/huggingface",
    "VLLM_CACHE_ROOT": f"{_HOME}/vllm",
    "TRITON_CACHE_DIR": f"{_HOME}/triton",
    "TORCHINDUCTOR_CACHE_DIR": f"{_HOME}/inductor",
    "XDG_CACHE_HOME": f"{_HOME}/cache",
    "XDG_CONFIG_HOME": f"{_HOME}/config",
}

_SIDECAR = Resources.of("200m", "128Mi", max_cpu="2", max_memory="512Mi")
"""Of the proxy that fetches KV caches; an assumption to measure."""


@dataclass(frozen=True)
class ServedModel:
    """What the pods of one model share, whichever part they play."""

    tier: Tier
    settings: TokenModelSettings
    served_name: str
    placement: GpuPlacement
    weights: StoredModel
    extras: Mapping[str, StoredModel]
    """By the names of `ModelSettings.extra_files`."""
    hosts: int
    """Nodes that one server spans."""
    configuration: Output[str]
    """The Secret with vLLM's key."""

    @property
    def gpus_per_pod(self) -> int:
        """Devices of its pool that each pod takes."""
        return self.settings.gpus // self.hosts

    @property
    def gates(self) -> list[VerifiedWeights]:
        """What lets only verified weights through: of the model itself, and of what it has more."""
        return [
            verified_weights(self.tier, self.weights),
            *(verified_weights(self.tier, stored, name) for name, stored in self.extras.items()),
        ]

    @property
    def expected_start_seconds(self) -> int:
        """From the start of a server to its first answer, as estimated."""
        stored = [self.weights, *self.extras.values()]
        size = sum(each.size_bytes for each in stored)
        return startup_seconds(size, self.weights.read_rate)

    @property
    def start_seconds(self) -> int:
        """The same at most: with slack."""
        return ceil(self.expected_start_seconds * STARTUP_MARGIN)

    @property
    def turn_seconds(self) -> int:
        """From the order to stop one server to the readiness of the next in its place."""
        verifying = sum(gate.seconds for gate in self.gates)
        return verifying + self.start_seconds + grace_seconds(self.settings)

    def pod(
        self,
        role: Role,
        *,
        gpus: GpuRequest,
        certificate: Mount,
        service_account: Output[str],
        spread: Labels | None = None,
    ) -> k8s.core.v1.PodSpecArgsDict:
        """A pod that plays *role*; *gpus* (`gpus_per_pod` of them) and the rest are its owner's."""
        settings, placement, gates = self.settings, self.placement, self.gates
        shared_memory = 0 if placement.brings_shared_memory else shm_bytes(self.gpus_per_pod)
        mounts = [
            secret_files("config", self.configuration, CONFIG),
            certificate,
            *(gate.weights for gate in gates),
            scratch("home", _HOME, settings.resources.limits.ephemeral_storage),
            scratch("tmp", "/tmp", "2Gi"),  # noqa: S108 - a path inside the container
        ]
        if shared_memory:
            size = f"{shared_memory // _MIB}Mi"
            mounts.append(scratch("shm", "/dev/shm", size, in_memory=True))  # noqa: S108
        server = self._container(role, mounts, gpus, shared_memory)
        containers = [server]
        if role == "decode":
            containers.append(_sidecar(self.tier, certificate))
        return pod(
            containers,
            [*mounts, *(gate.program for gate in gates)],
            init=[gate.init for gate in gates],
            service_account=service_account,
            priority_class=self.tier.priority_class,
            grace_seconds=grace_seconds(settings),
            spread=spread,
            node_selector=placement.node_selector,
            tolerations=placement.tolerations,
            runtime_class=placement.runtime_class,
            claims=gpus.claims,
        )

    def _container(
        self, role: Role, mounts: list[Mount], gpus: GpuRequest, shared_memory: int
    ) -> k8s.core.v1.ContainerArgsDict:
        settings, rdma = self.settings, self.settings.vllm.rdma
        server = Server(
            settings,
            self.served_name,
            self.weights.path,
            {name: stored.path for name, stored in self.extras.items()},
            role,
            self.hosts,
        )
        offload = settings.vllm.kv_offload
        extra = shared_memory + (int(parse(offload.size)) // self.hosts if offload else 0)
        devices = dict(gpus.gpus)
        if rdma and role != "whole":
            devices[rdma.resource] = rdma.count
        healthy = probes.https("/health", server.port, timeout_seconds=10)
        serves = role != "worker"  # a worker answers nobody: it is well while it runs
        built = container(
            "vllm",
            self.tier.image(self.placement.image_key("vllm")),
            with_memory(settings.resources, extra),
            command=["vllm"],
            args=vllm_args(server),
            ports={"https" if role != "decode" else "behind": server.port} if serves else None,
            mounts=mounts,
            gpus=devices,
            claims=list(gpus.claims),
            readiness=healthy if serves else None,
            liveness={**healthy, "failure_threshold": 6} if serves else None,
            startup=probes.startup(healthy, self.start_seconds) if serves else None,
            # A leader answers what it has begun, and needs its workers until then.
            pre_stop_seconds=_PRE_STOP_SECONDS + (0 if serves else settings.drain_seconds),
            # NVIDIA's CDI hooks write into it; KServe found out (its LLM templates say so too).
            read_only_root=False,
        )
        fixed = {**_ENVIRONMENT, **environment(settings, role), **self.placement.environment}
        built["env"] = [
            *({"name": name, "value": value} for name, value in fixed.items()),
            *_addresses(role),
        ]
        return built


def grace_seconds(settings: TokenModelSettings) -> int:
    """From the order to stop to the kill: the wait, the drain, and the way out."""
    return _PRE_STOP_SECONDS + settings.drain_seconds + _EXIT_SECONDS


def with_memory(resources: Resources, extra_bytes: int) -> Resources:
    """*resources* with *extra_bytes* more memory, for what counts as memory but is not the heap."""

    def more(compute: Compute) -> Compute:
        mebibytes = ceil((parse(compute.memory) + extra_bytes) / _MIB)
        return compute.model_copy(update={"memory": f"{mebibytes}Mi"})

    return Resources(requests=more(resources.requests), limits=more(resources.limits))


def _addresses(role: Role) -> list[k8s.core.v1.EnvVarArgsDict]:
    """Under which address a server is found by those it exchanges tensors with: the pod's own."""
    if role == "whole":
        return []
    name = "VLLM_HOST_IP" if role in ("leader", "worker") else "VLLM_NIXL_SIDE_CHANNEL_HOST"
    return [{"name": name, "value_from": {"field_ref": {"field_path": "status.podIP"}}}]


def _sidecar(tier: Tier, certificate: Mount) -> k8s.core.v1.ContainerArgsDict:
    """llm-d's proxy in front of a server that writes.

    It has a prompt read by the server that the picker chose, then asks its own vLLM to fetch the KV
    cache and write. That server is named by its address, which no certificate holds: the
    connection to it is encrypted, and admitted by the network, but not verified.
    https://github.com/llm-d/llm-d-router/blob/main/docs/disaggregation.md
    """
    healthy = probes.https("/health", PORT, timeout_seconds=10)
    return container(
        "sidecar",
        tier.image("llm-d-sidecar"),
        _SIDECAR,
        args=[
            f"--port={PORT}",
            f"--model-server-port={BEHIND_SIDECAR}",
            "--kv-connector=nixlv2",
            "--secure-proxy=true",
            f"--cert-path={TLS_PATH}",
            "--enable-tls=prefiller,decoder",
            "--tls-insecure-skip-verify=prefiller",
        ],
        env={"SSL_CERT_FILE": f"{TLS_PATH}/ca.crt"},  # where Go looks for authorities
        ports={"https": PORT},
        mounts=[certificate],
        readiness=healthy,
        pre_stop_seconds=_PRE_STOP_SECONDS,
    )
