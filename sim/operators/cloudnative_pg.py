"""The objects that the CloudNativePG operator (v1.27.0) creates for a Cluster.

Names, labels, ports, containers, security contexts and defaults are the operator's. Omitted: the
bootstrap Jobs, the certificates it issues, and its instance manager.
"""

import hashlib
import json
import secrets
from base64 import b64encode
from typing import Final

from sim.api import Object
from sim.operators.objects import owned, pruned

API_VERSION: Final = "postgresql.cnpg.io/v1"
CLUSTERS: Final = "/apis/postgresql.cnpg.io/v1/clusters"
CLUSTER_LABEL: Final = "cnpg.io/cluster"
ROLE_LABEL: Final = "cnpg.io/instanceRole"
SERIAL_ANNOTATION: Final = "cnpg.io/nodeSerial"
SPEC_ANNOTATION: Final = "sim.private-ai.dev/pod-spec"
"""Digest of the pod spec; a changed digest replaces the pod."""
HEALTHY: Final = "Cluster in healthy state"

OPERATOR_IMAGE = "ghcr.io/cloudnative-pg/cloudnative-pg:1.27.0"
_IMAGE = "ghcr.io/cloudnative-pg/postgresql:17.5"  # the default of this version
_PORT, _STATUS_PORT, _METRICS_PORT = 5432, 8000, 9187
_UID = 26  # postgres, in the project's images
_START_DELAY, _STOP_DELAY, _PROBE_PERIOD = 3600, 1800, 10


def cluster_path(namespace: str, name: str) -> str:
    """The API path of a Cluster."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/clusters/{name}"


def instance_name(cluster: Object, serial: int) -> str:
    """The name of an instance's pod and of its volume claim."""
    return f"{cluster['metadata']['name']}-{serial}"


def shared_objects(cluster: Object) -> list[Object]:
    """The objects of *cluster* that all instances share."""
    spec, name = cluster["spec"], cluster["metadata"]["name"]
    objects = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        _service(f"{name}-rw", {CLUSTER_LABEL: name, ROLE_LABEL: "primary"}),
        _service(f"{name}-ro", {CLUSTER_LABEL: name, ROLE_LABEL: "replica"}),
        _service(f"{name}-r", {CLUSTER_LABEL: name, "cnpg.io/podRole": "instance"}),
    ]
    if spec.get("enablePDB", True):
        objects.append(_disruption_budget(f"{name}-primary", name, "primary", 1))
        if spec["instances"] >= 3:  # noqa: PLR2004 - one primary and two replicas
            objects.append(_disruption_budget(name, name, "replica", spec["instances"] - 2))
    return [_own(cluster, content) for content in objects]


def application_secret(cluster: Object) -> Object | None:
    """A new Secret with the application's credentials; None if the Cluster names one."""
    name = cluster["metadata"]["name"]
    namespace = cluster["metadata"]["namespace"]
    start = cluster["spec"].get("bootstrap", {}).get("initdb", {})
    if start.get("secret"):
        return None
    database = start.get("database", "app")
    user = start.get("owner", database)
    password = secrets.token_urlsafe(48)
    host = f"{name}-rw"
    fields = {
        "username": user,
        "user": user,
        "password": password,
        "dbname": database,
        "host": host,
        "port": str(_PORT),
        "pgpass": f"{host}:{_PORT}:{database}:{user}:{password}\n",
        "uri": f"postgresql://{user}:{password}@{host}.{namespace}:{_PORT}/{database}",
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/basic-auth",
        "metadata": {"name": f"{name}-app", "labels": {"cnpg.io/userType": "app"}},
        "data": {key: b64encode(value.encode()).decode() for key, value in fields.items()},
    }
    return _own(cluster, secret)


def claims(cluster: Object, serial: int) -> list[Object]:
    """The volume claims of one instance."""
    spec, name = cluster["spec"], instance_name(cluster, serial)
    wanted = [(name, "PG_DATA", spec["storage"])]
    if "walStorage" in spec:
        wanted.append((f"{name}-wal", "PG_WAL", spec["walStorage"]))
    return [
        _own(cluster, _claim(claim, name, role, storage, serial)) for claim, role, storage in wanted
    ]


