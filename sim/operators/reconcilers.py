"""Reconciliation of one Tenant or Cluster: apply its objects, update its status."""

import datetime as dt
from typing import Final

from sim.api import Api, ConflictError, Object, RefusedError
from sim.operators import cloudnative_pg, minio
from sim.operators.demands import cluster_problem, tenant_problem
from sim.operators.objects import collection, path

_MINIO, _CNPG = "minio-operator", "cloudnative-pg"
RETRY_SECONDS: Final = 1.0
"""Delay before a retry that no watch event will trigger."""


def reconcile_tenant(api: Api, namespace: str, name: str) -> float | None:
    """Reconcile a Tenant. Returns the seconds until a retry, if one is needed."""
    tenant = api.get(minio.tenant_path(namespace, name))
    if tenant is None or "deletionTimestamp" in tenant["metadata"]:
        return None  # its objects are garbage-collected
    if not _has_credentials(api, tenant):
        _report(api, minio.tenant_path(namespace, name), tenant, minio.status_without_credentials())
        return RETRY_SECONDS
    for content in minio.children(tenant):
        api.apply(path(content), content, _MINIO)
    selector = f"{minio.TENANT_LABEL}={name}"
    pools = api.items(collection("StatefulSet", namespace), selector)
    problem = tenant_problem(api, tenant)
    _report(api, minio.tenant_path(namespace, name), tenant, minio.status(tenant, pools, problem))
    return RETRY_SECONDS if problem else None


def _has_credentials(api: Api, tenant: Object) -> bool:
    name = minio.configuration_secret(tenant)
    if not name:
        return False
    secret = api.get(f"{collection('Secret', tenant['metadata']['namespace'])}/{name}")
    return secret is not None and minio.CONFIGURATION_KEY in secret.get("data", {})


def reconcile_cluster(api: Api, namespace: str, name: str) -> float | None:
    """Reconcile a Cluster. Returns the seconds until a retry, if one is needed."""
    cluster = api.get(cloudnative_pg.cluster_path(namespace, name))
    if cluster is None or "deletionTimestamp" in cluster["metadata"]:
        return None
    problem = cluster_problem(api, cluster)
    if not problem:
        try:
            _apply_shared(api, cluster)
            _reconcile_instances(api, cluster)
        except RefusedError as error:  # such as a quota or Pod Security
            problem = str(error)
    pods = _instances(api, cluster)
    primary = _primary(cluster, pods)
    state = cloudnative_pg.status(cluster, pods, primary, problem)
    for condition in state["conditions"]:
        condition["lastTransitionTime"] = condition["lastTransitionTime"] or _now()
    _report(api, cloudnative_pg.cluster_path(namespace, name), cluster, state)
    return RETRY_SECONDS if problem else None


def _apply_shared(api: Api, cluster: Object) -> None:
    for content in cloudnative_pg.shared_objects(cluster):
        api.apply(path(content), content, _CNPG)
    secret = cloudnative_pg.application_secret(cluster)
    if secret is not None and api.get(path(secret)) is None:
        api.create(collection("Secret", cluster["metadata"]["namespace"]), secret)


def _instances(api: Api, cluster: Object) -> list[Object]:
    metadata = cluster["metadata"]
    selector = f"{cloudnative_pg.CLUSTER_LABEL}={metadata['name']},cnpg.io/podRole=instance"
    return api.items(collection("Pod", metadata["namespace"]), selector)


def _serial(pod: Object) -> int:
    return int(pod["metadata"]["annotations"][cloudnative_pg.SERIAL_ANNOTATION])


def _primary(cluster: Object, pods: list[Object]) -> str:
    """The current primary while it is ready, else the first ready instance, else the first."""
    ready = [
        pod["metadata"]["name"] for pod in sorted(pods, key=_serial) if cloudnative_pg.is_ready(pod)
    ]
    current: str = cluster.get("status", {}).get("currentPrimary", "")
    if current in ready:
        return current
    return ready[0] if ready else cloudnative_pg.instance_name(cluster, 1)


def _reconcile_instances(api: Api, cluster: Object) -> None:
    """One step towards the requested instances; the next follows once this one is ready."""
    pods = _instances(api, cluster)
    primary = _primary(cluster, pods)
    by_serial = {_serial(pod): pod for pod in pods}
    for pod in pods:
        role = "primary" if pod["metadata"]["name"] == primary else "replica"
        if pod["metadata"]["labels"].get(cloudnative_pg.ROLE_LABEL) != role:
            labels = {"metadata": {"labels": cloudnative_pg.role_labels(role)}}
            api.merge(path(pod | {"kind": "Pod"}), labels)
    wanted = cluster["spec"]["instances"]
    for serial in range(1, wanted + 1):
        for claim in cloudnative_pg.claims(cluster, serial):
            api.apply(path(claim), claim, _CNPG)
        if serial not in by_serial:
            name = cloudnative_pg.instance_name(cluster, serial)
            content = cloudnative_pg.pod(
                cluster, serial, "primary" if name == primary else "replica"
            )
            api.create(collection("Pod", cluster["metadata"]["namespace"]), content)
            return
        if not cloudnative_pg.is_ready(by_serial[serial]):
            return
    for serial in sorted(by_serial.keys() - set(range(1, wanted + 1))):
        api.delete(path(by_serial[serial] | {"kind": "Pod"}))
        for claim in cloudnative_pg.claims(cluster, serial):
            api.delete(path(claim))
        return
    outdated = [pod for pod in pods if _is_outdated(cluster, pod)]
    outdated.sort(key=lambda pod: pod["metadata"]["name"] == primary)  # the primary comes last
    if outdated:
        api.delete(path(outdated[0] | {"kind": "Pod"}))


def _is_outdated(cluster: Object, pod: Object) -> bool:
    fresh = cloudnative_pg.pod(cluster, _serial(pod), "replica")
    annotation = cloudnative_pg.SPEC_ANNOTATION
    return bool(
        pod["metadata"]["annotations"].get(annotation)
        != fresh["metadata"]["annotations"][annotation]
    )


def _report(api: Api, target: str, seen: Object, state: Object) -> None:
    """Update the status if it differs: every write triggers another reconciliation."""
    before = seen.get("status", {})
    if any(before.get(key) != value for key, value in state.items() if value is not None):
        try:
            api.merge(f"{target}/status", {"status": state})
        except ConflictError:
            return  # changed since; that event reconciles again


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
