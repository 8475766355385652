"""Settings of the data and storage tiers: PostgreSQL, Redis, Qdrant, MinIO."""

from typing import Annotated, Literal

from pydantic import Field

from base.model import Model
from base.names import LONGEST_LABEL, label
from base.quantity import Disk, Resources
from config.settings.platform import MOST_PODS

_CollectionName = Annotated[str, label(LONGEST_LABEL)]
"""Part of URLs, and of folders on the disks of the members."""


class VectorCollection(Model):
    """The parameters of a Qdrant collection; the default vector size is that of BGE-M3."""

    vector_size: int = Field(
        default=1024, ge=1, le=65_535, description="Dimensions; BGE-M3 has 1024."
    )
    distance: Literal["Cosine", "Dot", "Euclid", "Manhattan"] = Field(
        default="Cosine", description="Similarity measure."
    )
    hnsw_m: int = Field(default=16, ge=0, le=1_024, description="Edges per node of the HNSW graph.")
    hnsw_ef_construct: int = Field(
        default=200, ge=4, le=10_000, description="Candidates considered while the graph is built."
    )
    full_scan_threshold: int = Field(
        default=10_000,
        ge=1,
        le=10**9,
        description="Size below which a search scans all vectors, KB.",
    )
    deleted_threshold: float = Field(
        default=0.2, gt=0, lt=1, description="Fraction of deleted vectors that triggers a vacuum."
    )
    vacuum_min_vector_number: int = Field(
        default=1000,
        ge=100,
        le=10**9,
        description="Vectors per segment below which no vacuum runs.",
    )
    memmap_threshold: int = Field(
        default=50_000,
        ge=0,
        le=10**9,
        description="Segment size above which it is memory-mapped, KB.",
    )
    quantile: float = Field(
        default=0.99, ge=0.5, le=1, description="Quantile of values that int8 quantization covers."
    )
    always_ram: bool = Field(default=True, description="Keep quantized vectors in memory.")
    replication_factor: int | None = Field(
        default=None,
        ge=1,
        le=MOST_PODS,
        description="Replicas per shard; by default 2, or 1 where there is a single member.",
    )
    write_consistency_factor: int = Field(
        default=1, ge=1, le=MOST_PODS, description="Replicas that must acknowledge a write."
    )


class QdrantSettings(Model):
    """Qdrant, the vector database: a Raft cluster with HTTPS and gRPC."""

    nodes: int = Field(
        default=3, ge=1, le=MOST_PODS, description="Members; 3 or more survive the loss of one."
    )
    storage: Disk = Field(default="50Gi", description="Disk per member.")
    max_search_threads: int = Field(
        default=8, ge=0, le=1_024, description="Threads per search; 0 lets Qdrant choose."
    )
    resources: Resources = Field(
        default=Resources.of("1", "4Gi", max_cpu="4", max_memory="8Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
    collections: dict[_CollectionName, VectorCollection] = Field(
        default={"knowledge-base": VectorCollection()},
        description="Collections to create, by name.",
    )

    @property
    def replication_factor(self) -> int:
        """Replicas per shard of every collection that names no number, whoever creates it."""
        return min(2, self.nodes)


class RedisSettings(Model):
    """Redis, for shared rate limit counters and sessions: in memory, with an append-only file."""

    storage: Disk = Field(default="5Gi", description="Disk of the append-only file.")
    max_memory_percent: int = Field(
        default=75, ge=10, le=90, description="Percentage of the memory limit for data."
    )
    resources: Resources = Field(
        default=Resources.of("250m", "512Mi", max_cpu="1", max_memory="1Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )


class PostgresSettings(Model):
    """One PostgreSQL cluster per consumer, run by CloudNativePG."""

    instances: int = Field(
        default=2, ge=1, le=MOST_PODS, description="One primary, the rest hot standbys."
    )
    storage: Disk = Field(default="20Gi", description="Disk per instance.")
    resources: Resources = Field(
        default=Resources.fixed("1", "2Gi", "2Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )


class MinioSettings(Model):
    """Object storage: a MinIO Tenant, run by the MinIO operator."""

    servers: int = Field(default=4, ge=1, le=MOST_PODS, description="Pods of the pool.")
    volumes_per_server: int = Field(default=2, ge=1, le=64, description="Disks per pod.")
    volume_size: Disk = Field(default="2Ti", description="Size of each disk.")
    resources: Resources = Field(
        default=Resources.of("2", "8Gi", max_cpu="4", max_memory="16Gi"),
        description="CPU, memory and ephemeral disk of each pod.",
    )
