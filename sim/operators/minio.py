"""The objects that the MinIO operator (v7.1.1) creates for a Tenant.

Names, labels, ports, containers and defaults are the operator's; so is the configuration secret
that it requires. Because the pods are simulated, buckets and users are reported as provisioned
once the pods are ready and the operator would trust their certificate, but do not exist.
"""

from typing import Final

from sim.api import Object
from sim.operators.objects import owned, pruned

API_VERSION: Final = "minio.min.io/v2"
TENANTS: Final = "/apis/minio.min.io/v2/tenants"
TENANT_LABEL: Final = "v1.min.io/tenant"
CONFIGURATION_KEY: Final = "config.env"
NAMESPACE: Final = "minio-operator"
"""The operator's own, as in its chart and its kustomization."""
TRUSTED_PREFIX: Final = "operator-ca-tls"
"""Begins the names of the Secrets in that namespace whose certificates the operator trusts."""
_POOL_LABEL = "v1.min.io/pool"
_CONSOLE_LABEL = "v1.min.io/console"
VERSION: Final = "v7.1.1"
SIDECAR_IMAGE: Final = "quay.io/minio/operator-sidecar:v7.0.1"
"""The default of that version, which is older (pkg/resources/statefulsets/minio-sidecar.go:26)."""
_IMAGE = "minio/minio:RELEASE.2025-04-08T15-41-24Z"  # the operator's default
_PORT, _CONSOLE_PORT, _CONSOLE_TLS_PORT = 9000, 9090, 9443


