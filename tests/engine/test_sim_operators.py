"""Tenants and PostgreSQL clusters on a simulated cluster: what the operators make of them."""

import copy
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Any

import pytest
from rich.console import Console

from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from sim.api import Api, Object, RefusedError
from sim.control_plane import SimCluster
from sim.pki import SERVER, Authority
from tests.engine.sim_support import eventually, got, is_ready, new_namespace, once
from toolchain import build

EXPECTS = ClusterConfig(
    context="operators",
    identifier="operators",
    nodes=[NodeGroup(profile="cpu-16", count=4, zones=["a", "b"])],
    storage_classes=[StorageClassConfig(name="fast", default=True)],
    operators=["minio", "cloudnative-pg"],
)
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
SMALL = {"requests": {"cpu": "100m", "memory": "128Mi"}}
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("sim") / "cluster"
    toolchain = build.ensure("cluster", Console(stderr=True))
    with SimCluster.start(EXPECTS, home, toolchain) as cluster:
        yield cluster.api()


@pytest.fixture
def namespace(api: Api) -> str:
    return new_namespace(api, f"test-{next(_NUMBERS)}", **RESTRICTED)


def tenant_path(namespace: str) -> str:
    return f"/apis/minio.min.io/v2/namespaces/{namespace}/tenants/store"


def tenant() -> Object:
    """A Tenant that may run in a restricted namespace."""
    person = {"runAsNonRoot": True, "runAsUser": 1000, "runAsGroup": 1000}
    container = person | {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    pool = {
        "name": "one",
        "servers": 4,
        "volumesPerServer": 2,
        "volumeClaimTemplate": {"metadata": {"name": "data"}, "spec": claim},
        "resources": SMALL,
        "securityContext": person | {"fsGroup": 1000},
        "containerSecurityContext": container,
        "labels": {"team": "data"},
    }
    return {
        "apiVersion": "minio.min.io/v2",
        "kind": "Tenant",
        "metadata": {"name": "store", "labels": {"app": "store"}},
        "spec": {
            "configuration": {"name": "store-root"},
            "pools": [pool],
            "requestAutoCert": False,
            "externalCertSecret": [{"name": "store-tls", "type": "kubernetes.io/tls"}],
            "buckets": [{"name": "models", "objectLock": True}],
            "sideCars": {"resources": SMALL},
        },
    }


@cache
def authority() -> Authority:
    return Authority("tests")


def give_credentials(api: Api, namespace: str) -> None:
    """What a Tenant reads; the test's authority signs its certificate."""
    host = f"minio.{namespace}.svc.cluster.local"
    served = authority().issue("minio", [SERVER], [host]).certificate.decode()
    for name, content in {
        "store-root": {"config.env": "export A=b"},
        "store-tls": {"tls.crt": served},
    }.items():
        secret = {"metadata": {"name": name}, "stringData": content}
        api.create(f"/api/v1/namespaces/{namespace}/secrets", secret)


def be_trusted(api: Api) -> None:
    """Have the operator trust the test's authority."""
    path = "/api/v1/namespaces/minio-operator/secrets/operator-ca-tls-tests"
    pem = authority().own.certificate.decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "operator-ca-tls-tests"}}
    applied(api, path, secret | {"stringData": {"ca.crt": pem}})


def applied(api: Api, path: str, content: Object) -> None:
    api.apply(path, content, "test")


