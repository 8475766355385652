"""What becomes of workloads on a simulated cluster: the real scheduler and controllers decide."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from kubernetes.client import CoreV1Api
from rich.console import Console

from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from sim.api import Api, Object, RefusedError
from sim.control_plane import SimCluster
from tests.engine.sim_support import eventually, got, is_ready, new_namespace, once
from toolchain import build

EXPECTS = ClusterConfig(
    context="workloads",
    identifier="workloads",
    nodes=[
        NodeGroup(profile="cpu-16", count=2, zones=["a", "b"]),
        NodeGroup(profile="4xl40s-48gb", count=2, zones=["a", "b"], pool="small"),
    ],
    storage_classes=[
        StorageClassConfig(name="fast", default=True),
        StorageClassConfig(name="kept", reclaim_policy="Retain", binding="Immediate"),
    ],
    operators=["minio", "cloudnative-pg"],
)
_NUMBERS = count(1)
CONTAINER = {"name": "main", "image": "example/main:1"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimCluster]:
    home = tmp_path_factory.mktemp("sim") / "cluster"
    toolchain = build.ensure("cluster", Console(stderr=True))
    with SimCluster.start(EXPECTS, home, toolchain) as started:
        yield started


@pytest.fixture(scope="module")
def api(cluster: SimCluster) -> Api:
    return cluster.api()


@pytest.fixture
def namespace(api: Api) -> str:
    return new_namespace(api, f"test-{next(_NUMBERS)}")


def create(api: Api, path: str, name: str, **content: Any) -> str:
    api.create(path, {"metadata": {"name": name}, **content})
    return f"{path}/{name}"


def workload(**spec: Any) -> Object:
    """A spec with a pod template of one container, whose label is `app: it`."""
    pod = {"containers": [CONTAINER]} | spec.pop("pod", {})
    template = {"metadata": {"labels": {"app": "it"}}, "spec": pod}
    return {"selector": {"matchLabels": {"app": "it"}}, "template": template} | spec


def pods(api: Api, namespace: str, selector: str = "") -> list[Object]:
    return api.items(f"/api/v1/namespaces/{namespace}/pods", selector)


def claim(**spec: Any) -> Object:
    size = {"requests": {"storage": "1Gi"}}
    return {"accessModes": ["ReadWriteOnce"], "resources": size} | spec


def test_a_deployment_with_init_containers_becomes_available(api: Api, namespace: str) -> None:
    first = {"name": "first", "image": "example/first:1"}
    beside = {"name": "beside", "image": "example/beside:1", "restartPolicy": "Always"}
    path = create(
        api,
        f"/apis/apps/v1/namespaces/{namespace}/deployments",
        "web",
        spec=workload(
            replicas=2, pod={"containers": [CONTAINER], "initContainers": [first, beside]}
        ),
    )
    once(api, path, lambda found: found["status"].get("availableReplicas") == 2)
    for pod in pods(api, namespace):
        ran, stays = pod["status"]["initContainerStatuses"]
        assert ran["state"]["terminated"]["exitCode"] == 0
        assert "running" in stays["state"]
        assert pod["status"]["containerStatuses"][0]["ready"]


def test_a_job_completes(api: Api, namespace: str) -> None:
    pod = {"containers": [CONTAINER], "restartPolicy": "Never"}
    path = create(
        api,
        f"/apis/batch/v1/namespaces/{namespace}/jobs",
        "once",
        spec={"template": {"spec": pod}, "completions": 2},
    )
    done = once(api, path, lambda found: found["status"].get("completionTime"))
    assert done["status"]["succeeded"] == 2
    assert {pod["status"]["phase"] for pod in pods(api, namespace)} == {"Succeeded"}


def test_a_stateful_set_comes_up_in_order_each_pod_with_its_volume(
    api: Api, namespace: str
) -> None:
    template = {"metadata": {"name": "data"}, "spec": claim()}
    create(
        api,
        f"/apis/apps/v1/namespaces/{namespace}/statefulsets",
        "db",
        spec=workload(replicas=3, serviceName="db", volumeClaimTemplates=[template]),
    )
    ready: list[str] = []
    for pod in api.watch(f"/api/v1/namespaces/{namespace}/pods"):
        name = pod["metadata"]["name"]
        number = int(name.removeprefix("db-"))
        assert set(ready) >= {f"db-{earlier}" for earlier in range(number)}
        if is_ready(pod) and name not in ready:
            ready.append(name)
        if len(ready) == 3:
            break
    claims = api.items(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims")
    assert {entry["status"]["phase"] for entry in claims} == {"Bound"}
    assert {entry["spec"]["storageClassName"] for entry in claims} == {"fast"}


def test_a_claim_of_a_waiting_class_gets_its_volume_where_its_first_pod_is_placed(
    api: Api, namespace: str
) -> None:
    claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    path = create(api, claims, "later", spec=claim())
    at_once = create(api, claims, "now", spec=claim(storageClassName="kept"))
    once(api, at_once, lambda found: found["status"]["phase"] == "Bound")
    assert got(api, path)["status"]["phase"] == "Pending"

    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "later"}}
    spec = {"containers": [CONTAINER], "volumes": [volume]}
    pod = create(api, f"/api/v1/namespaces/{namespace}/pods", "user", spec=spec)
    placed = once(api, pod, is_ready)
    bound = got(api, path)
    assert bound["status"]["phase"] == "Bound"
    selected = bound["metadata"]["annotations"]["volume.kubernetes.io/selected-node"]
    assert selected == placed["spec"]["nodeName"]


@pytest.mark.parametrize(("storage_class", "remains"), [("fast", False), ("kept", True)])
def test_a_deleted_claim_takes_its_volume_along_only_where_the_class_says_so(
    api: Api, namespace: str, storage_class: str, remains: bool
) -> None:
    claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    path = create(api, claims, "data", spec=claim(storageClassName=storage_class))
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    spec = {"containers": [CONTAINER], "volumes": [volume]}
    pod = create(api, f"/api/v1/namespaces/{namespace}/pods", "user", spec=spec)
    once(api, path, lambda found: found["status"]["phase"] == "Bound")
    name = got(api, path)["spec"]["volumeName"]
    api.delete(pod)
    api.delete(path)
    eventually(lambda: api.get(path) is None)
    if remains:
        volume_path = f"/api/v1/persistentvolumes/{name}"
        left = once(api, volume_path, lambda found: found["status"]["phase"] == "Released")
        assert left["spec"]["claimRef"]["name"] == "data"
    else:
        eventually(lambda: api.get(f"/api/v1/persistentvolumes/{name}") is None)


def test_a_bound_claim_grows(api: Api, namespace: str) -> None:
    claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    path = create(api, claims, "data", spec=claim(storageClassName="kept"))
    once(api, path, lambda found: found["status"]["phase"] == "Bound")
    api.merge(path, {"spec": {"resources": {"requests": {"storage": "3Gi"}}}})
    once(api, path, lambda found: found["status"]["capacity"]["storage"] == "3Gi")


def test_a_daemon_set_runs_on_the_matching_nodes_only(api: Api, namespace: str) -> None:
    path = create(
        api,
        f"/apis/apps/v1/namespaces/{namespace}/daemonsets",
        "agent",
        spec=workload(
            pod={
                "containers": [CONTAINER],
                "nodeSelector": {"private-ai.dev/gpu-pool": "small"},
                "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            }
        ),
    )
    once(api, path, lambda found: found["status"].get("numberReady") == 2)
    nodes = {pod["spec"]["nodeName"] for pod in pods(api, namespace)}
    assert nodes == {"gpu-small-1", "gpu-small-2"}


def test_a_pod_that_tolerates_no_gpu_node_stays_off_them(api: Api, namespace: str) -> None:
    path = create(api, f"/apis/apps/v1/namespaces/{namespace}/daemonsets", "any", spec=workload())
    once(api, path, lambda found: found["status"].get("numberReady") == 2)
    assert {pod["spec"]["nodeName"] for pod in pods(api, namespace)} == {"cpu-1", "cpu-2"}


def test_load_balancers_get_an_address_each(api: Api, namespace: str) -> None:
    services = f"/api/v1/namespaces/{namespace}/services"
    spec = {"type": "LoadBalancer", "selector": {"app": "it"}, "ports": [{"port": 443}]}
    paths = [create(api, services, name, spec=spec) for name in ("one", "two")]
    served = [
        once(api, path, lambda found: found["status"]["loadBalancer"].get("ingress"))
        for path in paths
    ]
    addresses = {found["status"]["loadBalancer"]["ingress"][0]["ip"] for found in served}
    assert len(addresses) == 2


def gpu_pod(count: int) -> Object:
    resources = {"requests": {"nvidia.com/gpu": count}, "limits": {"nvidia.com/gpu": count}}
    return {
        "containers": [CONTAINER | {"resources": resources}],
        "nodeSelector": {"private-ai.dev/gpu-pool": "small"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
    }


def test_a_pod_gets_the_gpus_it_asks_for(api: Api, namespace: str) -> None:
    path = create(api, f"/api/v1/namespaces/{namespace}/pods", "fits", spec=gpu_pod(4))
    pod = once(api, path, is_ready)
    assert pod["spec"]["nodeName"].startswith("gpu-small-")
    api.delete(path)


def test_a_pod_that_asks_for_more_gpus_than_a_node_has_stays_pending_and_says_why(
    api: Api, namespace: str
) -> None:
    path = create(api, f"/api/v1/namespaces/{namespace}/pods", "greedy", spec=gpu_pod(5))
    refused = once(api, path, lambda found: found["status"].get("conditions"))
    condition = refused["status"]["conditions"][0]
    assert (condition["type"], condition["reason"]) == ("PodScheduled", "Unschedulable")
    assert "2 Insufficient nvidia.com/gpu" in condition["message"]
    events = eventually(lambda: api.items(f"/api/v1/namespaces/{namespace}/events"))
    assert {event["reason"] for event in events} == {"FailedScheduling"}
    assert got(api, path)["status"]["phase"] == "Pending"


def test_a_restricted_namespace_refuses_what_pod_security_forbids(api: Api, namespace: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.merge(f"/api/v1/namespaces/{namespace}", {"metadata": {"labels": labels}})
    with pytest.raises(RefusedError, match='violates PodSecurity "restricted:latest"'):
        create(api, f"/api/v1/namespaces/{namespace}/pods", "any", spec={"containers": [CONTAINER]})


def test_the_kubernetes_client_reaches_the_cluster(cluster: SimCluster) -> None:
    with cluster.client() as client:
        nodes = CoreV1Api(client).list_node().items
    assert {node.metadata.name for node in nodes if node.metadata} == {
        "cpu-1",
        "cpu-2",
        "gpu-small-1",
        "gpu-small-2",
    }
