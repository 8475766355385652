"""Every pod of a stack: how many of each, what it requests, and on which nodes it may run.

From the settings, as the components build it; nothing is rendered.
`tests/unit/config/test_pods.py` compares both, of every stack and example.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from base.quantity import Resources, parse
from config import footprints
from config.settings.engines import ENGINE_SPECS, shared_memory_bytes
from config.settings.models import ModelSettings
from config.settings.pools import GpuPoolSettings
from config.stack import StackConfig
from sizing.seating import Needs, total


@dataclass(frozen=True)
class PodSet:
    """The pods of one workload, which are alike.

    None of the stack's requires to be apart from others, or in a zone: their topology spread and
    anti-affinity are preferences, which the scheduler drops where they cannot be met.
    """

    name: str
    """Of the workload."""
    count: int
    """Most pods at once outside of updates; of a DaemonSet, on each node."""
    needs: Needs
    """Of one pod."""
    pool: str | None = None
    """The GPU pool whose nodes it selects and whose taint it tolerates; None: it tolerates none."""
    kind: Literal["server", "job", "daemon"] = "server"
    surge: int = 0
    """Pods that an update starts before it stops as many."""
    resources: str | None = None
    """Path of the setting of its resources; None where there is none."""
    replicas: str | None = None
    """Path of the setting of their number; None where there is none."""


def pods(config: StackConfig) -> Iterator[PodSet]:
    """Every pod of *config*; those of models whose pool does not exist are left out."""
    yield from _stores(config)
    yield from _services(config)
    yield from _jobs(config)
    for name, pool in config.pools.items():
        yield from daemons(name, pool)
    for name, model in config.models.items():
        if model.vllm.routing == "prefix-aware":
            picker = needs(footprints.PICKER, footprints.PICKER_PROXY)
            yield PodSet(f"{name}-picker", footprints.PICKERS, picker, surge=1)
        if model.pool in config.pools:
            yield from servers(name, model, config.pools[model.pool])


def needs(*containers: Resources, init: Sequence[Resources] = ()) -> Needs:
    """What a pod requests: the sum of its containers, or more where one before them needs more.

    https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
    """
    together = total(_container(each) for each in containers)
    before = [_container(each) for each in init]
    cpu, memory, disk, _ = (max(amounts) for amounts in zip(together, *before, strict=True))
    return Needs(cpu, memory, disk)


def servers(name: str, model: ModelSettings, pool: GpuPoolSettings) -> Iterator[PodSet]:
    """The servers of one model."""
    hosts = model.hosts(pool.gpus_per_node)
    gates = [footprints.VERIFY] * (1 + len(model.extra_files))
    scaling, prefill = model.autoscaling, model.vllm.prefill_replicas
    placed = {"pool": model.pool, "resources": f"models.{name}.resources"}
    if model.engine == "vllm":
        beside = [footprints.KV_SIDECAR] if prefill and hosts == 1 else []
        offload = model.vllm.kv_offload
        extra = int(parse(offload.size)) // hosts if offload else 0
        if pool.sharing.mode != "mps":  # whose device plugin mounts /dev/shm
            extra += shared_memory_bytes(model.engine, model.gpus // hosts)
    else:
        beside = [footprints.AUTH_PROXY]
        gates += [footprints.PREPARE] * ENGINE_SPECS[model.engine].prepares
        extra = shared_memory_bytes(model.engine, model.gpus)
    engine = model.resources.with_memory(extra)
    yield PodSet(
        name,
        (scaling.max if scaling else model.replicas) * hosts,
        needs(engine, *beside, init=gates),
        **placed,
        replicas=f"models.{name}.{'autoscaling.max' if scaling else 'replicas'}",
    )
    if prefill and hosts == 1:
        yield PodSet(
            f"{name}-prefill",
            prefill,
            needs(engine, init=gates),
            **placed,
            replicas=f"models.{name}.vllm.prefill_replicas",
        )


def daemons(name: str, pool: GpuPoolSettings) -> Iterator[PodSet]:
    """What runs on each node of a pool besides its servers."""
    found = {"dcgm": needs(footprints.DCGM_EXPORTER)}
    if pool.operator == "none" and pool.allocation == "device-plugin":
        layout = [footprints.MIG_LAYOUT] if pool.sharing.mode == "mig" else []
        found["device-plugin"] = needs(footprints.DEVICE_PLUGIN, init=layout)
        if pool.sharing.mode == "mps":
            found["mps"] = needs(footprints.MPS_DAEMON, init=[footprints.MPS_MOUNT])
        if pool.feature_discovery:
            found["feature-discovery"] = needs(footprints.FEATURE_DISCOVERY)
    for part, asked in found.items():
        yield PodSet(f"{name}-{part}", 1, asked, name, "daemon")


def _container(resources: Resources) -> Needs:
    asked = resources.requests
    return Needs(
        ceil(parse(asked.cpu) * 1000),
        ceil(parse(asked.memory)),
        ceil(parse(asked.ephemeral_storage)),
        pods=0,
    )


def _stores(config: StackConfig) -> Iterator[PodSet]:
    minio, qdrant, redis = config.minio, config.qdrant, config.redis
    yield PodSet(
        "llm-storage",
        minio.servers,
        # The operator's sidecar states nothing (7.1.1, minio-statefulset.go:756-779).
        needs(minio.resources, footprints.UNSTATED),
        resources="minio.resources",
        replicas="minio.servers",
    )
    yield PodSet(
        "qdrant",
        qdrant.nodes,
        needs(qdrant.resources),
        resources="qdrant.resources",
        replicas="qdrant.nodes",
    )
    yield PodSet("redis", 1, needs(redis.resources), resources="redis.resources")
    for name in ("keycloak", "open_webui"):
        settings = getattr(config.databases, name)
        yield PodSet(
            f"{name.replace('_', '-')}-db",
            settings.instances,
            needs(settings.resources),
            resources=f"databases.{name}.resources",
            replicas=f"databases.{name}.instances",
        )


def _services(config: StackConfig) -> Iterator[PodSet]:
    before = {"keycloak": [footprints.KEYCLOAK_UNPACK]}
    for name, key, settings in (
        ("keycloak", "keycloak", config.keycloak),
        ("router", "router", config.router),
        ("open-webui", "open_webui", config.open_webui),
        ("kong", "gateway", config.gateway),
    ):
        yield PodSet(
            name,
            settings.replicas,
            needs(settings.resources, init=before.get(name, [])),
            surge=1,
            resources=f"{key}.resources",
            replicas=f"{key}.replicas",
        )
    for name in ("prometheus", "alertmanager", "grafana"):
        yield PodSet(
            name,
            1,
            needs(getattr(config.observability, name)),
            surge=int(name == "grafana"),  # the only one of them without a disk
            resources=f"observability.{name}",
        )


def _jobs(config: StackConfig) -> Iterator[PodSet]:
    found = {
        "llm-storage-qdrant-llm-backups": footprints.GRANT,
        "llm-storage-open-webui-llm-documents": footprints.GRANT,
        "qdrant-collections": footprints.COLLECTIONS,
        "open-webui-migrate": footprints.MIGRATION,
    }
    for name, model in config.models.items():
        for stored in (name, *(f"{name}-{extra}" for extra in model.extra_files)):
            found[f"{stored}-weights-fetch"] = footprints.FETCH
    for name, resources in found.items():
        yield PodSet(name, 1, needs(resources), kind="job")
