"""Settings of the data tier: PostgreSQL, Redis, object store, vectors."""

from typing import Literal

from pydantic import Field

from base.model import Model
from base.quantity import Quantity, Resources


class VectorCollection(Model):
    """The parameters of a Qdrant collection; the defaults are those of the first seed."""

    vector_size: int = Field(default=1024, ge=1, description="Dimensions; BGE-M3 gives 1024.")
    distance: Literal["Cosine", "Dot", "Euclid", "Manhattan"] = Field(
        default="Cosine", description="Similarity measure."
    )
    hnsw_m: int = Field(default=16, ge=0, description="Links of a node in the HNSW graph.")
    hnsw_ef_construct: int = Field(
        default=200, ge=4, description="Candidates considered while the graph is built."
    )
    full_scan_threshold: int = Field(
        default=10_000, ge=1, description="Kilobytes below which a search scans instead."
    )
    deleted_threshold: float = Field(
        default=0.2, gt=0, lt=1, description="Share of deleted vectors that starts a vacuum."
    )
    vacuum_min_vector_number: int = Field(
        default=1000, ge=100, description="Vectors of a segment below which none starts."
    )
    memmap_threshold: int = Field(
        default=50_000, ge=0, description="Kilobytes of a segment above which it is memory-mapped."
    )
    quantile: float = Field(
        default=0.99, ge=0.5, le=1, description="Share of values that int8 quantization keeps."
    )
    always_ram: bool = Field(default=True, description="Keep quantized vectors in memory.")
    replication_factor: int = Field(default=2, ge=1, description="Copies of every shard.")
    write_consistency_factor: int = Field(
        default=1, ge=1, description="Copies that must acknowledge a write."
    )


class QdrantSettings(Model):
    """Vector search: a Raft cluster over HTTPS and gRPC."""

    nodes: int = Field(default=3, ge=1, description="Members; 3 or more survive the loss of one.")
    storage: Quantity = Field(default="50Gi", description="Disk of each member.")
    max_search_threads: int = Field(default=8, ge=0, description="0 lets Qdrant choose.")
    resources: Resources = Field(
        default=Resources.of("1", "4Gi", max_cpu="4", max_memory="8Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
    collections: dict[str, VectorCollection] = Field(
        default={"knowledge-base": VectorCollection()},
        description="Collections that exist from the start, by name.",
    )


class RedisSettings(Model):
    """Shared counters (quotas) and sessions: small, in memory, appended to disk."""

    storage: Quantity = Field(default="5Gi", description="Disk of the append-only file.")
    max_memory_percent: int = Field(
        default=75, ge=10, le=90, description="Share of the memory limit that data may fill."
    )
    resources: Resources = Field(
        default=Resources.of("250m", "512Mi", max_cpu="1", max_memory="1Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )


class PostgresSettings(Model):
    """One PostgreSQL cluster a consumer, run by CloudNativePG."""

    instances: int = Field(default=2, ge=1, description="One primary, the rest hot standbys.")
    storage: Quantity = Field(default="20Gi", description="Disk of each instance.")
    resources: Resources = Field(
        default=Resources.fixed("1", "2Gi", "2Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )


class MinioSettings(Model):
    """Object storage: a MinIO Tenant, run by the MinIO operator."""

    servers: int = Field(default=4, ge=1, description="Pods of the pool.")
    volumes_per_server: int = Field(default=2, ge=1, description="Disks of each pod.")
    volume_size: Quantity = Field(default="2Ti", description="Size of each disk.")
    resources: Resources = Field(
        default=Resources.of("2", "8Gi", max_cpu="4", max_memory="16Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
