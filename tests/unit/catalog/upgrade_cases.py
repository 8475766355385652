"""Objects before and after a change, with what the tables must say of it."""

import copy
from collections.abc import Mapping
from typing import Any, NamedTuple

from catalog.upgrades.judgement import Effect

Manifest = dict[str, Any]


class Case(NamedTuple):
    """One change of one object."""

    kind: str
    old: Manifest
    new: Manifest
    effect: Effect | None
    """None: nothing is said."""
    steps: tuple[str, ...] = ()
    """Parts of the steps, in their order."""


def changed(manifest: Mapping[str, Any], path: str, value: Any) -> Manifest:
    """*manifest* with *value* at *path*, such as `spec.pools.0.servers`; None removes."""
    made: Any = copy.deepcopy(dict(manifest))
    *way, last = path.split(".")
    at = made
    for key in way:
        at = at[int(key)] if isinstance(at, list) else at.setdefault(key, {})
    if value is None:
        del at[last]
    else:
        at[int(last) if isinstance(at, list) else last] = value
    return made


SET: Manifest = {
    "metadata": {"name": "qdrant", "namespace": "data"},
    "spec": {
        "replicas": 3,
        "serviceName": "qdrant-members",
        "selector": {"matchLabels": {"app": "qdrant"}},
        "template": {"spec": {"containers": [{"name": "qdrant", "image": "q.test/qdrant:1"}]}},
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "storage"},
                "spec": {
                    "storageClassName": "fast",
                    "resources": {"requests": {"storage": "50Gi"}},
                },
            }
        ],
    },
}
_SIZE = "spec.volumeClaimTemplates.0.spec.resources.requests.storage"
CLAIM: Manifest = {
    "metadata": {"name": "weights", "namespace": "models"},
    "spec": {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "cephfs",
        "resources": {"requests": {"storage": "17Gi"}},
    },
}
CLUSTER: Manifest = {
    "metadata": {"name": "keycloak-db", "namespace": "data"},
    "spec": {
        "instances": 3,
        "imageName": "ghcr.io/cloudnative-pg/postgresql:17.11-standard-trixie",
        "bootstrap": {"initdb": {"database": "keycloak"}},
        "storage": {"size": "20Gi", "storageClass": "fast"},
    },
}
TENANT: Manifest = {
    "metadata": {"name": "llm-storage", "namespace": "storage"},
    "spec": {
        "image": "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z",
        "pools": [
            {
                "name": "pool-0",
                "servers": 4,
                "volumesPerServer": 2,
                "volumeClaimTemplate": {
                    "metadata": {"name": "data"},
                    "spec": {
                        "storageClassName": "fast",
                        "resources": {"requests": {"storage": "2Ti"}},
                    },
                },
            }
        ],
    },
}
_POOL = "spec.pools.0.volumeClaimTemplate.spec"

_SETS = "StatefulSet.apps"
_GROW = (
    "for claim in storage-qdrant-0 storage-qdrant-1 storage-qdrant-2; do kubectl -n data patch pvc"
    """ $claim --type merge -p '{"spec":{"resources":{"requests":{"storage":"100Gi"}}}}'; done"""
)
_ORPHAN = ("kubectl delete -n data statefulset qdrant --cascade=orphan", "pulumi up --refresh")
_EXPANDS = "kubectl get storageclass"


def _simple(kind: str, path: str, old: Any, new: Any, effect: Effect | None = "refused") -> Case:
    """A change of one field of an otherwise empty object."""
    there = changed({"metadata": {"name": "one"}}, path, old)
    return Case(kind, there, changed(there, path, new), effect)


