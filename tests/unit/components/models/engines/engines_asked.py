"""One model of each engine, asked for on recorded mocks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Output

from components.common.contracts import GpuPlacement, ModelEndpoint, ScrapeTarget, StoredModel
from components.models.deploy import ENGINES
from components.models.engines.base import EngineService
from components.models.engines.comfyui import ComfyUi
from components.models.model_server import ModelServerArgs, ServedModel
from config.settings.engines import Engine
from config.settings.models import MediaModelSettings, ModelSettings, TokenModelSettings
from sizing.devices import Device
from tests.support import Recorded, deploy, tier

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SECRET = "kubernetes:core/v1:Secret"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = f"/models/{COMMIT}"

SETTINGS: Mapping[Engine, Mapping[str, Any]] = {
    "ollama": {"model": "llama-3.1-8b", "dtype": "q4_k_m", "kv_cache_dtype": "q8_0"},
    "llama-cpp": {"model": "qwen3-30b-a3b", "dtype": "q8_0", "kv_cache_dtype": "q8_0"},
    "tgi": {"model": "qwen3-4b"},
    "triton-vllm": {"model": "qwen3-4b"},
    "triton-trtllm": {
        "model": "qwen3-4b",
        "repository": "entreprise/qwen3-4b-trtllm",
        "sha256": {"triton/ensemble/config.pbtxt": "0" * 64},
    },
    "infinity": {"model": "bge-m3"},
    "tei": {"model": "bge-reranker-v2-m3"},
    "speaches": {"model": "whisper-large-v3"},
    "comfyui": {"model": "sdxl-base-1.0"},
}
"""Of every engine but vLLM, a model that it serves."""

OTHERS = tuple(SETTINGS)


def settings(engine: Engine, **given: Any) -> ModelSettings:
    base = {"engine": engine, "pool": "l40s", "revision": COMMIT} | dict(SETTINGS[engine])
    if engine in ("speaches", "comfyui"):
        return MediaModelSettings.model_validate(base | given)
    return TokenModelSettings.model_validate(base | {"context_tokens": 8192} | given)


@dataclass
class Served:
    """What was asked for, and what the service hands on."""

    asked: Recorded = field(default_factory=Recorded)
    endpoint: ModelEndpoint[Output[str]] | None = None
    metrics: ScrapeTarget | None = None

    @property
    def pod(self) -> dict[str, Any]:
        """Each of its pods."""
        return self.asked.one(DEPLOYMENT, "chat").inputs["spec"]["template"]["spec"]

    @property
    def engine(self) -> dict[str, Any]:
        """The container of the engine itself."""
        return self.pod["containers"][0]

    @property
    def proxy(self) -> dict[str, Any]:
        """The container before it."""
        return self.pod["containers"][1]

    def words(self) -> str:
        """Its arguments, in one line."""
        return " ".join(self.engine["args"])

    def environment(self) -> dict[str, str]:
        """Its variables."""
        return {entry["name"]: entry["value"] for entry in self.engine["env"]}

    def file(self, name: str) -> str:
        """A file that is written for the engine."""
        return self.asked.one(CONFIG_MAP, "chat-engine").inputs["data"][name]

    def nginx(self) -> str:
        """The configuration of its auth proxy."""
        return self.asked.one(CONFIG_MAP, "chat-front").inputs["data"]["nginx.conf"]


def serve(engine: Engine, **given: Any) -> Served:
    """A model called `chat`, served by *engine*."""
    served = Served()
    kind = ENGINES[engine]
    assert issubclass(kind, EngineService)

    def program() -> None:
        volume = k8s.core.v1.ConfigMap("weights")
        verifier = k8s.core.v1.ConfigMap("verifier")
        pool = k8s.core.v1.ConfigMap("pool")
        service = kind(
            "chat",
            ModelServerArgs(
                tier=tier("llm-production"),
                model=ServedModel(
                    settings(engine, **given),
                    "chat",
                    placement=GpuPlacement(
                        device=Device(
                            profile=None,
                            resource="nvidia.com/gpu",
                            per_node=8,
                            per_pod=8,
                            memory_bytes=48 * 10**9,
                            visible_bytes=48 * 10**9,
                            max_utilization=1,
                            nvlink=False,
                        ),
                        node_selector={"private-ai.dev/gpu-pool": "l40s"},
                        taint="nvidia.com/gpu",
                        runtime_class=pool.metadata.name,
                    ),
                    weights=StoredModel(
                        claim=volume.metadata.name,
                        path=WEIGHTS,
                        root="/models",
                        size_bytes=50 * 10**9,
                        read_rate=10**9,
                        verifier=verifier.metadata.name,
                        expected="{}",
                    ),
                ),
            ),
        )
        served.endpoint, served.metrics = service.endpoint, service.metrics
        k8s.core.v1.ConfigMap("consumer", data={"url": service.endpoint.url})
        if isinstance(service, ComfyUi):
            images = service.images
            k8s.core.v1.ConfigMap("images", data={"url": images.url, "model": images.model})

    served.asked = deploy(program)
    return served
