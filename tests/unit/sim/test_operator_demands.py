"""What the stand-in operators wait for and refuse: what the real ones would."""

from typing import Any

import pytest

from sim.api import Object
from sim.operators import cloudnative_pg, minio
from sim.operators.demands import cluster_problem
from sim.operators.reconcilers import reconcile_cluster, reconcile_tenant
from sim.pki import SERVER, Authority
from tests.unit.sim.memory import Memory

HOSTS = ("minio.data.svc", "minio.data.svc.cluster.local")
UNKNOWN = "x509: certificate signed by unknown authority"
POOL = {
    "name": "a",
    "servers": 1,
    "volumesPerServer": 1,
    "volumeClaimTemplate": {"metadata": {"name": "data"}, "spec": {}},
}


def tenant_state(api: Memory, **spec: Any) -> Object:
    """The status of a Tenant whose pods are ready."""
    given = {
        "pools": [POOL],
        "configuration": {"name": "root"},
        "requestAutoCert": False,
        "externalCertSecret": [{"name": "tls", "type": "kubernetes.io/tls"}],
        "buckets": [{"name": "models"}],
    }
    metadata = {"name": "store", "namespace": "data", "uid": "u"}
    path = minio.tenant_path("data", "store")
    api.objects[path] = {"metadata": metadata, "spec": given | spec}
    api.secret("data", "root", config_env=b"")
    reconcile_tenant(api, "data", "store")  # creates the pods
    pods = "/apis/apps/v1/namespaces/data/statefulsets/store-a"
    api.objects[pods]["status"] = {"readyReplicas": 1}
    reconcile_tenant(api, "data", "store")
    status: Object = api.objects[path]["status"]
    return status


@pytest.mark.parametrize(
    ("namespace", "name", "key", "hosts", "state"),
    [
        ("minio-operator", "operator-ca-tls-store", "ca.crt", HOSTS, "Initialized"),
        ("minio-operator", "operator-ca-tls", "public.crt", HOSTS, "Initialized"),
        ("minio-operator", "operator-ca-tls-store", "root.pem", HOSTS, "Waiting"),
        ("minio-operator", "operator-ca-tls-store", "ca.crt", HOSTS[:1], "Waiting"),
        ("minio-operator", "store-ca", "ca.crt", HOSTS, "Waiting"),
        ("data", "operator-ca-tls-store", "ca.crt", HOSTS, "Waiting"),
    ],
)
def test_a_tenant_is_initialized_once_its_operator_trusts_its_authority(
    namespace: str, name: str, key: str, hosts: tuple[str, ...], state: str
) -> None:
    # minio/operator v7.1.1: pkg/controller/operator.go:106-132 (what it trusts),
    # monitoring.go:120-125 (no health on any error), main-controller.go:1353-1385 (it waits).
    api, authority = Memory(), Authority("ours")
    api.secret("data", "tls", tls_crt=authority.issue("minio", [SERVER], hosts).certificate)
    api.secret(namespace, name, **{key: authority.own.certificate})

    status = tenant_state(api)

    assert status["currentState"].startswith(state)
    assert status.get("provisionedBuckets", False) is (state == "Initialized")


@pytest.mark.parametrize("spec", [{"requestAutoCert": True}, {}])
def test_a_tenant_without_a_certificate_of_ours_needs_no_trust(spec: dict[str, Any]) -> None:
    assert tenant_state(Memory(), externalCertSecret=[], **spec)["currentState"] == "Initialized"


def cluster() -> Object:
    names = {"serverCASecret": "tls", "serverTLSSecret": "tls"}
    return {
        "apiVersion": cloudnative_pg.API_VERSION,
        "metadata": {"name": "pg", "namespace": "data", "uid": "u"},
        "spec": {"instances": 1, "storage": {"size": "1Gi"}, "certificates": names},
    }


def test_a_postgres_cluster_waits_for_the_certificates_that_it_names() -> None:
    # cloudnative-pg v1.27.0: internal/controller/cluster_pki.go:39-45 and 252-260, and the phase of
    # cluster_controller.go:313-321; nothing is created before.
    api, authority = Memory(), Authority("ours")
    path = cloudnative_pg.cluster_path("data", "pg")
    api.objects[path] = cluster()

    assert reconcile_cluster(api, "data", "pg")
    assert api.objects[path]["status"]["phase"] == "Unable to create required cluster objects"
    assert "missing specified server CA secret tls" in api.objects[path]["status"]["phaseReason"]
    assert set(api.objects) == {path}

    leaf = authority.issue("pg", [SERVER], ["pg-rw"]).certificate
    api.secret("data", "tls", tls_crt=leaf, ca_crt=Authority("other").own.certificate)
    assert cluster_problem(api, cluster()) == UNKNOWN

    api.secret("data", "tls", tls_crt=leaf, ca_crt=authority.own.certificate)
    reconcile_cluster(api, "data", "pg")
    assert "/api/v1/namespaces/data/pods/pg-1" in api.objects


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        ("ghcr.io/cloudnative-pg/postgresql:17.5", ""),
        ("registry.test:5000/postgresql:17.5-standard@sha256:0", ""),
        ("ghcr.io/cloudnative-pg/postgresql:latest", "Can't use 'latest'"),
        ("registry.test:5000/postgresql@sha256:0", "Can't use just the image sha"),
        ("ghcr.io/cloudnative-pg/postgresql:bookworm", "invalid version tag"),
        ("ghcr.io/cloudnative-pg/postgresql:12.1", "Unsupported PostgreSQL version"),
    ],
)
def test_a_postgres_cluster_has_an_image_whose_tag_is_a_version(image: str, problem: str) -> None:
    # cloudnative-pg v1.27.0: internal/webhook/v1/cluster_webhook.go:803-840 and 1069-1075.
    api, authority = Memory(), Authority("ours")
    leaf = authority.issue("pg", [SERVER], ["pg-rw"]).certificate
    api.secret("data", "tls", tls_crt=leaf, ca_crt=authority.own.certificate)
    content = cluster()
    content["spec"]["imageName"] = image
    api.objects[cloudnative_pg.cluster_path("data", "pg")] = content

    reconcile_cluster(api, "data", "pg")

    reason = content["status"]["phaseReason"]
    assert problem in reason
    assert bool(reason) is bool(problem)
    assert ("/api/v1/namespaces/data/pods/pg-1" in api.objects) is not bool(problem)
