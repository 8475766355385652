"""Pods of a workload, read from its manifest: replicas, rollout, requests, images.

A previewed manifest may have unknown values, so fields are read with the defaults of Kubernetes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any

from base.quantity_format import parse
from review.reading import Object, count, items, mapping

_GRACE = 30
"""terminationGracePeriodSeconds, https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/"""
_LWS = "LeaderWorkerSet.leaderworkerset.x-k8s.io"
_PERIOD, _FAILURES = 10, 3
"""https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/"""


@dataclass(frozen=True)
class Needs:
    """Resources that pods reserve."""

    cores: float = 0
    memory_bytes: float = 0
    gpus: float = 0
    disk_bytes: float = 0

    def __add__(self, other: "Needs") -> "Needs":
        """The sum of both."""
        return Needs(
            self.cores + other.cores,
            self.memory_bytes + other.memory_bytes,
            self.gpus + other.gpus,
            self.disk_bytes + other.disk_bytes,
        )

    def __mul__(self, times: float) -> "Needs":
        """The needs of *times* pods."""
        return Needs(
            self.cores * times,
            self.memory_bytes * times,
            self.gpus * times,
            self.disk_bytes * times,
        )


@dataclass(frozen=True)
class Workload:
    """An object with long-running pods."""

    replicas: int
    """Number of pods; 1 for a DaemonSet, because only the cluster knows its nodes."""
    unavailable: int
    """Pods that are down at a time during an update; 0 if new pods start first."""
    restart_seconds: int | None
    """Maximum time for one pod from stop to ready again; None if no startup probe bounds it."""
    needs: Needs
    """Needs of all replicas together."""
    template: Any
    """Pod template, or the part of the spec that the pods depend on; a change replaces them."""
    images: Mapping[str, str] = field(default_factory=dict[str, str])
    """Image of each container, by the container's name."""


def workload(kind: str, manifest: Object) -> Workload | None:
    """The workload that *manifest* describes; None if it has no long-running pods."""
    read = _READERS.get(kind)
    return read(manifest) if read and manifest else None


def pod_template(kind: str, manifest: Object) -> Object:
    """The pod template of *manifest*, also of Jobs; empty if it has none."""
    spec = mapping(manifest, "spec")
    if kind == "CronJob.batch":
        spec = mapping(mapping(spec, "jobTemplate"), "spec")
    if kind == _LWS:
        groups = mapping(spec, "leaderWorkerTemplate")
        # Without a leader template, leaders use the worker template.
        return mapping(groups, "leaderTemplate") or mapping(groups, "workerTemplate")
    if kind == "Pod":
        return {"metadata": mapping(manifest, "metadata"), "spec": spec}
    return mapping(spec, "template")


def claims(kind: str, manifest: Object) -> float:
    """Bytes of disk that all replicas of *manifest* claim."""
    spec = mapping(manifest, "spec")
    if kind == "PersistentVolumeClaim":
        return _storage(spec)
    if kind == "StatefulSet.apps":
        templates = items(spec, "volumeClaimTemplates")
        return count(spec, "replicas", 1) * sum(_storage(mapping(t, "spec")) for t in templates)
    found = workload(kind, manifest)
    return found.needs.disk_bytes if found else 0


def amount(value: Any) -> float:  # noqa: ANN401 - JSON
    """A Kubernetes quantity as a number; 0 if it is missing or not known yet."""
    try:
        return float(parse(str(value)))
    except ValueError:
        return 0


def _deployment(manifest: Object) -> Workload:
    spec = mapping(manifest, "spec")
    replicas = count(spec, "replicas", 1)
    strategy = mapping(spec, "strategy")
    if strategy.get("type") == "Recreate":
        return _of_template(mapping(spec, "template"), replicas, replicas)
    rolling = mapping(strategy, "rollingUpdate")
    surge = _share(rolling.get("maxSurge", "25%"), replicas, ceil)
    away = _share(rolling.get("maxUnavailable", "25%"), replicas, floor)
    # If maxSurge and maxUnavailable are both 0, Kubernetes uses maxUnavailable 1.
    return _of_template(mapping(spec, "template"), replicas, away if away or surge else 1)


def _stateful_set(manifest: Object) -> Workload:
    spec = mapping(manifest, "spec")
    replicas = count(spec, "replicas", 1)
    on_delete = mapping(spec, "updateStrategy").get("type") == "OnDelete"
    found = _of_template(mapping(spec, "template"), replicas, 0 if on_delete else 1)
    disk = claims("StatefulSet.apps", manifest)
    return _with(found, found.needs + Needs(disk_bytes=disk))


