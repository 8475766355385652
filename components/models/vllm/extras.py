"""What a model served by vLLM needs of the rest of its stack."""

from pulumi import Output, ResourceOptions

from components.common.contracts import GpuPlacement, StoredModel
from components.models.model_store import ModelStore, ModelStoreArgs
from components.models.vllm.service import VllmServiceArgs
from components.monitoring import observability, prometheus
from components.platform import Platform
from config.settings.models import token_settings
from config.stack import StackConfig


def vllm_service_args(
    stack: StackConfig,
    platform: Platform,
    name: str,
    *,
    placement: GpuPlacement,
    weights: StoredModel,
    hub_token: Output[str] | None,
    on: ResourceOptions,
) -> VllmServiceArgs:
    """The arguments of the VllmService called *name*; a ModelStore for each of its extra files."""
    settings, tier = token_settings(name, stack.models[name]), platform.tier("models")
    extras = {
        extra: ModelStore(
            f"{name}-{extra}-weights",
            ModelStoreArgs(
                tier=tier,
                settings=stack.model_store,
                model=files,
                shared_storage_class=stack.platform.shared_storage_class,
                token=hub_token,
                root=f"/extras/{extra}",
            ),
            on,
        ).stored
        for extra, files in settings.extra_files.items()
    }
    return VllmServiceArgs(
        tier=tier,
        settings=settings,
        served_name=name,
        placement=placement,
        weights=weights,
        extras=extras,
        hosts=settings.hosts(stack.pools[settings.pool].gpus_per_node),
        # By its name, not by its output: Prometheus reads the models, so it comes after them.
        prometheus=prometheus.query_access(observability.PROMETHEUS, platform.tier("monitoring")),
        api_server_cidrs=stack.platform.api_server_cidrs,
    )
