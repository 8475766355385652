"""Every model of a stack on its pool: weights first, then the engine that serves them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi import Alias, Output, ResourceOptions

from components.common.contracts import ImageAccess, ModelEndpoint, ScrapeTarget
from components.gpu.gpu_node_pool import GpuNodePool, GpuNodePoolArgs
from components.models.engines.base import EngineArgs, EngineService
from components.models.engines.comfyui import ComfyUi
from components.models.engines.infinity import Infinity
from components.models.engines.llama_cpp import LlamaCpp
from components.models.engines.ollama import Ollama
from components.models.engines.speaches import Speaches
from components.models.engines.tei import Tei
from components.models.engines.tgi import Tgi
from components.models.engines.triton import TritonTrtLlm, TritonVllm
from components.models.model_store import ModelStore, ModelStoreArgs
from components.models.vllm.extras import vllm_service_args
from components.models.vllm.service import VllmService
from components.models.weights_programs import WeightsPrograms, WeightsProgramsArgs
from components.platform import Platform
from config.settings.engines import Engine
from config.stack import StackConfig

ENGINES: Mapping[Engine, type[VllmService] | type[EngineService]] = {
    "vllm": VllmService,
    "ollama": Ollama,
    "llama-cpp": LlamaCpp,
    "tgi": Tgi,
    "triton-vllm": TritonVllm,
    "triton-trtllm": TritonTrtLlm,
    "infinity": Infinity,
    "tei": Tei,
    "speaches": Speaches,
    "comfyui": ComfyUi,
}
"""What serves a model, by the word in a stack's YAML."""


@dataclass(frozen=True)
class Serving:
    """What the rest of the stack needs of its models."""

    endpoints: list[ModelEndpoint]
    """Those that the router can ask."""
    images: ImageAccess | None
    """What makes images, which the chat asks itself."""
    metrics: list[ScrapeTarget]
    """Of the engines and of the GPUs."""


def serve(
    stack: StackConfig, platform: Platform, hub_token: Output[str] | None, on: ResourceOptions
) -> Serving:
    """A GpuNodePool for each pool; a ModelStore and a service of its engine for each model."""
    pools = {
        name: GpuNodePool(name, GpuNodePoolArgs(tier=platform.tier("gpu"), settings=settings), on)
        for name, settings in stack.pools.items()
    }
    tier = platform.tier("models")
    programs = WeightsPrograms("weights-programs", WeightsProgramsArgs(tier=tier), on).programs
    services: list[VllmService | EngineService] = []
    for name, settings in stack.models.items():
        store = ModelStore(
            f"{name}-weights",
            ModelStoreArgs(
                tier=tier,
                settings=stack.model_store,
                model=settings,
                shared_storage_class=stack.platform.shared_storage_class,
                programs=programs,
                token=hub_token,
            ),
            on,
        )
        engine = ENGINES[settings.engine]
        opts = _whatever_served_before(engine, on)
        placement = pools[settings.pool].place(settings.mig_profile, settings.gpu_share)
        if issubclass(engine, VllmService):
            vllm = vllm_service_args(
                stack,
                platform,
                name,
                placement=placement,
                weights=store.stored,
                programs=programs,
                hub_token=hub_token,
                on=on,
            )
            services.append(engine(name, vllm, opts))
        else:
            other = EngineArgs(
                tier=tier,
                settings=settings,
                served_name=name,
                placement=placement,
                weights=store.stored,
            )
            services.append(engine(name, other, opts))
    pictures = [service.images for service in services if isinstance(service, ComfyUi)]
    measured = [service.metrics for service in services]
    return Serving(
        endpoints=[e for s in services if not isinstance(s, ComfyUi) for e in _endpoints(s)],
        images=pictures[0] if pictures else None,
        metrics=[
            *(target for target in measured if target is not None),
            *(pool.metrics for pool in pools.values()),
        ],
    )


def _endpoints(service: VllmService | EngineService) -> list[ModelEndpoint]:
    """Of the model, and of its adapters where it has some."""
    return service.endpoints if isinstance(service, VllmService) else [service.endpoint]


def _whatever_served_before(
    engine: type[VllmService] | type[EngineService], on: ResourceOptions
) -> ResourceOptions:
    """*on*, for a model that another engine than *engine* may have served.

    Its Service, certificate and key go on under the new engine; a second Service of the same name
    could not be made while the first is there.
    """
    others = [kind for kind in ENGINES.values() if kind is not engine]
    aliases = [Alias(type_=f"private-ai:index:{kind.__name__}") for kind in others]
    return ResourceOptions.merge(on, ResourceOptions(aliases=aliases))