FIELDS: Mapping[str, Case] = {
    "a disk grows": Case(
        _SETS,
        SET,
        changed(SET, _SIZE, "100Gi"),
        "refused",
        (
            _EXPANDS,
            _GROW,
            *_ORPHAN,
        ),
    ),
    "a disk shrinks": Case(_SETS, SET, changed(SET, _SIZE, "10Gi"), "refused", ("keep 50Gi",)),
    "a disk in other words": Case(_SETS, SET, changed(SET, _SIZE, "51200Mi"), None),
    "another class of disks": Case(
        _SETS,
        SET,
        changed(SET, "spec.volumeClaimTemplates.0.spec.storageClassName", "slow"),
        "refused",
        ("keep fast", *_ORPHAN),
    ),
    "another service": Case(
        _SETS, SET, changed(SET, "spec.serviceName", "other"), "refused", _ORPHAN
    ),
    "another order": Case(
        _SETS, SET, changed(SET, "spec.podManagementPolicy", "Parallel"), "refused", _ORPHAN
    ),
    "the order of the default": Case(
        _SETS, SET, changed(SET, "spec.podManagementPolicy", "OrderedReady"), None
    ),
    "more members": Case(_SETS, SET, changed(SET, "spec.replicas", 5), None),
    "other pods": Case(_SETS, SET, changed(SET, "spec.template.metadata", {"labels": {}}), None),
    "a claim grows": Case(
        "PersistentVolumeClaim",
        CLAIM,
        changed(CLAIM, "spec.resources.requests.storage", "32Gi"),
        "steps",
        (_EXPANDS,),
    ),
    "a claim shrinks": Case(
        "PersistentVolumeClaim",
        CLAIM,
        changed(CLAIM, "spec.resources.requests.storage", "8Gi"),
        "refused",
        ("keep 17Gi",),
    ),
    "a claim of another class": Case(
        "PersistentVolumeClaim",
        CLAIM,
        changed(CLAIM, "spec.storageClassName", "nfs"),
        "refused",
        ("keep cephfs", "copy the data"),
    ),
    "a database grows": Case(
        "Cluster.postgresql.cnpg.io",
        CLUSTER,
        changed(CLUSTER, "spec.storage.size", "40Gi"),
        "steps",
        (_EXPANDS,),
    ),
    "a database shrinks": Case(
        "Cluster.postgresql.cnpg.io",
        CLUSTER,
        changed(CLUSTER, "spec.storage.size", "10Gi"),
        "refused",
        ("keep 20Gi",),
    ),
    "a database of another class": Case(
        "Cluster.postgresql.cnpg.io",
        CLUSTER,
        changed(CLUSTER, "spec.storage.storageClass", "slow"),
        "steps",
        ("instances made from now on", "delete its claim and its pod", "promote"),
    ),
    "a database of another name": Case(
        "Cluster.postgresql.cnpg.io",
        CLUSTER,
        changed(CLUSTER, "spec.bootstrap.initdb.database", "sso"),
        "steps",
        ("nothing happens", "ALTER DATABASE"),
    ),
    "more servers of a pool": Case(
        "Tenant.minio.min.io",
        TENANT,
        changed(TENANT, "spec.pools.0.servers", 8),
        "refused",
        ("keep 4", "add a pool"),
    ),
    "more volumes of a server": Case(
        "Tenant.minio.min.io",
        TENANT,
        changed(TENANT, "spec.pools.0.volumesPerServer", 4),
        "refused",
        ("keep 2", "add a pool"),
    ),
    "the volumes of a pool grow": Case(
        "Tenant.minio.min.io",
        TENANT,
        changed(TENANT, f"{_POOL}.resources.requests.storage", "4Ti"),
        "steps",
        (_EXPANDS,),
    ),
    "the volumes of a pool shrink": Case(
        "Tenant.minio.min.io",
        TENANT,
        changed(TENANT, f"{_POOL}.resources.requests.storage", "1Ti"),
        "refused",
        ("keep 2Ti",),
    ),
    "a pool of another class": Case(
        "Tenant.minio.min.io",
        TENANT,
        changed(TENANT, f"{_POOL}.storageClassName", "slow"),
        "steps",
        ("nothing happens", "decommission"),
    ),
    "a Deployment's selector": _simple(
        "Deployment.apps", "spec.selector", {"matchLabels": {"a": "b"}}, {"matchLabels": {}}
    ),
    "a DaemonSet's selector": _simple(
        "DaemonSet.apps", "spec.selector", {"matchLabels": {"a": "b"}}, {"matchLabels": {}}
    ),
    "a Job's template": _simple("Job.batch", "spec.template", {"spec": {}}, {"spec": {"a": 1}}),
    "a Job's mode": _simple("Job.batch", "spec.completionMode", "NonIndexed", "Indexed"),
    "a Job's deadline": _simple("Job.batch", "spec.activeDeadlineSeconds", 600, 900, None),
    "a Service's address": _simple("Service", "spec.clusterIP", "10.0.0.1", "10.0.0.2"),
    "a Secret's type": _simple("Secret", "type", "Opaque", "kubernetes.io/tls"),
    "a StorageClass' policy": _simple(
        "StorageClass.storage.k8s.io", "reclaimPolicy", "Delete", "Retain"
    ),
    "a StorageClass that expands": _simple(
        "StorageClass.storage.k8s.io", "allowVolumeExpansion", False, True, None
    ),
    "a binding's role": _simple(
        "RoleBinding.rbac.authorization.k8s.io", "roleRef.name", "reader", "writer"
    ),
    "a cluster binding's role": _simple(
        "ClusterRoleBinding.rbac.authorization.k8s.io", "roleRef.name", "reader", "writer"
    ),
    "a priority": _simple("PriorityClass.scheduling.k8s.io", "value", 1000, 2000),
    "a preemption policy": _simple(
        "PriorityClass.scheduling.k8s.io", "preemptionPolicy", "Never", "PreemptLowerPriority"
    ),
    "a runtime's handler": _simple("RuntimeClass.node.k8s.io", "handler", "nvidia", "nvidia-cdi"),
    "a quota's scopes": _simple("ResourceQuota", "spec.scopes", ["BestEffort"], ["Terminating"]),
    "a quota": _simple("ResourceQuota", "spec.hard.pods", "10", "20", None),
    "a claim template of devices": _simple(
        "ResourceClaimTemplate.resource.k8s.io", "spec.spec.devices", {"a": 1}, {"a": 2}
    ),
    "a kind without a line": _simple("NetworkPolicy.networking.k8s.io", "spec.a", 1, 2, None),
}


