"""A whole stack: every setting of `Pulumi.<stack>.yaml`."""

from typing import Literal

from pydantic import Field

from base.model import Model
from config.settings.apps import OpenWebUiSettings
from config.settings.cluster import ClusterConfig
from config.settings.data import MinioSettings, PostgresSettings, QdrantSettings, RedisSettings
from config.settings.gateway import GatewaySettings
from config.settings.hosts import Hosts
from config.settings.identity import KeycloakSettings
from config.settings.keys import ModelName, PoolName, TeamName
from config.settings.model_store import ModelStoreSettings
from config.settings.models import AnyModelSettings
from config.settings.observability import ObservabilitySettings
from config.settings.platform import PlatformSettings
from config.settings.pools import GpuPoolSettings
from config.settings.router import RouterSettings
from config.settings.teams import Team


class Databases(Model):
    """The PostgreSQL clusters, one per consumer, so that each can be restored by itself."""

    keycloak: PostgresSettings = Field(default=PostgresSettings(), description="Identities.")
    open_webui: PostgresSettings = Field(default=PostgresSettings(), description="Chats.")


class StackConfig(Model):
    """One stack: the cluster it expects, and all its parts."""

    cluster: ClusterConfig = Field(description="The cluster it is deployed on.")
    platform: PlatformSettings = Field(description="Settings shared by all tiers.")
    hosts: Hosts = Field(description="Public host names.")
    pools: dict[PoolName, GpuPoolSettings] = Field(min_length=1, description="GPU pools, by name.")
    model_store: ModelStoreSettings = Field(description="The source of weights.")
    models: dict[ModelName, AnyModelSettings] = Field(
        min_length=1, description="Models, by served name."
    )
    teams: dict[TeamName, Team] = Field(
        min_length=1, description="Teams that may use the models, by name."
    )
    minio: MinioSettings = Field(default=MinioSettings(), description="Object storage.")
    databases: Databases = Field(default=Databases(), description="PostgreSQL.")
    redis: RedisSettings = Field(default=RedisSettings(), description="Shared counters.")
    qdrant: QdrantSettings = Field(default=QdrantSettings(), description="Vector database.")
    keycloak: KeycloakSettings = Field(default=KeycloakSettings(), description="Identity provider.")
    router: RouterSettings = Field(default=RouterSettings(), description="One API for all models.")
    open_webui: OpenWebUiSettings = Field(default=OpenWebUiSettings(), description="The chat.")
    gateway: GatewaySettings = Field(default=GatewaySettings(), description="API gateway.")
    observability: ObservabilitySettings = Field(
        default=ObservabilitySettings(), description="Metrics, alerts, dashboards."
    )

    @property
    def served_names(self) -> list[str]:
        """Served names of the models and of their LoRA adapters."""
        return [
            served for name, model in self.models.items() for served in (name, *model.vllm.adapters)
        ]

    def models_for(
        self, task: Literal["chat", "embed", "rerank", "transcribe", "speak"]
    ) -> list[str]:
        """Served names of the models of that task, in the order of the file."""
        return [name for name, model in self.models.items() if model.task == task]
