"""One model, served by vLLM in OpenAI's protocol."""

import json
from math import ceil

from pulumi import Output, ResourceOptions

from components import probes, secrets
from components.args import Args
from components.component import TLS_PATH, Component, when_ready
from components.contracts import GpuPlacement, ModelEndpoint, ScrapeTarget, StoredModel
from components.pod import container, disk, pod, scratch, secret_files
from components.tier import Tier
from config.models import ModelSettings
from config.quantity import Compute, Resources, parse
from sizing.startup import STARTUP_MARGIN, shm_bytes, startup_seconds

_CONFIG = "/run/secrets/vllm"
_HOME = "/var/lib/vllm"
_MIB = 1024**2

_PRE_STOP_SECONDS = 15
"""Until every proxy has taken a stopping pod out of its list; llm-d and KServe use the same."""
_EXIT_SECONDS = 15
"""From the end of the drain to the end of the process; llm-d's 75 s are 15 + 45 + 15."""
_PULL_SECONDS = 600
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

_DTYPES = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
"""vLLM's `--dtype`; a quantised checkpoint says itself what goes with it."""


class VllmServiceArgs(Args):
    """A model to serve."""

    tier: Tier
    settings: ModelSettings
    served_name: str
    """The name that users ask for."""
    placement: GpuPlacement
    """Its GPUs."""
    weights: StoredModel


class VllmService(Component):
    """Equal vLLM servers of one model; each has its GPUs for itself and reaches nobody."""

    kind = "vllm"
    port = 8000

    endpoint: ModelEndpoint
    metrics: ScrapeTarget

    def __init__(
        self, name: str, args: VllmServiceArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__(name, args.tier, opts)
        settings, weights = args.settings, args.weights
        members = f"{name}-members"
        api_key = secrets.password(self, f"{name}-api-key")
        configuration = secrets.files(
            self,
            name,
            args.tier.namespace,
            self.labels,
            {"vllm.yaml": api_key.apply(lambda key: json.dumps(vllm_config(key)))},
        )
        shared_memory = shm_bytes(settings.gpus)
        mounts = [
            secret_files("config", configuration, _CONFIG),
            self.certificate(name, members),
            disk("models", weights.claim, weights.root, read_only=True),
            scratch("shm", "/dev/shm", f"{shared_memory // _MIB}Mi", in_memory=True),  # noqa: S108
            scratch("home", _HOME, settings.resources.limits.ephemeral_storage),
            scratch("tmp", "/tmp", "2Gi"),  # noqa: S108 - a path inside the container
        ]
        healthy = probes.https("/health", self.port, timeout_seconds=10)
        seconds = ceil(startup_seconds(weights.size_bytes, weights.read_rate) * STARTUP_MARGIN)
        server = container(
            "vllm",
            args.tier.image("vllm"),
            with_memory(settings.resources, shared_memory),
            command=["vllm"],
            args=vllm_args(settings, args.served_name, weights.path),
            env=_ENVIRONMENT,
            ports={"https": self.port},
            mounts=mounts,
            gpus={args.placement.resource: settings.gpus},
            readiness=healthy,
            liveness={**healthy, "failure_threshold": 6},
            startup=probes.startup(healthy, seconds),
            pre_stop_seconds=_PRE_STOP_SECONDS,
            # NVIDIA's CDI hooks write into it; KServe found out (its LLM templates say so too).
            read_only_root=False,
        )
        grace = grace_seconds(settings)
        workload = self.deployment(
            pod(
                [server],
                mounts,
                service_account=self.service_account(),
                priority_class=args.tier.priority_class,
                grace_seconds=grace,
                spread=self.pods.labels if settings.replicas > 1 else None,
                node_selector=args.placement.node_selector,
                tolerations=args.placement.tolerations,
                runtime_class=args.placement.runtime_class,
            ),
            settings.replicas,
            surge=False,  # no GPUs lie idle for a second copy
            ready_within_seconds=_PULL_SECONDS + settings.replicas * (seconds + grace),
        )
        self.service({"https": self.port})
        self.service({"https": self.port}, name=members, headless=True)
        self.endpoint = ModelEndpoint(
            name=args.served_name,
            task=settings.task,
            url=when_ready(workload, Output.format("https://{0}:{1}/v1", self.host(), self.port)),
            api_key=api_key,
            server=self.pods,
            port=self.port,
            context_tokens=settings.context_tokens,
        )
        self.metrics = ScrapeTarget(
            job="vllm",
            server=self.pods,
            host=self.host(members),
            server_name=self.host(),
            port=self.port,
        )
        self.register_outputs({"url": self.endpoint.url})


def grace_seconds(settings: ModelSettings) -> int:
    """From the order to stop to the kill: the wait, the drain, and the way out."""
    return _PRE_STOP_SECONDS + settings.drain_seconds + _EXIT_SECONDS


def with_memory(resources: Resources, extra_bytes: int) -> Resources:
    """*resources* with *extra_bytes* more memory, for what counts as memory but is not the heap."""

    def more(compute: Compute) -> Compute:
        mebibytes = ceil((parse(compute.memory) + extra_bytes) / _MIB)
        return compute.model_copy(update={"memory": f"{mebibytes}Mi"})

    return Resources(requests=more(resources.requests), limits=more(resources.limits))


def vllm_config(api_key: str) -> dict[str, list[str]]:
    """What vLLM reads from a file, since it must not be in its arguments."""
    return {"api-key": [api_key]}


def vllm_args(settings: ModelSettings, served_name: str, path: str) -> list[str]:
    """The arguments of `vllm` that serve the model in *path* as *served_name*.

    https://docs.vllm.ai/en/latest/cli/serve/
    """
    return [
        "serve",
        path,
        *("--config", f"{_CONFIG}/vllm.yaml"),  # two items: `--config=…` is not read at all
        f"--served-model-name={served_name}",
        f"--port={VllmService.port}",
        f"--ssl-certfile={TLS_PATH}/tls.crt",
        f"--ssl-keyfile={TLS_PATH}/tls.key",
        f"--dtype={_DTYPES.get(settings.served_dtype, 'auto')}",
        # Never a pickle, where there is something better.
        f"--load-format={'safetensors' if settings.checkpoint.safetensors else 'auto'}",
        f"--tensor-parallel-size={settings.tensor_parallel}",
        f"--pipeline-parallel-size={settings.pipeline_parallel}",
        f"--max-model-len={settings.context_tokens}",
        f"--max-num-seqs={settings.max_sequences}",
        f"--gpu-memory-utilization={settings.gpu_memory_utilization}",
        f"--shutdown-timeout={settings.drain_seconds}",
        "--disable-access-log-for-endpoints=/health,/metrics",
        "--disable-fastapi-docs",
        *(_generation(settings) if settings.task == "chat" else ("--runner=pooling",)),
    ]


def _generation(settings: ModelSettings) -> list[str]:
    """What only a model that writes has."""
    spec = settings.spec
    args = [
        f"--kv-cache-dtype={settings.kv_cache_dtype}",
        "--enable-prefix-caching",
        "--enable-force-include-usage",  # a stream that says what it cost, whoever asks
    ]
    if spec.tool_parser:
        args += ["--enable-auto-tool-choice", f"--tool-call-parser={spec.tool_parser}"]
    if spec.reasoning_parser:
        args.append(f"--reasoning-parser={spec.reasoning_parser}")
    return args
