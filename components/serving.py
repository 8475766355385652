"""Every model of a stack on its pool: weights first, then the engine that serves them."""

from dataclasses import dataclass

from pulumi import Output, ResourceOptions

from components.contracts import ModelEndpoint, ScrapeTarget
from components.gpu_node_pool import GpuNodePool, GpuNodePoolArgs
from components.model_store import ModelStore, ModelStoreArgs
from components.platform import Platform
from components.vllm_service import VllmService, VllmServiceArgs
from config.stack import StackConfig


@dataclass(frozen=True)
class Serving:
    """What the rest of the stack needs of its models."""

    endpoints: list[ModelEndpoint]
    metrics: list[ScrapeTarget]
    """Of the engines and of the GPUs."""


def serve(
    stack: StackConfig, platform: Platform, hub_token: Output[str] | None, on: ResourceOptions
) -> Serving:
    """A GpuNodePool for each pool; a ModelStore and a VllmService for each model."""
    pools = {
        name: GpuNodePool(name, GpuNodePoolArgs(tier=platform.tier("gpu"), settings=settings), on)
        for name, settings in stack.pools.items()
    }
    tier = platform.tier("models")
    services: list[VllmService] = []
    for name, settings in stack.models.items():
        store = ModelStore(
            f"{name}-weights",
            ModelStoreArgs(
                tier=tier,
                settings=stack.model_store,
                model=settings,
                shared_storage_class=stack.platform.shared_storage_class,
                token=hub_token,
            ),
            on,
        )
        service = VllmServiceArgs(
            tier=tier,
            settings=settings,
            served_name=name,
            placement=pools[settings.pool].placement,
            weights=store.stored,
        )
        services.append(VllmService(name, service, on))
    return Serving(
        endpoints=[service.endpoint for service in services],
        metrics=[part.metrics for part in [*services, *pools.values()]],
    )