def pod(cluster: Object, serial: int, role: str) -> Object:
    """The pod of one instance, whose *role* is `primary` or `replica`."""
    name = instance_name(cluster, serial)
    specification = _pod_spec(cluster, name)
    digest = hashlib.sha256(json.dumps(specification, sort_keys=True).encode()).hexdigest()
    content: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {
                "cnpg.io/instanceName": name,
                "cnpg.io/podRole": "instance",
                **role_labels(role),
            },
            "annotations": {SERIAL_ANNOTATION: str(serial), SPEC_ANNOTATION: digest},
        },
        "spec": specification,
    }
    return _own(cluster, content)


def role_labels(role: str) -> dict[str, str]:
    """The labels by which Services select the primary or the replicas."""
    return {ROLE_LABEL: role, "role": role}


def status(cluster: Object, pods: list[Object], primary: str, problem: str = "") -> Object:
    """The status of *cluster* with the instances *pods*; *problem* blocks it, if set."""
    spec, name = cluster["spec"], cluster["metadata"]["name"]
    names = sorted(entry["metadata"]["name"] for entry in pods)
    ready = [entry for entry in pods if is_ready(entry)]
    healthy = len(ready) == len(pods) == spec["instances"] and not problem
    if problem:
        phase = "Unable to create required cluster objects"
    elif healthy:
        phase = HEALTHY
    else:
        phase = "Creating a new replica" if ready else "Setting up primary"
    generation = cluster["metadata"].get("generation", 1)
    return {
        "phase": phase,
        "phaseReason": problem,
        "instances": len(pods),
        "readyInstances": len(ready),
        "instanceNames": names,
        "instancesStatus": {"healthy": sorted(entry["metadata"]["name"] for entry in ready)},
        "currentPrimary": primary if ready else None,
        "targetPrimary": primary,
        "latestGeneratedNode": spec["instances"],
        "pvcCount": len(pods) * (2 if "walStorage" in spec else 1),
        "healthyPVC": names,
        "writeService": f"{name}-rw",
        "readService": f"{name}-r",
        "image": spec.get("imageName", _IMAGE),
        "conditions": [
            {
                "type": "Ready",
                "status": "True" if healthy else "False",
                "reason": "ClusterIsReady" if healthy else "ClusterIsNotReady",
                "message": "Cluster is Ready" if healthy else "Cluster Is Not Ready",
                "lastTransitionTime": _since(cluster, healthy=healthy),
                "observedGeneration": generation,
            }
        ],
    }


def is_ready(entry: Object) -> bool:
    """Whether a pod is Ready and not being deleted."""
    conditions = entry.get("status", {}).get("conditions", [])
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in entry["metadata"]


def _since(cluster: Object, *, healthy: bool) -> str | None:
    """Since when the Ready condition has this value; None if it changes now."""
    wanted = "True" if healthy else "False"
    for one in cluster.get("status", {}).get("conditions", []):
        if one["type"] == "Ready" and one["status"] == wanted:
            since: str = one["lastTransitionTime"]
            return since
    return None


def _own(cluster: Object, content: Object) -> Object:
    """*content* owned by the Cluster, with the metadata that children inherit."""
    inherited = cluster["spec"].get("inheritedMetadata", {})
    metadata = content["metadata"]
    labels = inherited.get("labels", {}) | metadata.get("labels", {})
    metadata["labels"] = labels | {CLUSTER_LABEL: cluster["metadata"]["name"]}
    metadata["annotations"] = inherited.get("annotations", {}) | metadata.get("annotations", {})
    return owned(cluster, "Cluster", API_VERSION, content)


def _service(name: str, selector: dict[str, str]) -> Object:
    port = {"name": "postgres", "port": _PORT, "targetPort": _PORT, "protocol": "TCP"}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"type": "ClusterIP", "ports": [port], "selector": selector},
    }