class Step(NamedTuple):
    """One step between two tags of an image."""

    kind: str
    image: str
    before: str
    after: str
    effects: tuple[Effect, ...]
    said: str = ""
    """Part of what is said."""


_QDRANT = ("StatefulSet.apps", "docker.io/qdrant/qdrant")
_KEYCLOAK = ("Deployment.apps", "mirror.test/ai/keycloak/keycloak")
_POSTGRES = ("Cluster.postgresql.cnpg.io", "ghcr.io/cloudnative-pg/postgresql")
_CHAT = ("Deployment.apps", "ghcr.io/open-webui/open-webui")
_REDIS = ("StatefulSet.apps", "mirror.test/library/redis")
_MINIO = ("Tenant.minio.min.io", "quay.io/minio/minio")
_PROMETHEUS = ("StatefulSet.apps", "docker.io/prom/prometheus")

STEPS: Mapping[str, Step] = {
    "qdrant, a patch": Step(*_QDRANT, "v1.19.0-unprivileged", "v1.19.2-unprivileged", ()),
    "qdrant, a minor": Step(*_QDRANT, "v1.18.2-unprivileged", "v1.19.0-unprivileged", ()),
    "qdrant, two minors": Step(*_QDRANT, "v1.17.1", "v1.19.0", ("refused",), "1.18"),
    "qdrant, a major": Step(*_QDRANT, "v1.19.0", "v2.0.0", ("refused",), "1.20"),
    "qdrant, a patch back": Step(*_QDRANT, "v1.19.1", "v1.19.0", ()),
    "qdrant, a minor back": Step(*_QDRANT, "v1.19.0", "v1.18.2", ("refused",), "keep v1.19.0"),
    "qdrant, another digest": Step(*_QDRANT, "v1.19.0@sha256:aa", "v1.19.0@sha256:bb", ()),
    "qdrant, no version": Step(*_QDRANT, "v1.19.0", "latest", ("steps",), "a tag that begins"),
    "keycloak, a patch": Step(*_KEYCLOAK, "26.7.4", "26.7.5", ()),
    "keycloak, a minor": Step(*_KEYCLOAK, "26.7.4", "26.8.0", ("steps",), "--cascade=foreground"),
    "keycloak, a major": Step(*_KEYCLOAK, "26.7.4", "27.0.0", ("steps",), "pulumi up --refresh"),
    "keycloak, a minor back": Step(*_KEYCLOAK, "26.8.0", "26.7.4", ("refused",), "from a backup"),
    "postgres, a minor": Step(*_POSTGRES, "17.11-standard-trixie", "17.12-standard-trixie", ()),
    "postgres, a minor back": Step(*_POSTGRES, "17.12", "17.11", ()),
    "postgres, a major": Step(*_POSTGRES, "17.11", "18.6", ("steps",), "pg_upgrade"),
    "postgres, a major back": Step(*_POSTGRES, "18.6", "17.11", ("refused",), "from a backup"),
    "open-webui, forward": Step(*_CHAT, "v0.11.4", "v0.12.0", ()),
    "open-webui, back": Step(*_CHAT, "v0.11.4", "v0.11.3", ("refused",), "v0.11.4 or newer"),
    "redis, forward": Step(*_REDIS, "8.6.1-trixie", "8.8.1-trixie", ()),
    "redis, back": Step(*_REDIS, "8.8.1-trixie", "8.6.1-trixie", ("refused",), "same minor"),
    "minio, forward": Step(
        *_MINIO, "RELEASE.2025-09-07T16-13-09Z", "RELEASE.2025-10-15T17-29-55Z", ()
    ),
    "minio, back": Step(
        *_MINIO, "RELEASE.2025-09-07T16-13-09Z", "RELEASE.2025-04-08T15-41-24Z", ("refused",)
    ),
    "prometheus, a minor back": Step(*_PROMETHEUS, "v3.15.0", "v3.14.0", ()),
    "prometheus, a major back": Step(*_PROMETHEUS, "v3.15.0", "v2.55.0", ("refused",)),
    "grafana, back": Step("Deployment.apps", "docker.io/grafana/grafana", "13.2.3", "12.0.0", ()),
    "a Job of the same image": Step("Job.batch", _QDRANT[1], "v1.19.0", "v1.10.0", ()),
}
