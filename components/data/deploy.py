"""Everything that keeps data: object storage, databases, counters, vectors."""

from dataclasses import dataclass

from pulumi import ResourceOptions

from components.common.contracts import (
    BucketAccess,
    DatabaseAccess,
    RedisAccess,
    ScrapeTarget,
    VectorAccess,
)
from components.data.postgres import Postgres, PostgresArgs
from components.data.qdrant import Qdrant, QdrantArgs
from components.data.redis import Redis, RedisArgs
from components.platform import Platform
from components.storage.minio_tenant import MinioTenant, MinioTenantArgs
from config.stack import StackConfig


@dataclass(frozen=True)
class Stores:
    """What the rest of the stack needs of its stores."""

    identities: DatabaseAccess
    """Keycloak's database."""
    chats: DatabaseAccess
    """Open WebUI's database."""
    documents: BucketAccess
    counters: RedisAccess
    vectors: VectorAccess
    metrics: list[ScrapeTarget]


def store(stack: StackConfig, platform: Platform, on: ResourceOptions) -> Stores:
    """Every store of *stack*; who may use one is said where it is used."""
    tier = platform.tier("data")
    api_server = stack.platform.api_server_cidrs
    objects = MinioTenant(
        "llm-storage",
        MinioTenantArgs(
            tier=platform.tier("storage"), settings=stack.minio, api_server_cidrs=api_server
        ),
        on,
    )
    snapshots = objects.grant("llm-backups", "qdrant")
    qdrant = Qdrant("qdrant", QdrantArgs(tier=tier, settings=stack.qdrant, snapshots=snapshots), on)
    identities, chats = (
        Postgres(
            f"{consumer}-db",
            PostgresArgs(
                tier=tier, settings=settings, database=database, api_server_cidrs=api_server
            ),
            on,
        )
        for consumer, database, settings in (
            ("keycloak", "keycloak", stack.databases.keycloak),
            ("open-webui", "open_webui", stack.databases.open_webui),
        )
    )
    return Stores(
        identities=identities.access,
        chats=chats.access,
        documents=objects.grant("llm-documents", "open-webui"),
        counters=Redis("redis", RedisArgs(tier=tier, settings=stack.redis), on).access,
        vectors=qdrant.access,
        metrics=[part.metrics for part in (objects, qdrant, identities, chats)],
    )
