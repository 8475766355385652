"""Pods of a vLLM server, in each of its roles."""

from dataclasses import dataclass, replace

import pulumi_kubernetes as k8s
from pulumi import Output

from base.quantity import parse
from components.common import probes
from components.common.labels import Labels
from components.common.pki import CA_FILE, TLS_PATH
from components.common.pod import Mount, container, pod, scratch, secret_files, tmp
from components.common.tier import Tier
from components.gpu.resource_claims import GpuRequest
from components.models.model_server import (
    PRE_STOP_SECONDS,
    Role,
    ServedModel,
    grace_seconds,
    shared_memory,
)
from components.models.verified_weights import VerifiedWeights, verified_weights
from components.models.vllm.args import BEHIND_SIDECAR, CONFIG, PORT, environment, port, vllm_args
from config import footprints
from config.settings.engines import shared_memory_bytes

_HOME = "/var/lib/vllm"

_ENVIRONMENT = {
    # No model hub, no telemetry, and no redirects when a request names the URL of an image.
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0",
    # The image's HOME is `/`, and its user database lacks our UID.
    "HOME": _HOME,
    "USER": "vllm",
    "HF_HOME": f"{_HOME}/huggingface",
    "VLLM_CACHE_ROOT": f"{_HOME}/vllm",
    "TRITON_CACHE_DIR": f"{_HOME}/triton",
    "TORCHINDUCTOR_CACHE_DIR": f"{_HOME}/inductor",
    "XDG_CACHE_HOME": f"{_HOME}/cache",
    "XDG_CONFIG_HOME": f"{_HOME}/config",
}


@dataclass(frozen=True)
class VllmPods:
    """Builds the pods of one model, which share its configuration."""

    tier: Tier
    model: ServedModel
    configuration: Output[str]
    """Secret with the API key of the servers."""

    @property
    def gates(self) -> list[VerifiedWeights]:
        """Init containers that verify the weights of the model and of its extras."""
        return [
            verified_weights(self.tier, self.model.weights),
            *(verified_weights(self.tier, s, name) for name, s in self.model.extras.items()),
        ]

    def pod(
        self,
        role: Role,
        *,
        gpus: GpuRequest,
        certificate: Mount,
        service_account: Output[str],
        spread: Labels | None = None,
    ) -> k8s.core.v1.PodSpecArgsDict:
        """A pod of *role*, with the *gpus*, certificate and service account of its component."""
        model, gates = replace(self.model, role=role), self.gates
        settings, placement = model.settings, model.placement
        shm = 0
        if not placement.brings_shared_memory:
            shm = shared_memory_bytes(settings.engine, model.gpus_per_pod)
        mounts = [
            secret_files("config", self.configuration, CONFIG),
            certificate,
            *(gate.weights for gate in gates),
            scratch("home", _HOME, settings.resources.limits.ephemeral_storage),
            tmp("2Gi"),
        ]
        if shm:
            mounts.append(shared_memory(shm))
        containers = [self._container(model, mounts, gpus, shm)]
        if role == "decode":
            containers.append(_sidecar(self.tier, certificate))
        return pod(
            containers,
            [*mounts, *(file for gate in gates for file in gate.files)],
            init=[gate.init for gate in gates],
            service_account=service_account,
            priority_class=self.tier.priority_class,
            grace_seconds=grace_seconds(settings),
            spread=spread,
            placement=placement,
            claims=gpus.claims,
        )

    def _container(
        self, model: ServedModel, mounts: list[Mount], gpus: GpuRequest, shm: int
    ) -> k8s.core.v1.ContainerArgsDict:
        settings, role, placement = model.settings, model.role, model.placement
        rdma, offload = settings.vllm.rdma, settings.vllm.kv_offload
        extra = shm + (int(parse(offload.size)) // model.hosts if offload else 0)
        devices = dict(gpus.gpus)
        if rdma and role != "standalone":
            devices[rdma.resource] = rdma.count
        healthy = probes.https("/health", port(role), timeout_seconds=10)
        serves = role != "worker"  # a worker has no HTTP server: it is healthy while it runs
        built = container(
            "vllm",
            self.tier.image(placement.image_key("vllm")),
            settings.resources.with_memory(extra),
            command=["vllm"],
            args=vllm_args(model),
            ports={"https" if role != "decode" else "behind": port(role)} if serves else None,
            mounts=mounts,
            gpus=devices,
            claims=list(gpus.claims),
            readiness=healthy if serves else None,
            liveness={**healthy, "failure_threshold": 6} if serves else None,
            startup=probes.startup(healthy, model.startup.probe) if serves else None,
            # A leader finishes its running requests, and needs its workers until then.
            pre_stop_seconds=PRE_STOP_SECONDS + (0 if serves else settings.drain_seconds),
            # NVIDIA's CDI hooks write into it, as KServe's LLM templates note too.
            read_only_root=False,
        )
        fixed = {
            **_ENVIRONMENT,
            **environment(self.model.token_settings, role),
            # Else each of its API servers gives up on the engine after 600 s.
            "VLLM_ENGINE_READY_TIMEOUT_S": str(model.startup.engine),
            **placement.environment,
        }
        built["env"] = [
            *({"name": name, "value": value} for name, value in fixed.items()),
            *_addresses(role),
        ]
        return built


def _addresses(role: Role) -> list[k8s.core.v1.EnvVarArgsDict]:
    """The address that peers exchange tensors with: the pod's own."""
    if role == "standalone":
        return []
    name = "VLLM_HOST_IP" if role in ("leader", "worker") else "VLLM_NIXL_SIDE_CHANNEL_HOST"
    return [{"name": name, "value_from": {"field_ref": {"field_path": "status.podIP"}}}]


def _sidecar(tier: Tier, certificate: Mount) -> k8s.core.v1.ContainerArgsDict:
    """llm-d's routing proxy in front of a decode server.

    It sends the prompt to the prefill server that the picker chose, then lets its own vLLM fetch
    the KV cache and decode. The prefill server is addressed by IP, which no certificate contains:
    that connection is encrypted, and restricted by NetworkPolicy, but not verified.
    https://github.com/llm-d/llm-d-router/blob/main/docs/disaggregation.md
    """
    healthy = probes.https("/health", PORT, timeout_seconds=10)
    return container(
        "sidecar",
        tier.image("llm-d-sidecar"),
        footprints.KV_SIDECAR,
        args=[
            f"--port={PORT}",
            f"--model-server-port={BEHIND_SIDECAR}",
            "--kv-connector=nixlv2",
            "--secure-proxy=true",
            f"--cert-path={TLS_PATH}",
            "--enable-tls=prefiller,decoder",
            "--tls-insecure-skip-verify=prefiller",
        ],
        env={"SSL_CERT_FILE": CA_FILE},  # where Go looks for authorities
        ports={"https": PORT},
        mounts=[certificate],
        readiness=healthy,
        pre_stop_seconds=PRE_STOP_SECONDS,
    )
