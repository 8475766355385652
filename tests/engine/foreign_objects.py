"""Twenty things of others that a cluster has under the names of the stack prod."""

import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sim.api import Api, Object

_NAMESPACES: Mapping[str, Mapping[str, str]] = {
    "monitoring": {"team": "supervision"},
    "auth": {"app.kubernetes.io/managed-by": "Helm"},
    "kong": {"app.kubernetes.io/part-of": "private-ai", "private-ai.dev/stack": "elsewhere"},
    "minio": {},
    "llm-data": {},
    "llm-production": {},
    "llm-apps": {},
    "gpu-system": {},
    "gpu-operator": {},
}
ADOPTED = ["gpu", "storage", "data", "models", "gateway", "apps"]
"""Neither monitoring nor auth is; that of the gateway cannot be, as another stack's."""

_PODS = {
    "metadata": {"labels": {"app": "theirs"}},
    "spec": {"containers": [{"name": "c", "image": "theirs.test/gpu/nvidia-gpu-device-plugin:1"}]},
}
_SELECTED = {"selector": {"matchLabels": {"app": "theirs"}}}
_SETS: Object = {"spec": _SELECTED | {"serviceName": "theirs", "replicas": 0, "template": _PODS}}
_SERVICE: Object = {"spec": {"ports": [{"port": 80}]}}
_CLAIM: Object = {
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
}


def _plugin() -> Object:
    sockets = {"name": "sockets", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}}
    pod = _PODS["spec"] | {
        "volumes": [sockets],
        "tolerations": [{"operator": "Exists"}],
        "nodeSelector": {"private-ai.dev/gpu-pool": "h200"},
    }
    return {"spec": _SELECTED | {"template": _PODS | {"spec": pod}}}


@dataclass(frozen=True)
class _Foreign:
    collection: str
    name: str
    content: Object
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])


def _in(namespace: str, plural: str, api: str = "api/v1") -> str:
    return f"/{api}/namespaces/{namespace}/{plural}"


