"""Sound manifests, which break no rule, and how to spoil them."""

from copy import deepcopy
from datetime import date
from itertools import pairwise
from typing import Any

from policies import UNKNOWN
from policies.waivers import Waivers

Manifest = dict[str, Any]
Path = tuple[str | int, ...]

CANARY = "hunter2-canary"
"""Stands for every secret, and for whatever else no message may quote."""
POD: Path = ("spec", "template", "spec")
BOX: Path = (*POD, "containers", 0)
NAMESPACE = "models"
LABELS = {"app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": "chat"}
_COMPUTE = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}
REMOVED = object()


def no_waivers() -> Waivers:
    """Nothing is let through."""
    return Waivers([], date(2026, 11, 21))


def container(name: str) -> Manifest:
    probe = {"httpGet": {"path": "/health", "port": "https", "scheme": "HTTPS"}}
    return {
        "name": name,
        "image": f"registry.example:5000/private-ai/server:v1.2.3@sha256:{'ab' * 32}",
        "resources": {"requests": dict(_COMPUTE), "limits": dict(_COMPUTE)},
        "ports": [{"name": "https", "containerPort": 8443}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "readinessProbe": deepcopy(probe),
        "livenessProbe": {**deepcopy(probe), "failureThreshold": 6},
    }


def init_container(name: str) -> Manifest:
    """Runs before the others and ends: nothing to probe."""
    probes = {"readinessProbe", "livenessProbe"}
    return {field: value for field, value in container(name).items() if field not in probes}


def pod_spec() -> Manifest:
    return {
        "serviceAccountName": "chat",
        "automountServiceAccountToken": False,
        "priorityClassName": "serving",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "initContainers": [init_container("prepare")],
        "containers": [container("server")],
    }


def workload(kind: str = "Deployment", replicas: int = 1) -> Manifest:
    """A sound Deployment, StatefulSet or DaemonSet."""
    return _object(
        "apps/v1",
        kind,
        {
            **({} if kind == "DaemonSet" else {"replicas": replicas}),
            "template": {"metadata": {"labels": dict(LABELS)}, "spec": pod_spec()},
        },
    )


def job() -> Manifest:
    """A sound Job; it has no probes."""
    manifest = _object("batch/v1", "Job", deepcopy(workload()["spec"]))
    return change(
        manifest,
        *((*BOX, "readinessProbe"), REMOVED),
        *((*BOX, "livenessProbe"), REMOVED),
        *(("spec", "replicas"), REMOVED),
        *(("spec", "activeDeadlineSeconds"), 600),
        *((*POD, "restartPolicy"), "Never"),
    )


def cron_job() -> Manifest:
    spec = {
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 300,
        "jobTemplate": {"spec": job()["spec"]},
    }
    return _object("batch/v1", "CronJob", spec)


def service_account() -> Manifest:
    return _object("v1", "ServiceAccount", None)


def claim() -> Manifest:
    spec = {"storageClassName": "fast-nvme", "accessModes": ["ReadWriteOnce"]}
    return _object("v1", "PersistentVolumeClaim", spec)


def role(**rule: Any) -> Manifest:
    """A Role with one rule: by default, to read ConfigMaps."""
    sound = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    manifest = _object("rbac.authorization.k8s.io/v1", "Role", None)
    return {**manifest, "rules": [{**sound, **rule}]}


def autoscaler(**spec: Any) -> Manifest:
    """Of the sound Deployment."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}
    sound = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4}
    return _object("autoscaling/v2", "HorizontalPodAutoscaler", {**sound, **spec})


def route() -> Manifest:
    """An HTTPRoute to the sound Service."""
    spec = {"hostnames": ["ai.example.org"], "rules": [{"backendRefs": [{"name": "chat"}]}]}
    return _object("gateway.networking.k8s.io/v1", "HTTPRoute", spec)


def quota(**hard: Any) -> Manifest:
    return _object("v1", "ResourceQuota", {"hard": {"pods": "200", **hard}})


def limit_range() -> Manifest:
    return _object("v1", "LimitRange", {"limits": []})


def model_server(kind: str = "Deployment") -> Manifest:
    """A sound vLLM on two GPUs."""
    gpus = {"nvidia.com/gpu": "2"}
    mount, volume = {"name": "shm", "mountPath": "/dev/shm"}, {"medium": "Memory"}  # noqa: S108
    return change(
        workload(kind),
        *((*BOX, "image"), f"registry.example:5000/vllm/vllm-openai:v0.33.0@sha256:{'ab' * 32}"),
        *((*BOX, "command"), ["vllm"]),
        *((*BOX, "args"), ["serve", "/models/1", "--tensor-parallel-size=2", "--ssl-certfile=/t"]),
        *((*BOX, "env"), [{"name": n, "value": "1"} for n in ("HF_HUB_OFFLINE", "DO_NOT_TRACK")]),
        *((*BOX, "resources", "limits"), {**_COMPUTE, **gpus}),
        *((*BOX, "startupProbe"), {"failureThreshold": 60, "httpGet": {"scheme": "HTTPS"}}),
        *((*BOX, "volumeMounts"), [mount]),
        *((*POD, "volumes"), [{"name": "shm", "emptyDir": {**volume, "sizeLimit": "512Mi"}}]),
        *((*POD, "nodeSelector"), {"private-ai.dev/gpu-pool": "h200"}),
        *((*POD, "tolerations"), [{"key": "nvidia.com/gpu", "operator": "Exists"}]),
        *((*POD, "terminationGracePeriodSeconds"), 120),
    )


def replica_set() -> Manifest:
    return {**workload(), "kind": "ReplicaSet"}


def worker_set() -> Manifest:
    """A sound LeaderWorkerSet: one model over several nodes."""
    template = workload()["spec"]["template"]
    templates = {"leaderTemplate": deepcopy(template), "workerTemplate": deepcopy(template)}
    return _object(
        "leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", {"leaderWorkerTemplate": templates}
    )


def pod() -> Manifest:
    template = workload()["spec"]["template"]
    manifest = _object("v1", "Pod", template["spec"])
    manifest["metadata"]["labels"] = dict(LABELS)
    return manifest


def tenant() -> Manifest:
    compute = {"requests": dict(_COMPUTE), "limits": dict(_COMPUTE)}
    spec = {
        "image": "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z",
        "requestAutoCert": True,
        "pools": [{"name": "pool-0", "servers": 4, "resources": compute}],
    }
    return _object("minio.min.io/v2", "Tenant", spec)


def database() -> Manifest:
    compute = {"requests": dict(_COMPUTE), "limits": dict(_COMPUTE)}
    spec = {
        "imageName": "ghcr.io/cloudnative-pg/postgresql:17.6",
        "resources": compute,
        "storage": {"storageClass": "fast-nvme"},
    }
    return _object("postgresql.cnpg.io/v1", "Cluster", spec)


def service() -> Manifest:
    return _object("v1", "Service", {"ports": [{"name": "https", "port": 443}]})


def ingress() -> Manifest:
    spec = {
        "rules": [{"host": "ai.example.org"}],
        "tls": [{"hosts": ["ai.example.org"], "secretName": "ai"}],
    }
    return _object("networking.k8s.io/v1", "Ingress", spec)


def gateway() -> Manifest:
    listener = {"name": "web", "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "ai"}]}}
    return _object("gateway.networking.k8s.io/v1", "Gateway", {"listeners": [listener]})


def monitor() -> Manifest:
    spec = {"endpoints": [{"port": "https", "scheme": "https"}]}
    return _object("monitoring.coreos.com/v1", "ServiceMonitor", spec)


def pod_monitor() -> Manifest:
    spec = {"podMetricsEndpoints": [{"port": "https", "scheme": "https"}]}
    return _object("monitoring.coreos.com/v1", "PodMonitor", spec)


def config_map(**data: Any) -> Manifest:
    """Keys are file names with `__` for a dot."""
    manifest = _object("v1", "ConfigMap", None)
    return {**manifest, "data": {key.replace("__", "."): text for key, text in data.items()}}


def secret(**data: Any) -> Manifest:
    manifest = _object("v1", "Secret", None)
    return {**manifest, "stringData": {key.replace("__", "."): text for key, text in data.items()}}


def network_policy(selector: Any = None, types: Any = ("Ingress", "Egress")) -> Manifest:
    spec = {"podSelector": selector or {}, "policyTypes": list(types)}
    return _object("networking.k8s.io/v1", "NetworkPolicy", spec)


def budget(**spec: Any) -> Manifest:
    selector = {"selector": {"matchLabels": dict(LABELS)}}
    return _object("policy/v1", "PodDisruptionBudget", {**selector, **spec})


def namespace() -> Manifest:
    manifest = _object("v1", "Namespace", None)
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {**manifest, "metadata": {"name": NAMESPACE, "labels": enforced}}


def _object(version: str, kind: str, spec: Any) -> Manifest:
    labels = {**LABELS, "app.kubernetes.io/part-of": "private-ai"}
    metadata = {"name": "chat", "namespace": NAMESPACE, "labels": labels}
    manifest: Manifest = {"apiVersion": version, "kind": kind, "metadata": metadata}
    return manifest if spec is None else {**manifest, "spec": spec}


def change(manifest: Manifest, *paths_and_values: Any) -> Manifest:
    """A copy with other values at the given paths, in pairs; `REMOVED` removes a key."""
    changed = deepcopy(manifest)
    for path, value in zip(paths_and_values[::2], paths_and_values[1::2], strict=True):
        target: Any = changed
        for step, following in pairwise(path):
            if isinstance(step, str):
                target = target.setdefault(step, [] if isinstance(following, int) else {})
            else:
                while len(target) <= step:
                    target.append([] if isinstance(following, int) else {})
                target = target[step]
        _put(target, path[-1], value)
    return changed


def _put(target: Any, step: str | int, value: Any) -> None:
    if value is REMOVED:
        del target[step]
    elif isinstance(step, int) and step == len(target):
        target.append(value)
    else:
        target[step] = value


def obscured(manifest: Manifest, path: Path) -> Manifest:
    """What a preview shows when it does not know what lies at *path*."""
    return change(manifest, path, UNKNOWN)


def env(name: str, value: Any) -> tuple[Path, Any]:
    """The path and value that give the server one more variable."""
    return (*BOX, "env", 0), {"name": name, "value": value}


def args(*words: Any) -> tuple[Path, Any]:
    """The path and value that give the server its arguments."""
    return (*BOX, "args"), list(words)