def _leader_worker_set(manifest: Object) -> Workload:
    """Groups of pods, each of which goes and comes as one. https://lws.sigs.k8s.io/docs/reference/."""
    spec = mapping(manifest, "spec")
    groups = count(spec, "replicas", 1)
    template = mapping(spec, "leaderWorkerTemplate")
    workers = count(template, "size", 1) - 1
    leader = _of_template(pod_template(_LWS, manifest), groups, 1)
    worker = _of_template(mapping(template, "workerTemplate"), groups, 1)
    rolling = mapping(mapping(spec, "rolloutStrategy"), "rollingUpdateConfiguration")
    bounds = [b for b in (leader.restart_seconds, worker.restart_seconds) if b is not None]
    return Workload(
        replicas=groups,
        unavailable=_share(rolling.get("maxUnavailable", 1), groups, floor) or 1,
        restart_seconds=max(bounds, default=None),
        needs=leader.needs + worker.needs * workers,
        template=template,
        images={**{f"worker {name}": i for name, i in worker.images.items()}, **leader.images},
    )


def _daemon_set(manifest: Object) -> Workload:
    return _of_template(mapping(mapping(manifest, "spec"), "template"), 1, 1)


def _postgres(manifest: Object) -> Workload:
    """Standbys first, then the primary.

    https://cloudnative-pg.io/documentation/current/rolling_update/
    """
    spec = mapping(manifest, "spec")
    instances = count(spec, "instances", 1)
    one = _needs(mapping(spec, "resources")) + Needs(disk_bytes=_disk(mapping(spec, "storage")))
    restarted_by = ("imageName", "resources", "postgresql", "env", "affinity")
    return Workload(
        replicas=instances,
        unavailable=1,
        restart_seconds=None,
        needs=one * instances,
        template={key: spec.get(key) for key in restarted_by},
        images={"postgres": str(spec["imageName"])} if "imageName" in spec else {},
    )


def _tenant(manifest: Object) -> Workload:
    """Servers are replaced one by one.

    https://github.com/minio/operator/blob/master/docs/tenant_crd.adoc
    """
    spec = mapping(manifest, "spec")
    needs, servers = Needs(), 0
    for pool in items(spec, "pools"):
        of_pool = count(pool, "servers", 1)
        volumes = count(pool, "volumesPerServer", 1)
        disk = volumes * _storage(mapping(mapping(pool, "volumeClaimTemplate"), "spec"))
        needs += (_needs(mapping(pool, "resources")) + Needs(disk_bytes=disk)) * of_pool
        servers += of_pool
    return Workload(
        replicas=servers,
        unavailable=1,
        restart_seconds=None,
        needs=needs,
        template={key: spec.get(key) for key in ("image", "env", "configuration", "pools")},
        images={"minio": str(spec["image"])} if "image" in spec else {},
    )


_READERS: Mapping[str, Callable[[Object], Workload]] = {
    "Deployment.apps": _deployment,
    "StatefulSet.apps": _stateful_set,
    "DaemonSet.apps": _daemon_set,
    _LWS: _leader_worker_set,
    "Cluster.postgresql.cnpg.io": _postgres,
    "Tenant.minio.min.io": _tenant,
}


def _of_template(template: Object, replicas: int, unavailable: int) -> Workload:
    pod = mapping(template, "spec")
    containers = items(pod, "containers")
    claimed = Needs(gpus=len(items(pod, "resourceClaims")))
    each = sum((_needs(mapping(c, "resources")) for c in containers), claimed)
    return Workload(
        replicas=replicas,
        unavailable=unavailable,
        restart_seconds=_restart_seconds(pod, containers),
        needs=each * replicas,
        template=template,
        images={
            str(c.get("name")): str(c["image"])
            for c in [*containers, *items(pod, "initContainers")]
            if "image" in c
        },
    )


def _with(found: Workload, needs: Needs) -> Workload:
    return Workload(
        found.replicas,
        found.unavailable,
        found.restart_seconds,
        needs,
        found.template,
        found.images,
    )


def _restart_seconds(pod: Object, containers: list[Object]) -> int | None:
    """Termination grace period plus the longest startup time of a container."""
    probes = [c["startupProbe"] for c in containers if isinstance(c.get("startupProbe"), Mapping)]
    if not probes:
        return None
    budgets = (
        count(p, "initialDelaySeconds", 0)
        + count(p, "failureThreshold", _FAILURES) * count(p, "periodSeconds", _PERIOD)
        for p in probes
    )
    return count(pod, "terminationGracePeriodSeconds", _GRACE) + max(budgets)


def _needs(resources: Object) -> Needs:
    requests, limits = mapping(resources, "requests"), mapping(resources, "limits")
    # A missing request defaults to the limit.
    effective = {**limits, **requests}
    return Needs(
        amount(effective.get("cpu", 0)),
        amount(effective.get("memory", 0)),
        sum(amount(n) for name, n in effective.items() if name.startswith("nvidia.com/")),
    )


def _storage(spec: Object) -> float:
    return amount(mapping(mapping(spec, "resources"), "requests").get("storage", 0))


def _disk(storage: Object) -> float:
    return amount(storage.get("size", 0))


def _share(value: Any, of: int, rounded: Callable[[float], int]) -> int:  # noqa: ANN401 - JSON
    """A number, or a percentage of *of*."""
    text = str(value)
    share = amount(text.removesuffix("%"))
    return rounded(of * share / 100) if text.endswith("%") else int(share)