def _disruption_budget(name: str, cluster: str, role: str, available: int) -> Object:
    selector = {"matchLabels": {CLUSTER_LABEL: cluster, ROLE_LABEL: role}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"minAvailable": available, "selector": selector},
    }


def _claim(name: str, instance: str, role: str, storage: Object, serial: int) -> Object:
    template = storage.get("pvcTemplate", {})
    spec = {"accessModes": ["ReadWriteOnce"], **template}
    if "storageClass" in storage:
        spec["storageClassName"] = storage["storageClass"]
    if "size" in storage:
        spec["resources"] = {"requests": {"storage": storage["size"]}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "labels": {"cnpg.io/instanceName": instance, "cnpg.io/pvcRole": role},
            "annotations": {"cnpg.io/nodeSerial": str(serial), "cnpg.io/pvcStatus": "ready"},
        },
        "spec": spec,
    }


def _pod_spec(cluster: Object, name: str) -> Object:
    spec = cluster["spec"]
    affinity = spec.get("affinity", {})
    user, group = spec.get("postgresUID", _UID), spec.get("postgresGID", _UID)
    seccomp = spec.get("seccompProfile", {"type": "RuntimeDefault"})
    return pruned(
        {
            "hostname": name,
            "initContainers": [_bootstrap(cluster)],
            "containers": [_postgres(cluster, name)],
            "volumes": _volumes(cluster, name),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": user,
                "runAsGroup": group,
                "fsGroup": group,
                "seccompProfile": seccomp,
            },
            "affinity": _affinity(cluster),
            "tolerations": affinity.get("tolerations"),
            "nodeSelector": affinity.get("nodeSelector"),
            "schedulerName": spec.get("schedulerName"),
            "priorityClassName": spec.get("priorityClassName"),
            "serviceAccountName": cluster["metadata"]["name"],
            "terminationGracePeriodSeconds": spec.get("stopDelay", _STOP_DELAY),
            "topologySpreadConstraints": spec.get("topologySpreadConstraints"),
            "imagePullSecrets": spec.get("imagePullSecrets"),
        }
    )


def _bootstrap(cluster: Object) -> Object:
    spec = cluster["spec"]
    return pruned(
        {
            "name": "bootstrap-controller",
            "image": OPERATOR_IMAGE,
            "imagePullPolicy": spec.get("imagePullPolicy"),
            "command": ["/manager", "bootstrap", "/controller/manager"],
            "volumeMounts": _mounts(cluster),
            "resources": spec.get("resources"),
            "securityContext": _container_security(cluster),
        }
    )


def _postgres(cluster: Object, name: str) -> Object:
    spec, metadata = cluster["spec"], cluster["metadata"]
    environment = {
        "PGDATA": "/var/lib/postgresql/data/pgdata",
        "POD_NAME": name,
        "NAMESPACE": metadata["namespace"],
        "CLUSTER_NAME": metadata["name"],
        "PGPORT": str(_PORT),
        "PGHOST": "/controller/run",
    }
    own = [{"name": key, "value": value} for key, value in environment.items()]
    probes = spec.get("probes", {})
    threshold = {"failureThreshold": spec.get("startDelay", _START_DELAY) // _PROBE_PERIOD}
    return pruned(
        {
            "name": "postgres",
            "image": spec.get("imageName", _IMAGE),
            "imagePullPolicy": spec.get("imagePullPolicy"),
            "command": ["/controller/manager", "instance", "run", "--status-port-tls"],
            "env": [*own, *spec.get("env", [])],
            "envFrom": spec.get("envFrom"),
            "ports": [
                {"name": "postgresql", "containerPort": _PORT, "protocol": "TCP"},
                {"name": "metrics", "containerPort": _METRICS_PORT, "protocol": "TCP"},
                {"name": "status", "containerPort": _STATUS_PORT, "protocol": "TCP"},
            ],
            "startupProbe": _probe("/startupz") | threshold | probes.get("startup", {}),
            "readinessProbe": _probe("/readyz") | _probe_fields(probes.get("readiness", {})),
            "livenessProbe": _probe("/healthz") | _probe_fields(probes.get("liveness", {})),
            "volumeMounts": _mounts(cluster),
            "resources": spec.get("resources"),
            "securityContext": _container_security(cluster),
        }
    )


def _probe(target: str) -> Object:
    return {
        "httpGet": {"path": target, "port": _STATUS_PORT, "scheme": "HTTPS"},
        "periodSeconds": _PROBE_PERIOD,
        "timeoutSeconds": 5,
    }


def _probe_fields(probe: Object) -> Object:
    """The fields that a Cluster's probe shares with a pod's."""
    names = (
        "failureThreshold",
        "initialDelaySeconds",
        "periodSeconds",
        "successThreshold",
        "terminationGracePeriodSeconds",
        "timeoutSeconds",
    )
    return {name: probe[name] for name in names if name in probe}


def _container_security(cluster: Object) -> Object:
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": cluster["spec"].get("seccompProfile", {"type": "RuntimeDefault"}),
    }