_HELM = {"meta.helm.sh/release-name": "chat"}
_ARGO = {"argocd.argoproj.io/tracking-id": "shop:/Service:llm-data/qdrant"}
_DATA, _APPS = "llm-data", "apis/apps/v1"
_OBJECTS = (
    _Foreign(_in(_DATA, "services"), "redis", _SERVICE),
    _Foreign(_in(_DATA, "services"), "qdrant", _SERVICE, {"annotations": _ARGO}),
    _Foreign(_in(_DATA, "services"), "qdrant-members", {"spec": {"clusterIP": "None"}}),
    _Foreign(_in(_DATA, "statefulsets", _APPS), "redis", _SETS),
    _Foreign(_in(_DATA, "persistentvolumeclaims"), "data-redis-0", _CLAIM),
    _Foreign(_in(_DATA, "statefulsets", _APPS), "qdrant", _SETS),
    _Foreign(_in(_DATA, "persistentvolumeclaims"), "storage-qdrant-1", _CLAIM),
    _Foreign(
        _in(_DATA, "clusters", "apis/postgresql.cnpg.io/v1"),
        "keycloak-db",
        {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster"}
        | {"spec": {"instances": 1, "storage": {"size": "1Gi"}, "imageName": "theirs"}},
    ),
    _Foreign(_in(_DATA, "services"), "open-webui-db-rw", _SERVICE),
    _Foreign(_in(_DATA, "secrets"), "open-webui-db-ca", {}, {"labels": {"app": "theirs"}}),
    _Foreign(_in(_DATA, "persistentvolumeclaims"), "open-webui-db-1", _CLAIM),
    _Foreign(_in("minio", "services"), "minio", _SERVICE),
    _Foreign(_in("minio", "statefulsets", _APPS), "llm-storage-pool-0", _SETS),
    _Foreign(_in("llm-production", "services"), "router", _SERVICE),
    _Foreign(
        _in("llm-production", "services"),
        "chat",
        {"spec": {"type": "ExternalName", "externalName": "theirs.test"}},
    ),
    _Foreign(_in("llm-apps", "services"), "open-webui", _SERVICE, {"annotations": _HELM}),
    _Foreign(_in("gpu-operator", "daemonsets", _APPS), "plugin", _plugin()),
)

REFUSED = [
    "Namespace auth, which this stack did not create (labels: app.kubernetes.io/managed-by=Helm",
    "Namespace kong, which belongs to the stack elsewhere",
    "Namespace monitoring, which this stack did not create (labels: team=supervision",
    "Service llm-data/redis, which",
    "Service llm-data/qdrant, which this stack did not create (labels: none; Argo CD's shop:/Serv",
    "Service llm-data/qdrant-members, which",
    "StatefulSet llm-data/redis, which",
    "PersistentVolumeClaim llm-data/data-redis-0, which",
    "StatefulSet llm-data/qdrant, which",
    "PersistentVolumeClaim llm-data/storage-qdrant-1, which",
    "Cluster llm-data/keycloak-db, which",
    "Service llm-data/open-webui-db-rw, which",
    "Secret llm-data/open-webui-db-ca, which this stack did not create (labels: app=theirs;",
    "PersistentVolumeClaim llm-data/open-webui-db-1, which",
    "Service minio/minio, which",
    "StatefulSet minio/llm-storage-pool-0, which",
    "Service llm-production/router, which",
    "Service llm-production/chat, which",
    "Service llm-apps/open-webui, which this stack did not create (labels: none; Helm's release",
    "DaemonSet gpu-operator/plugin, which this stack did not create",
]
"""What of each is said; each is refused for a reason of its own."""


@contextmanager
def taken(api: Api) -> Generator[None]:
    """A cluster that has all of it, and then none of it."""
    for name, labels in _NAMESPACES.items():
        api.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": dict(labels)}})
    for each in _OBJECTS:
        api.create(
            each.collection, each.content | {"metadata": {"name": each.name} | each.metadata}
        )
    _wait(lambda: _placed(api))
    try:
        yield
    finally:
        for name in _NAMESPACES:
            api.delete(f"/api/v1/namespaces/{name}")
        _wait(lambda: not any(api.get(f"/api/v1/namespaces/{name}") for name in _NAMESPACES))


def seen(api: Api) -> dict[str, tuple[Any, ...]]:
    """Who wrote each of them and what it is, without what controllers say of its state."""
    paths = [f"/api/v1/namespaces/{name}" for name in _NAMESPACES]
    paths += [f"{each.collection}/{each.name}" for each in _OBJECTS]
    found: dict[str, tuple[Any, ...]] = {}
    for path in paths:
        there = api.get(path)
        assert there is not None, path
        metadata = there["metadata"]
        writers = {
            entry["manager"] for entry in metadata["managedFields"] if not entry.get("subresource")
        }
        kept = (metadata.get(key) for key in ("uid", "labels", "annotations", "ownerReferences"))
        found[path] = (*kept, there.get("spec"), there.get("data"), writers)
    return found


def contents(api: Api) -> list[str]:
    """The names of all that is in the namespaces, of kinds that the stack creates."""
    kinds = (
        ("api/v1", "secrets"),
        ("api/v1", "services"),
        (_APPS, "deployments"),
        (_APPS, "statefulsets"),
        ("apis/networking.k8s.io/v1", "networkpolicies"),
        ("api/v1", "resourcequotas"),
    )
    return sorted(
        f"{plural} {namespace}/{item['metadata']['name']}"
        for api_version, plural in kinds
        for namespace in _NAMESPACES
        for item in api.items(_in(namespace, plural, api_version))
    )


def _placed(api: Api) -> bool:
    pods = api.items(_in("gpu-operator", "pods"))
    return any(pod["spec"].get("nodeName") for pod in pods)


def _wait(until: Any) -> None:
    end = time.monotonic() + 120
    while not until():
        assert time.monotonic() < end, "the cluster did not settle"
        time.sleep(0.1)