def test_a_tenant_is_initialized_once_its_pods_are_ready_and_it_is_trusted(
    api: Api, namespace: str
) -> None:
    give_credentials(api, namespace)
    applied(api, tenant_path(namespace), tenant())
    once(
        api,
        tenant_path(namespace),
        lambda found: "Waiting" in found.get("status", {}).get("currentState", ""),
    )
    be_trusted(api)
    done = once(
        api,
        tenant_path(namespace),
        lambda found: found.get("status", {}).get("currentState") == "Initialized",
    )
    assert done["status"]["healthStatus"] == "green"
    assert done["status"]["drivesOnline"] == 8
    assert done["status"]["provisionedBuckets"]

    services = api.items(f"/api/v1/namespaces/{namespace}/services")
    ports = {entry["metadata"]["name"]: entry["spec"]["ports"][0]["port"] for entry in services}
    assert ports == {"minio": 443, "store-console": 9443, "store-hl": 9000}
    pods = api.items(f"/api/v1/namespaces/{namespace}/pods", "v1.min.io/tenant=store,team=data")
    assert sorted(pod["metadata"]["name"] for pod in pods) == [f"store-one-{n}" for n in range(4)]
    assert all(pod["metadata"]["labels"]["app"] == "store" for pod in pods)
    claims = api.items(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims")
    assert [entry["status"]["phase"] for entry in claims] == ["Bound"] * 8


def test_a_tenant_without_its_configuration_secret_waits_for_it(api: Api, namespace: str) -> None:
    applied(api, tenant_path(namespace), tenant())
    once(
        api,
        tenant_path(namespace),
        lambda found: "credentials" in found.get("status", {}).get("currentState", ""),
    )
    assert api.items(f"/api/v1/namespaces/{namespace}/pods") == []
    give_credentials(api, namespace)
    be_trusted(api)
    once(
        api, tenant_path(namespace), lambda found: found["status"]["currentState"] == "Initialized"
    )


def test_a_tenant_whose_containers_break_pod_security_never_gets_its_pods(
    api: Api, namespace: str
) -> None:
    give_credentials(api, namespace)
    content = tenant()
    del content["spec"]["pools"][0]["containerSecurityContext"]
    applied(api, tenant_path(namespace), content)
    events = f"/api/v1/namespaces/{namespace}/events"
    refused = eventually(
        lambda: [entry for entry in api.items(events) if entry["reason"] == "FailedCreate"]
    )
    assert "PodSecurity" in refused[0]["message"]
    once(
        api,
        tenant_path(namespace),
        lambda found: found.get("status", {}).get("healthStatus") == "red",
    )


def test_a_deleted_tenant_takes_its_objects_along(api: Api, namespace: str) -> None:
    give_credentials(api, namespace)
    applied(api, tenant_path(namespace), tenant())
    pods = f"/api/v1/namespaces/{namespace}/pods"
    eventually(lambda: len(api.items(pods)) == 4)
    api.delete(tenant_path(namespace))
    eventually(lambda: not api.items(pods))
    eventually(lambda: not api.items(f"/api/v1/namespaces/{namespace}/services"))


@pytest.mark.parametrize(
    "path",
    [
        ("spec", "image_pull_policy"),
        ("spec", "pools", 0, "volumesPerServers"),
        ("spec", "pools", 0, "affinity", "podAntiAffinty"),
        ("spec", "pools", 0, "volumeClaimTemplate", "spec", "storageClass"),
    ],
)
def test_a_misspelt_field_of_a_tenant_is_refused(
    api: Api, namespace: str, path: tuple[Any, ...]
) -> None:
    content = tenant()
    place: Any = content
    for step in path[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[path[-1]] = {}
    with pytest.raises(RefusedError, match=rf"{path[-1]}.*field not declared in schema"):
        applied(api, tenant_path(namespace), content)


def test_the_size_of_a_pool_cannot_change(api: Api, namespace: str) -> None:
    content = tenant()
    applied(api, tenant_path(namespace), content)
    content["spec"]["pools"][0]["servers"] = 8
    with pytest.raises(RefusedError, match="servers is immutable"):
        applied(api, tenant_path(namespace), content)


def cluster_path(namespace: str) -> str:
    return f"/apis/postgresql.cnpg.io/v1/namespaces/{namespace}/clusters/pg"


def postgres(**spec: Any) -> Object:
    fields = {"instances": 3, "storage": {"size": "5Gi"}, "resources": SMALL}
    return {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": {"name": "pg"},
        "spec": fields | spec,
    }


def healthy(content: Object) -> bool:
    """Ready, and about the specification that it has now."""
    status = content.get("status", {})
    return (
        is_ready(content)
        and status["readyInstances"] == content["spec"]["instances"] == status["instances"]
        and status["conditions"][0]["observedGeneration"] == content["metadata"]["generation"]
    )


def test_a_postgres_cluster_becomes_ready_with_a_primary_and_replicas(
    api: Api, namespace: str
) -> None:
    labels = {"inheritedMetadata": {"labels": {"tier": "data"}}}
    applied(api, cluster_path(namespace), postgres(**labels, walStorage={"size": "1Gi"}))
    status = once(api, cluster_path(namespace), healthy)["status"]
    assert status["phase"] == "Cluster in healthy state"
    assert status["readyInstances"] == 3
    assert status["currentPrimary"] == "pg-1"

    pods = f"/api/v1/namespaces/{namespace}/pods"
    chosen = {
        role: sorted(
            pod["metadata"]["name"]
            for pod in api.items(pods, f"cnpg.io/cluster=pg,cnpg.io/instanceRole={role},tier=data")
        )
        for role in ("primary", "replica")
    }
    assert chosen == {"primary": ["pg-1"], "replica": ["pg-2", "pg-3"]}
    nodes = {pod["spec"]["nodeName"] for pod in api.items(pods)}
    assert len(nodes) == 3  # instances keep apart
    names = {
        kind: sorted(
            entry["metadata"]["name"]
            for entry in api.items(f"/{group}/namespaces/{namespace}/{kind}")
        )
        for group, kind in (
            ("api/v1", "services"),
            ("api/v1", "persistentvolumeclaims"),
            ("apis/policy/v1", "poddisruptionbudgets"),
        )
    }
    assert names == {
        "services": ["pg-r", "pg-ro", "pg-rw"],
        "persistentvolumeclaims": ["pg-1", "pg-1-wal", "pg-2", "pg-2-wal", "pg-3", "pg-3-wal"],
        "poddisruptionbudgets": ["pg", "pg-primary"],
    }


def test_the_application_gets_a_secret_unless_it_brings_one(api: Api, namespace: str) -> None:
    start = {"initdb": {"database": "chat", "owner": "chat"}}
    applied(api, cluster_path(namespace), postgres(instances=1, bootstrap=start))
    secret = f"/api/v1/namespaces/{namespace}/secrets/pg-app"
    once(api, cluster_path(namespace), healthy)
    fields = {key: b64decode(value).decode() for key, value in got(api, secret)["data"].items()}
    assert (fields["dbname"], fields["user"], fields["host"]) == ("chat", "chat", "pg-rw")

    other = new_namespace(api, f"{namespace}-own")
    own = {"initdb": start["initdb"] | {"secret": {"name": "mine"}}}
    applied(api, cluster_path(other), postgres(instances=1, bootstrap=own))
    once(api, cluster_path(other), healthy)
    assert api.get(f"/api/v1/namespaces/{other}/secrets/pg-app") is None


def test_a_postgres_cluster_follows_changes_of_its_size(api: Api, namespace: str) -> None:
    applied(api, cluster_path(namespace), postgres(instances=1))
    once(api, cluster_path(namespace), healthy)
    applied(api, cluster_path(namespace), postgres(instances=3))
    once(api, cluster_path(namespace), healthy)
    applied(api, cluster_path(namespace), postgres(instances=2))
    once(api, cluster_path(namespace), healthy)
    eventually(
        lambda: (
            sorted(
                claim["metadata"]["name"]
                for claim in api.items(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims")
            )
            == ["pg-1", "pg-2"]
        )
    )


def test_changed_resources_replace_the_instances_one_by_one(api: Api, namespace: str) -> None:
    applied(api, cluster_path(namespace), postgres(instances=2))
    once(api, cluster_path(namespace), healthy)
    more = copy.deepcopy(SMALL)
    more["requests"]["cpu"] = "200m"
    applied(api, cluster_path(namespace), postgres(instances=2, resources=more))
    pods = f"/api/v1/namespaces/{namespace}/pods"

    def asked() -> list[str]:
        return [
            pod["spec"]["containers"][0]["resources"]["requests"]["cpu"] for pod in api.items(pods)
        ]

    eventually(lambda: asked() == ["200m", "200m"])
    once(api, cluster_path(namespace), healthy)


def test_a_lost_primary_is_replaced_by_a_replica(api: Api, namespace: str) -> None:
    applied(api, cluster_path(namespace), postgres(instances=2))
    once(api, cluster_path(namespace), healthy)
    api.delete(f"/api/v1/namespaces/{namespace}/pods/pg-1")
    moved = once(
        api, cluster_path(namespace), lambda found: found["status"]["currentPrimary"] == "pg-2"
    )
    assert moved
    once(api, cluster_path(namespace), healthy)


def test_a_postgres_cluster_over_its_quota_says_so(api: Api, namespace: str) -> None:
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}}
    api.create(f"/api/v1/namespaces/{namespace}/resourcequotas", quota)
    eventually(
        lambda: got(api, f"/api/v1/namespaces/{namespace}/resourcequotas/few")["status"].get("hard")
    )
    applied(api, cluster_path(namespace), postgres(instances=2))
    stuck = once(
        api,
        cluster_path(namespace),
        lambda found: "exceeded quota" in found.get("status", {}).get("phaseReason", ""),
    )
    assert not is_ready(stuck)


def test_a_misspelt_field_of_a_postgres_cluster_is_refused(api: Api, namespace: str) -> None:
    with pytest.raises(RefusedError, match="walStorag: field not declared in schema"):
        applied(api, cluster_path(namespace), postgres(walStorag={"size": "1Gi"}))
