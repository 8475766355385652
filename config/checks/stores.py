"""Checks of the data tier: acknowledged writes, sizes of vectors, erasure sets, disks, memory."""

from collections.abc import Iterator
from typing import Final

from base.problems import Problem
from base.quantity import parse
from base.units import MIB
from config.settings.data import MinioSettings, QdrantSettings, VectorCollection
from config.stack import StackConfig

_SET_SIZES: Final = range(2, 17)
"""Drives of an erasure set: `setSizes` of MinIO's cmd/endpoint-ellipses.go."""
_LEAST_DRIVES: Final = 4
"""`Pool.Validate` of the operator (pkg/apis/minio.min.io/v2/helper.go) refuses fewer."""
_LEAST_DATABASE_MEMORY: Final = 256 * MIB
"""PostgreSQL gets a quarter of it as shared buffers; an assumption: an instance and the manager of
CloudNativePG beside it do not start with less."""
_COPIES: Final = 2
"""Append-only files of Redis at once: the current one, and the one that replaces it
(https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/)."""


def store_problems(config: StackConfig) -> Iterator[Problem]:
    """Every problem with the databases and the object storage of *config*."""
    for name, collection in config.qdrant.collections.items():
        path = f"qdrant.collections.{name}"
        yield from _acknowledged(path, collection, config.qdrant)
        yield from _vectors(path, collection, config)
    yield from _drives(config.minio)
    yield from _append_only_file(config)
    yield from _buffers(config)


def _acknowledged(
    path: str, collection: VectorCollection, qdrant: QdrantSettings
) -> Iterator[Problem]:
    copies = collection.replication_factor or qdrant.replication_factor
    if collection.write_consistency_factor > copies:
        yield Problem(
            f"{path}.write_consistency_factor",
            str(collection.write_consistency_factor),
            f"at most {copies}, the copies (replication_factor): with more, no write is ever"
            " acknowledged",
            f"Set it to {copies} or less.",
        )


def _vectors(path: str, collection: VectorCollection, config: StackConfig) -> Iterator[Problem]:
    sizes: dict[int, str] = {}
    for name in config.models_for("embed"):
        if architecture := config.models[name].spec.architecture:
            sizes.setdefault(architecture.hidden, name)
    if sizes and collection.vector_size not in sizes:
        made = ", ".join(f"{size} (models.{name})" for size, name in sizes.items())
        yield Problem(
            f"{path}.vector_size",
            str(collection.vector_size),
            f"the size of the vectors of an embedding model: {made}",
            f"Set vector_size: {next(iter(sizes))}.",
        )


def erasure_set(servers: int, volumes_per_server: int) -> int | None:
    """Drives of each erasure set that MinIO would make; None where it refuses to start.

    `getSetIndexes` and `possibleSetCountsWithSymmetry` of MinIO's cmd/endpoint-ellipses.go: a
    divisor of all drives that is a multiple or a divisor of the servers.
    """
    drives = servers * volumes_per_server
    spread = servers if servers > 1 else volumes_per_server
    sizes = [
        size
        for size in _SET_SIZES
        if drives % size == 0 and max(spread, size) % min(spread, size) == 0
    ]
    return sizes[-1] if sizes and drives >= _LEAST_DRIVES else None


def _drives(minio: MinioSettings) -> Iterator[Problem]:
    servers, volumes = minio.servers, minio.volumes_per_server
    if erasure_set(servers, volumes) is None:
        yield Problem(
            "minio.volumes_per_server",
            f"{servers * volumes} disks ({servers} servers x {volumes})",
            f"{_LEAST_DRIVES} disks or more that divide into erasure sets of {_SET_SIZES[0]} to"
            f" {_SET_SIZES[-1]}, each spread equally over the servers",
            "Set servers: 1 and volumes_per_server: 4, or servers: 4 and volumes_per_server: 1.",
        )


def _append_only_file(config: StackConfig) -> Iterator[Problem]:
    redis = config.redis
    data = parse(redis.resources.limits.memory) * redis.max_memory_percent / 100
    needed = int(_COPIES * data / MIB)
    if parse(redis.storage) < needed * MIB:
        yield Problem(
            "redis.storage",
            redis.storage,
            f"at least {needed}Mi: twice the data, max_memory_percent of resources.limits.memory,"
            " since the append-only file is rewritten beside the old one",
            f"Set it to {needed}Mi or more, or lower resources.limits.memory.",
        )


def _buffers(config: StackConfig) -> Iterator[Problem]:
    for name in ("keycloak", "open_webui"):
        memory = getattr(config.databases, name).resources.limits.memory
        if parse(memory) < _LEAST_DATABASE_MEMORY:
            yield Problem(
                f"databases.{name}.resources.limits.memory",
                memory,
                f"at least {_LEAST_DATABASE_MEMORY // MIB}Mi: a quarter of it is PostgreSQL's"
                " shared buffers",
                f"Set it to {_LEAST_DATABASE_MEMORY // MIB}Mi or more.",
            )
