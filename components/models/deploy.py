"""Composition of the model tier: GPU pools, weights, and a model server for each model."""

from collections.abc import Mapping
from dataclasses import dataclass

from pulumi import Alias, Output, ResourceOptions

from components.common.contracts import (
    ImageAccess,
    ModelEndpoint,
    ScrapeTarget,
    StoredModel,
    Upstream,
)
from components.gpu.gpu_node_pool import GpuNodePool, GpuNodePoolArgs
from components.models.engines.comfyui import ComfyUi
from components.models.engines.infinity import Infinity
from components.models.engines.llama_cpp import LlamaCpp
from components.models.engines.ollama import Ollama
from components.models.engines.speaches import Speaches
from components.models.engines.tei import Tei
from components.models.engines.tgi import Tgi
from components.models.engines.triton import TritonTrtLlm, TritonVllm
from components.models.model_server import ModelServer, ModelServerArgs, ServedModel
from components.models.model_store import ModelStore, ModelStoreArgs
from components.models.vllm.service import VllmService
from components.models.weights_programs import WeightsPrograms, WeightsProgramsArgs
from components.platform import Platform
from config.settings.engines import Engine
from config.settings.models import ModelSettings
from config.settings.vllm import HubFiles
from config.stack import StackConfig

ENGINES: Mapping[Engine, type[ModelServer]] = {
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
"""Model server by the value of `models.*.engine`."""


@dataclass(frozen=True)
class Models:
    """Interface of the model servers to the rest of the stack."""

    endpoints: list[ModelEndpoint[Output[str]]]
    """Models that the router can route to."""
    images: ImageAccess | None
    """Image generation, which the chat calls without the router."""
    metrics: list[ScrapeTarget]
    """Metrics of the model servers and of the GPUs."""


def deploy_models(
    stack: StackConfig,
    platform: Platform,
    hub_token: Output[str] | None,
    prometheus: Upstream,
    cluster_opts: ResourceOptions,
) -> Models:
    """A GpuNodePool for each pool; a ModelStore and a model server for each model."""
    tier = platform.tier("models")
    programs = WeightsPrograms(
        "weights-programs",
        WeightsProgramsArgs(tier=tier, kind=stack.model_store.source.kind),
        cluster_opts,
    ).programs

    def stored(name: str, files: ModelSettings | HubFiles, root: str = "/models") -> StoredModel:
        args = ModelStoreArgs(
            tier=tier,
            settings=stack.model_store,
            model=files,
            shared_storage_class=stack.platform.shared_storage_class,
            programs=programs,
            token=hub_token,
            root=root,
        )
        return ModelStore(f"{name}-weights", args, cluster_opts).stored

    pools = {
        name: GpuNodePool(
            name, GpuNodePoolArgs(tier=platform.tier("gpu"), settings=settings), cluster_opts
        )
        for name, settings in stack.pools.items()
    }
    servers: list[ModelServer] = []
    for name, settings in stack.models.items():
        served = ServedModel(
            settings,
            name,
            placement=pools[settings.pool].place(settings.mig_profile, settings.gpu_share),
            weights=stored(name, settings),
            extras={
                extra: stored(f"{name}-{extra}", files, f"/extras/{extra}")
                for extra, files in settings.extra_files.items()
            },
            hosts=settings.hosts(stack.pools[settings.pool].gpus_per_node),
        )
        args = ModelServerArgs(
            tier=tier,
            model=served,
            prometheus=prometheus,
            api_server_cidrs=stack.platform.api_server_cidrs,
        )
        engine = ENGINES[settings.engine]
        servers.append(engine(name, args, _after_any_engine(engine, cluster_opts)))
    scraped = [*servers, *pools.values()]
    return Models(
        endpoints=[endpoint for server in servers for endpoint in server.endpoints],
        images=next((server.images for server in servers if server.images), None),
        metrics=[each.metrics for each in scraped if each.metrics is not None],
    )


def _after_any_engine(engine: type[ModelServer], cluster_opts: ResourceOptions) -> ResourceOptions:
    """*cluster_opts* with aliases for every engine that may have served the model before.

    The Service, certificate and key of the model survive the change to *engine*; a second Service
    of the same name could not be created while the first exists.
    """
    others = [kind for kind in ENGINES.values() if kind is not engine]
    aliases = [Alias(type_=f"private-ai:index:{kind.__name__}") for kind in others]
    return ResourceOptions.merge(cluster_opts, ResourceOptions(aliases=aliases))