def tenant_path(namespace: str, name: str) -> str:
    """The API path of a Tenant."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/tenants/{name}"


def configuration_secret(tenant: Object) -> str | None:
    """The name of the Secret whose `config.env` holds the root credentials."""
    name: str | None = tenant["spec"].get("configuration", {}).get("name")
    return name


def children(tenant: Object) -> list[Object]:
    """The objects of *tenant*: ServiceAccount, Services, one StatefulSet per pool."""
    spec, name = tenant["spec"], tenant["metadata"]["name"]
    selector = {TENANT_LABEL: name}
    metadata = spec.get("serviceMetadata", {})
    exposed = spec.get("exposeServices", {})
    scheme = "https" if _speaks_tls(tenant) else "http"
    objects = [
        _service(
            "minio",
            port=443 if scheme == "https" else 80,
            port_name=f"{scheme}-minio",
            target="minio-port",
            selector=selector,
            labels=selector | metadata.get("minioServiceLabels", {}),
            annotations=metadata.get("minioServiceAnnotations", {}),
            kind="LoadBalancer" if exposed.get("minio") else "ClusterIP",
        ),
        _service(
            f"{name}-console",
            port=_console_port(tenant),
            port_name=f"{scheme}-console",
            target="console-port",
            selector=selector,
            labels={_CONSOLE_LABEL: f"{name}-console"} | metadata.get("consoleServiceLabels", {}),
            annotations=metadata.get("consoleServiceAnnotations", {}),
            kind="LoadBalancer" if exposed.get("console") else "ClusterIP",
        ),
        _service(
            f"{name}-hl",
            port=_PORT,
            port_name="http-minio",
            target="minio-port",
            selector=selector,
            labels=selector,
            annotations={},
            kind="ClusterIP",
            headless=True,
        ),
        *[_stateful_set(tenant, pool) for pool in spec["pools"]],
    ]
    if "serviceAccountName" not in spec:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": f"{name}-sa"}}
        objects.insert(0, account)
    return [owned(tenant, "Tenant", API_VERSION, content) for content in objects]


def status(tenant: Object, stateful_sets: list[Object], problem: str = "") -> Object:
    """The status of *tenant*, given the current *stateful_sets* of its pools.

    *problem*: why the operator cannot ask the pods for their health. It then leaves health, drives
    and buckets as they were, and waits (v7.1.1, pkg/controller/monitoring.go:120-125,
    main-controller.go:1353-1357).
    """
    spec = tenant["spec"]
    by_name = {entry["metadata"]["name"]: entry for entry in stateful_sets}
    pools, online, offline, replicas = [], 0, 0, 0
    for pool in spec["pools"]:
        name = _stateful_set_name(tenant, pool)
        ready = by_name.get(name, {}).get("status", {}).get("readyReplicas", 0)
        replicas += ready
        online += ready * pool["volumesPerServer"]
        offline += (pool["servers"] - ready) * pool["volumesPerServer"]
        state = "PoolInitialized" if ready == pool["servers"] else "PoolCreated"
        pools.append({"ssName": name, "state": state, "legacySecurityContext": False})
    complete = offline == 0
    before = tenant.get("status", {})
    was_complete = before.get("currentState") == "Initialized"
    if problem:
        return {
            "availableReplicas": replicas,
            "currentState": "Initialized"
            if was_complete
            else "Waiting for Tenant to be healthy"
            if complete
            else "Provisioning MinIO Statefulset",
            "pools": pools,
            "revision": 0,
            "syncVersion": "v6.0.0",
        }
    return {
        "availableReplicas": replicas,
        "certificates": {"autoCertEnabled": spec.get("requestAutoCert", True)},
        "currentState": "Initialized"
        if complete or was_complete
        else "Provisioning MinIO Statefulset",
        "drivesOnline": online,
        "drivesOffline": offline,
        "healthStatus": "green" if complete else "yellow" if online > offline else "red",
        "pools": pools,
        "provisionedBuckets": complete and bool(spec.get("buckets")),
        "provisionedUsers": complete and bool(spec.get("users")),
        "revision": 0,
        "syncVersion": "v6.0.0",
        "writeQuorum": (online + offline) // 2 + 1,
    }


def status_without_credentials() -> Object:
    """The status of a Tenant whose configuration secret is missing or empty."""
    return {
        "availableReplicas": 0,
        "currentState": "Tenant credentials are not set properly",
        "healthStatus": "red",
        "pools": [],
        "revision": 0,
        "syncVersion": "",
    }


def _speaks_tls(tenant: Object) -> bool:
    spec = tenant["spec"]
    return bool(spec.get("requestAutoCert", True) or spec.get("externalCertSecret"))


def _console_port(tenant: Object) -> int:
    return _CONSOLE_TLS_PORT if _speaks_tls(tenant) else _CONSOLE_PORT


def _stateful_set_name(tenant: Object, pool: Object) -> str:
    return f"{tenant['metadata']['name']}-{pool['name']}"


def _service(
    name: str,
    *,
    port: int,
    port_name: str,
    target: str,
    selector: dict[str, str],
    labels: dict[str, str],
    annotations: dict[str, str],
    kind: str,
    headless: bool = False,
) -> Object:
    spec: Object = {
        "type": kind,
        "selector": selector,
        "ports": [{"name": port_name, "port": port, "targetPort": target, "protocol": "TCP"}],
    }
    if headless:
        spec["clusterIP"] = "None"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": spec,
    }


def _stateful_set(tenant: Object, pool: Object) -> Object:
    spec, metadata = tenant["spec"], tenant["metadata"]
    name = metadata["name"]
    selector = {
        TENANT_LABEL: name,
        _CONSOLE_LABEL: f"{name}-console",
        _POOL_LABEL: pool["name"],
    }
    inherited = metadata.get("labels", {})
    annotations = metadata.get("annotations", {}) | pool.get("annotations", {})
    own = {TENANT_LABEL: name, _POOL_LABEL: pool["name"]}
    claim = pool["volumeClaimTemplate"]
    volume = claim.get("metadata", {}).get("name", "")
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": _stateful_set_name(tenant, pool),
            "labels": inherited | own | pool.get("labels", {}),
            "annotations": annotations,
        },
        "spec": {
            "podManagementPolicy": spec.get("podManagementPolicy", "Parallel"),
            "replicas": pool["servers"],
            "selector": {"matchLabels": selector},
            "serviceName": f"{name}-hl",
            "template": {
                "metadata": {
                    "labels": inherited | selector | pool.get("labels", {}),
                    "annotations": annotations | {"min.io/revision": "0"},
                },
                "spec": _pod(tenant, pool),
            },
            "volumeClaimTemplates": [
                claim
                | {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "metadata": claim.get("metadata", {}) | {"name": f"{volume}{number}"},
                }
                for number in range(pool["volumesPerServer"])
            ],
        },
    }


def _pod(tenant: Object, pool: Object) -> Object:
    spec, name = tenant["spec"], tenant["metadata"]["name"]
    identity = {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000}
    security = pool.get("securityContext", identity | {"fsGroup": 1000})
    configuration = {"name": "configuration", "mountPath": "/tmp/minio-config"}  # noqa: S108
    settings = {"name": "cfg-vol", "mountPath": "/tmp/minio/"}  # noqa: S108
    helper = pruned(
        {
            "image": SIDECAR_IMAGE,
            "env": [{"name": "CLUSTER_DOMAIN", "value": "cluster.local"}],
            "volumeMounts": [settings, configuration],
            "resources": spec.get("sideCars", {}).get("resources"),
            "securityContext": _container_security(pool),
        }
    )
    sidecar = ["sidecar", "--tenant", name, "--config-name", configuration_secret(tenant)]
    validate = ["validate", "--tenant", name]
    return pruned(
        {
            "initContainers": [{"name": "validate-arguments", "args": validate} | helper],
            "containers": [_server(tenant, pool), {"name": "sidecar", "args": sidecar} | helper],
            "volumes": _volumes(tenant),
            "affinity": pool.get("affinity"),
            "nodeSelector": pool.get("nodeSelector"),
            "schedulerName": tenant.get("scheduler", {}).get("name"),
            "tolerations": pool.get("tolerations"),
            "topologySpreadConstraints": pool.get("topologySpreadConstraints"),
            "securityContext": {"fsGroupChangePolicy": "OnRootMismatch"} | security,
            "serviceAccountName": spec.get("serviceAccountName", f"{name}-sa"),
            "priorityClassName": spec.get("priorityClassName"),
            "runtimeClassName": pool.get("runtimeClassName"),
            "imagePullSecrets": [spec["imagePullSecret"]] if "imagePullSecret" in spec else None,
        }
    )


def _server(tenant: Object, pool: Object) -> Object:
    spec = tenant["spec"]
    claim = pool["volumeClaimTemplate"].get("metadata", {}).get("name", "")
    mount, count = spec.get("mountPath", "/export"), pool["volumesPerServer"]
    drives = [
        {"name": f"{claim}{number}", "mountPath": mount if count == 1 else f"{mount}{number}"}
        for number in range(count)
    ]
    certificates = {"name": f"{tenant['metadata']['name']}-tls", "mountPath": "/tmp/certs"}  # noqa: S108
    environment = {
        "MINIO_CONFIG_ENV_FILE": {"value": "/tmp/minio/config.env"},  # noqa: S108
        "MINIO_OPERATORVERSION": {"value": VERSION},
        "MINIO_UPDATE": {"value": "on"},
    } | {
        entry["name"]: {key: value for key, value in entry.items() if key != "name"}
        for entry in spec.get("env", [])
    }
    return pruned(
        {
            "name": "minio",
            "image": spec.get("image", _IMAGE),
            "imagePullPolicy": spec.get("imagePullPolicy", "IfNotPresent"),
            "args": [
                "server",
                *("--certs-dir", certificates["mountPath"]),
                *("--console-address", f":{_console_port(tenant)}"),
                *("--address", f":{_PORT}"),
            ],
            "ports": [
                {"name": "minio-port", "containerPort": _PORT},
                {"name": "console-port", "containerPort": _console_port(tenant)},
            ],
            "env": [{"name": name} | value for name, value in sorted(environment.items())],
            "volumeMounts": [
                {"name": "cfg-vol", "mountPath": "/tmp/minio/"},  # noqa: S108
                *drives,
                *([certificates] if _certificate_sources(tenant) else []),
            ],
            "resources": pool.get("resources"),
            "livenessProbe": spec.get("liveness"),
            "readinessProbe": spec.get("readiness"),
            "startupProbe": spec.get("startup"),
            "securityContext": _container_security(pool),
        }
    )


def _container_security(pool: Object) -> Object:
    """The pool's own, else the identity of its pod, else empty, which `restricted` rejects."""
    if "containerSecurityContext" in pool:
        context: Object = pool["containerSecurityContext"]
        return context
    pod = pool.get("securityContext", {})
    names = ("runAsNonRoot", "runAsUser", "runAsGroup")
    if not any(name in pod for name in names):
        return {}
    defaults = {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000}
    return {name: pod.get(name, defaults[name]) for name in names}


def _volumes(tenant: Object) -> list[Object]:
    secret = {"secret": {"name": configuration_secret(tenant)}}
    volumes: list[Object] = [
        {"name": "cfg-vol", "emptyDir": {}},
        {"name": "configuration", "projected": {"sources": [secret]}},
    ]
    if sources := _certificate_sources(tenant):
        name = f"{tenant['metadata']['name']}-tls"
        volumes.append({"name": name, "projected": {"sources": sources}})
    return volumes


def _certificate_sources(tenant: Object) -> list[Object]:
    """The Secrets of the server's certificates: configured ones first, then the automatic one."""
    spec = tenant["spec"]
    given = [entry["name"] for entry in spec.get("externalCertSecret", [])]
    if spec.get("requestAutoCert", True):
        given.append(f"{tenant['metadata']['name']}-tls")
    authorities = [entry["name"] for entry in spec.get("externalCaCertSecret", [])]
    return [{"secret": {"name": name}} for name in (*given, *authorities)]