def _volumes(cluster: Object, name: str) -> list[Object]:
    spec = cluster["spec"]
    limits = spec.get("ephemeralVolumesSizeLimit", {})
    scratch: Object = {"emptyDir": pruned({"sizeLimit": limits.get("temporaryData")})}
    if "ephemeralVolumeSource" in spec:
        scratch = {"ephemeral": spec["ephemeralVolumeSource"]}
    volumes: list[Object] = [
        {"name": "pgdata", "persistentVolumeClaim": {"claimName": name}},
        {"name": "scratch-data"} | scratch,
        {
            "name": "shm",
            "emptyDir": pruned({"medium": "Memory", "sizeLimit": limits.get("shm")}),
        },
    ]
    if "walStorage" in spec:
        volumes.append({"name": "pg-wal", "persistentVolumeClaim": {"claimName": f"{name}-wal"}})
    if "projectedVolumeTemplate" in spec:
        volumes.append({"name": "projected", "projected": spec["projectedVolumeTemplate"]})
    return volumes


def _mounts(cluster: Object) -> list[Object]:
    spec = cluster["spec"]
    mounts = {
        "/var/lib/postgresql/data": "pgdata",
        "/run": "scratch-data",
        "/controller": "scratch-data",
        "/dev/shm": "shm",  # noqa: S108 - in the container
    }
    if "walStorage" in spec:
        mounts["/var/lib/postgresql/wal"] = "pg-wal"
    if "projectedVolumeTemplate" in spec:
        mounts["/projected"] = "projected"
    return [{"name": name, "mountPath": mount} for mount, name in mounts.items()]


def _affinity(cluster: Object) -> Object | None:
    """Pod anti-affinity between instances unless disabled, plus the Cluster's own affinity."""
    affinity = cluster["spec"].get("affinity", {})
    term = {
        "labelSelector": {
            "matchExpressions": [
                {
                    "key": CLUSTER_LABEL,
                    "operator": "In",
                    "values": [cluster["metadata"]["name"]],
                },
                {"key": "cnpg.io/podRole", "operator": "In", "values": ["instance"]},
            ]
        },
        "topologyKey": affinity.get("topologyKey", "kubernetes.io/hostname"),
    }
    required: list[Object] = []
    preferred: list[Object] = []
    if affinity.get("enablePodAntiAffinity", True):
        if affinity.get("podAntiAffinityType") == "required":
            required.append(term)
        else:
            preferred.append({"weight": 100, "podAffinityTerm": term})
    more = affinity.get("additionalPodAntiAffinity", {})
    required += more.get("requiredDuringSchedulingIgnoredDuringExecution", [])
    preferred += more.get("preferredDuringSchedulingIgnoredDuringExecution", [])
    apart = pruned(
        {
            "requiredDuringSchedulingIgnoredDuringExecution": required or None,
            "preferredDuringSchedulingIgnoredDuringExecution": preferred or None,
        }
    )
    return (
        pruned(
            {
                "nodeAffinity": affinity.get("nodeAffinity"),
                "podAffinity": affinity.get("additionalPodAffinity"),
                "podAntiAffinity": apart or None,
            }
        )
        or None
    )
