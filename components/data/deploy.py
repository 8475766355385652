"""Composition of the stores: object storage, databases, Redis, vectors."""

from dataclasses import dataclass

from pulumi import Output, ResourceOptions

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
    """Interface of the stores to the rest of the stack."""

    identities: DatabaseAccess[Output[str]]
    """Keycloak's database."""
    chats: DatabaseAccess[Output[str]]
    """Open WebUI's database."""
    documents: BucketAccess[Output[str]]
    """Bucket for uploaded documents."""
    counters: RedisAccess[Output[str]]
    """Redis for rate-limit counters and sessions."""
    vectors: VectorAccess
    metrics: list[ScrapeTarget]


def deploy_stores(stack: StackConfig, platform: Platform, cluster_opts: ResourceOptions) -> Stores:
    """Every store of *stack*; its clients open their own network access."""
    tier = platform.tier("data")
    api_server = stack.platform.api_server_cidrs
    objects = MinioTenant(
        "llm-storage",
        MinioTenantArgs(
            tier=platform.tier("storage"), settings=stack.minio, api_server_cidrs=api_server
        ),
        cluster_opts,
    )
    snapshots = objects.grant("llm-backups", "qdrant")
    qdrant = Qdrant(
        "qdrant", QdrantArgs(tier=tier, settings=stack.qdrant, snapshots=snapshots), cluster_opts
    )
    identities, chats = (
        Postgres(
            f"{consumer}-db",
            PostgresArgs(
                tier=tier, settings=settings, database=database, api_server_cidrs=api_server
            ),
            cluster_opts,
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
        counters=Redis("redis", RedisArgs(tier=tier, settings=stack.redis), cluster_opts).access,
        vectors=qdrant.access,
        metrics=[part.metrics for part in (objects, qdrant, identities, chats)],
    )
