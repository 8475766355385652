"""The objects of the stand-in operators, as far as they can be checked without a cluster."""

from typing import Any

import pytest

from sim.api import Object
from sim.operators import cloudnative_pg, minio


def tenant(**spec: Any) -> Object:
    pool = {
        "name": "a",
        "servers": 4,
        "volumesPerServer": 2,
        "volumeClaimTemplate": {"metadata": {"name": "data"}, "spec": {}},
    }
    metadata = {"name": "store", "namespace": "data", "uid": "u", "labels": {"app": "store"}}
    return {
        "metadata": metadata,
        "spec": {"pools": [pool], "configuration": {"name": "root"}} | spec,
    }


def by_name(objects: list[Object]) -> dict[tuple[str, str], Object]:
    return {(entry["kind"], entry["metadata"]["name"]): entry for entry in objects}


@pytest.mark.parametrize(
    ("spec", "ports"),
    [
        ({}, (443, 9443)),  # by default the operator requests a certificate
        ({"requestAutoCert": False}, (80, 9090)),
        ({"requestAutoCert": False, "externalCertSecret": [{"name": "tls"}]}, (443, 9443)),
    ],
)
def test_the_ports_of_a_tenant_depend_on_its_certificates(
    spec: dict[str, Any], ports: tuple[int, int]
) -> None:
    objects = by_name(minio.children(tenant(**spec)))
    found = [
        objects["Service", name]["spec"]["ports"][0]["port"] for name in ("minio", "store-console")
    ]
    assert tuple(found) == ports


def test_the_pods_of_a_tenant_carry_its_labels_and_those_of_the_operator() -> None:
    stateful_set = by_name(minio.children(tenant()))["StatefulSet", "store-a"]
    assert stateful_set["spec"]["template"]["metadata"]["labels"] == {
        "app": "store",
        "v1.min.io/tenant": "store",
        "v1.min.io/pool": "a",
        "v1.min.io/console": "store-console",
    }
    names = [entry["metadata"]["name"] for entry in stateful_set["spec"]["volumeClaimTemplates"]]
    assert names == ["data0", "data1"]
    pod = stateful_set["spec"]["template"]["spec"]
    assert [container["name"] for container in pod["containers"]] == ["minio", "sidecar"]
    assert pod["initContainers"][0]["name"] == "validate-arguments"


def test_everything_of_a_tenant_is_owned_by_it() -> None:
    for entry in minio.children(tenant()):
        assert entry["metadata"]["namespace"] == "data"
        (owner,) = entry["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["controller"]) == ("Tenant", "store", True)


@pytest.mark.parametrize(
    ("ready", "before", "state", "health"),
    [
        (0, "", "Provisioning MinIO Statefulset", "red"),
        (3, "", "Provisioning MinIO Statefulset", "yellow"),
        (4, "", "Initialized", "green"),
        (3, "Initialized", "Initialized", "yellow"),
        (1, "Initialized", "Initialized", "red"),
    ],
)
def test_the_health_of_a_tenant_follows_its_ready_pods(
    ready: int, before: str, state: str, health: str
) -> None:
    content = tenant() | {"status": {"currentState": before}}
    pool = {"metadata": {"name": "store-a"}, "status": {"readyReplicas": ready}}
    status = minio.status(content, [pool])
    assert (status["currentState"], status["healthStatus"]) == (state, health)


def cluster(**spec: Any) -> Object:
    return {
        "metadata": {"name": "pg", "namespace": "data", "uid": "u", "generation": 1},
        "spec": {"instances": 3, "storage": {"size": "1Gi"}} | spec,
    }


@pytest.mark.parametrize(
    ("spec", "budgets"),
    [
        ({"instances": 1}, {"pg-primary": 1}),
        ({"instances": 3}, {"pg-primary": 1, "pg": 1}),
        ({"instances": 5}, {"pg-primary": 1, "pg": 3}),
        ({"enablePDB": False}, {}),
    ],
)
def test_disruption_budgets_leave_a_postgres_cluster_its_primary_and_all_replicas_but_one(
    spec: dict[str, Any], budgets: dict[str, int]
) -> None:
    found = {
        entry["metadata"]["name"]: entry["spec"]["minAvailable"]
        for entry in cloudnative_pg.shared_objects(cluster(**spec))
        if entry["kind"] == "PodDisruptionBudget"
    }
    assert found == budgets


def test_instances_keep_apart_strictly_or_not_at_all_as_configured() -> None:
    def anti(affinity: dict[str, Any]) -> dict[str, Any] | None:
        spec = cloudnative_pg.pod(cluster(affinity=affinity), 1, "primary")["spec"]
        found: dict[str, Any] | None = spec.get("affinity", {}).get("podAntiAffinity")
        return found

    assert list(anti({}) or {}) == ["preferredDuringSchedulingIgnoredDuringExecution"]
    required = anti({"podAntiAffinityType": "required"}) or {}
    assert list(required) == ["requiredDuringSchedulingIgnoredDuringExecution"]
    assert anti({"enablePodAntiAffinity": False}) is None


def test_a_postgres_pod_satisfies_the_restricted_profile_by_itself() -> None:
    spec = cloudnative_pg.pod(cluster(), 1, "primary")["spec"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*spec["containers"], *spec["initContainers"]):
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not container["securityContext"]["allowPrivilegeEscalation"]


def test_only_what_concerns_the_pod_changes_its_digest() -> None:
    def digest(**spec: Any) -> str:
        annotations = cloudnative_pg.pod(cluster(**spec), 1, "primary")["metadata"]["annotations"]
        found: str = annotations[cloudnative_pg.SPEC_ANNOTATION]
        return found

    assert digest(instances=2) == digest(instances=5)
    assert digest(resources={"requests": {"cpu": "1"}}) != digest()


def test_a_refused_postgres_cluster_is_not_ready_and_says_why() -> None:
    status = cloudnative_pg.status(cluster(instances=1), [], "pg-1", "exceeded quota")
    assert status["phaseReason"] == "exceeded quota"
    assert status["conditions"][0]["status"] == "False"
