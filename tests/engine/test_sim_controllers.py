"""The real LeaderWorkerSet and KEDA on a simulated cluster: what they make of what they are given.

Real: the API server, the scheduler, both controllers with their webhooks, KEDA's metrics API, the
HorizontalPodAutoscalers. Simulated: the nodes and pods, and the Prometheus that KEDA asks.
"""

import json
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from rich.console import Console

from components.models.vllm.leader_worker_set import AFTER_START
from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from sim.api import Api, Object, RefusedError
from sim.control_plane import SimCluster
from sim.process import alive, kill
from tests.engine.sim_support import eventually, got, is_ready, new_namespace, once
from toolchain import build

EXPECTS = ClusterConfig(
    context="controllers",
    identifier="controllers",
    nodes=[NodeGroup(profile="8xh100-80gb", count=2, pool="h100")],
    storage_classes=[StorageClassConfig(name="fast", default=True)],
    operators=["leader-worker-set", "keda", "karpenter", "cluster-api", "inference-extension"],
)
BARE = EXPECTS.model_copy(update={"operators": []})
CONTROLLERS = {"lws", "keda", "keda-adapter", "keda-prometheus"}
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimCluster]:
    home = tmp_path_factory.mktemp("controllers") / "cluster"
    toolchain = build.ensure("cluster", Console(stderr=True), EXPECTS.operators)
    with SimCluster.start(EXPECTS, home, toolchain) as running:
        yield running


@pytest.fixture(scope="module")
def api(cluster: SimCluster) -> Api:
    return cluster.api()


def pod_template(gpus: int) -> Object:
    container = {"name": "server", "image": "server"}
    return {
        "spec": {
            "containers": [{**container, "resources": {"limits": {"nvidia.com/gpu": str(gpus)}}}],
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        }
    }


def create(api: Api, path: str, kind: str, content: Object) -> None:
    """Create a custom resource: those say what they are, unlike the others."""
    _, _, group, version, *_ = path.split("/")
    api.create(path, {"apiVersion": f"{group}/{version}", "kind": kind, **content})


def groups(namespace: str) -> str:
    return f"/apis/leaderworkerset.x-k8s.io/v1/namespaces/{namespace}/leaderworkersets"


def leader_worker_set(name: str, size: int = 2) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "leaderWorkerTemplate": {"size": size, "workerTemplate": pod_template(8)},
        },
    }


def is_available(content: Object) -> bool:
    conditions = content.get("status", {}).get("conditions", [])
    return any(c["type"] == "Available" and c["status"] == "True" for c in conditions)


def environment(pod: Object) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in pod["spec"]["containers"][0]["env"]}


def test_a_group_is_a_leader_and_its_workers_each_on_a_node_with_enough_gpus(api: Api) -> None:
    namespace = new_namespace(api, "groups")
    create(api, groups(namespace), "LeaderWorkerSet", leader_worker_set("big"))
    once(api, f"{groups(namespace)}/big", is_available)
    leader, worker = (
        got(api, f"/api/v1/namespaces/{namespace}/pods/{name}") for name in ("big-0", "big-0-1")
    )

    assert is_ready(leader)
    assert is_ready(worker)
    assert {leader["spec"]["nodeName"], worker["spec"]["nodeName"]} == {"gpu-h100-1", "gpu-h100-2"}
    assert environment(worker) == {
        "LWS_LEADER_ADDRESS": f"big-0.big.{namespace}",
        "LWS_GROUP_SIZE": "2",
        "LWS_WORKER_INDEX": "1",
    }


def test_a_group_is_made_anew_when_one_of_its_pods_is_lost(api: Api) -> None:
    leader = "/api/v1/namespaces/groups/pods/big-0"
    before = got(api, leader)["metadata"]["uid"]
    api.delete("/api/v1/namespaces/groups/pods/big-0-1")

    once(api, leader, lambda pod: pod["metadata"]["uid"] != before and is_ready(pod))
    once(api, f"{groups('groups')}/big", is_available)


def test_a_restart_takes_the_group_with_it_but_not_while_a_pod_of_ours_is_still_pending(
    api: Api,
) -> None:
    namespace = new_namespace(api, "joining")
    leaders: dict[str, tuple[str, Object]] = {}
    for name, annotations in {"ours": {AFTER_START: "true"}, "plain": {}}.items():
        content = leader_worker_set(name)
        content["metadata"]["annotations"] = annotations
        template = content["spec"]["leaderWorkerTemplate"]
        template |= {"leaderTemplate": pod_template(0), "workerTemplate": pod_template(64)}
        create(api, groups(namespace), "LeaderWorkerSet", content)
        path = f"/api/v1/namespaces/{namespace}/pods/{name}-0"
        leaders[name] = (path, once(api, path, is_ready))
        once(api, f"{path}-1", lambda pod: pod["status"]["phase"] == "Pending")

    for path, leader in leaders.values():
        statuses = [each | {"restartCount": 1} for each in leader["status"]["containerStatuses"]]
        api.merge(f"{path}/status", {"status": {"containerStatuses": statuses}})

    def is_another(name: str) -> bool:
        path, leader = leaders[name]
        found = api.get(path)
        return found is not None and found["metadata"]["uid"] != leader["metadata"]["uid"]

    eventually(lambda: is_another("plain"))
    assert not is_another("ours")
    for name in leaders:
        api.delete(f"{groups(namespace)}/{name}")


def test_an_impossible_group_is_refused_by_the_controllers_own_webhook(api: Api) -> None:
    with pytest.raises(RefusedError, match=r"vleaderworkerset\.kb\.io.*size"):
        create(api, groups("groups"), "LeaderWorkerSet", leader_worker_set("none", size=0))


@contextmanager
def prometheus(value: float) -> Generator[str]:
    """The URL of a Prometheus that answers every query with *value*."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            vector = {"resultType": "vector", "result": [{"metric": {}, "value": [0, str(value)]}]}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"status": "success", "data": vector}).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - theirs
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def scaled_deployment(api: Api, name: str, url: str, **more: object) -> str:
    """A Deployment that KEDA scales between 1 and 5 by the Prometheus at *url*; its path."""
    namespace = new_namespace(api, name)
    template = {"metadata": {"labels": {"app": name}}, **pod_template(gpus=0)}
    deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    selector = {"matchLabels": {"app": name}}
    api.create(
        deployment,
        {"metadata": {"name": name}, "spec": {"selector": selector, "template": template}},
    )
    trigger = {"serverAddress": url, "query": "sum(waiting)", "threshold": "2"}
    create(
        api,
        f"/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects",
        "ScaledObject",
        {
            "metadata": {"name": name},
            "spec": {
                "scaleTargetRef": {"name": name},
                "minReplicaCount": 1,
                "maxReplicaCount": 5,
                "pollingInterval": 1,
                "triggers": [{"type": "prometheus", "metadata": trigger}],
                **more,
            },
        },
    )
    return f"{deployment}/{name}"


def test_what_prometheus_says_is_how_many_pods_there_are(api: Api) -> None:
    with prometheus(value=7) as url:  # 7 waiting, 2 for each: 4 pods
        deployment = scaled_deployment(api, "busy", url)
        once(api, deployment, lambda found: found["status"].get("readyReplicas") == 4)

        scaler = got(api, "/apis/keda.sh/v1alpha1/namespaces/busy/scaledobjects/busy")
        assert is_ready(scaler)
        [hpa] = api.items("/apis/autoscaling/v2/namespaces/busy/horizontalpodautoscalers")
        assert hpa["metadata"]["name"] == scaler["status"]["hpaName"]


def test_with_no_prometheus_to_be_reached_the_fallback_counts(api: Api) -> None:
    fallback = {"failureThreshold": 1, "replicas": 3}
    url = "https://prometheus.observability.svc:9090"
    deployment = scaled_deployment(api, "blind", url, fallback=fallback)

    once(api, deployment, lambda found: found["status"].get("readyReplicas") == 3)


@pytest.mark.parametrize(
    ("path", "kind", "spec"),
    [
        ("/apis/karpenter.sh/v1/nodepools", "NodePool", {"template": {"spec": {}}}),
        (
            "/apis/cluster.x-k8s.io/v1beta2/namespaces/default/machinedeployments",
            "MachineDeployment",
            {"replicas": 1},
        ),
        (
            "/apis/inference.networking.k8s.io/v1/namespaces/default/inferencepools",
            "InferencePool",
            {"selector": {}},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "/" not in value else "",
)
def test_what_has_no_controller_here_is_still_held_to_its_true_schema(
    api: Api, path: str, kind: str, spec: Object
) -> None:
    with pytest.raises(RefusedError, match="Required value"):
        create(api, path, kind, {"metadata": {"name": "it"}, "spec": spec})


def test_a_controller_that_ended_is_started_again_and_answers_the_api_server(
    cluster: SimCluster, api: Api
) -> None:
    kill([cluster.processes()["lws"], cluster.processes()["keda-adapter"]])
    cluster.bring_up()

    assert all(alive(process) for process in cluster.processes().values())
    with pytest.raises(RefusedError, match=r"vleaderworkerset\.kb\.io.*size"):
        create(api, groups("groups"), "LeaderWorkerSet", leader_worker_set("none", size=0))
    assert got(api, "/apis/external.metrics.k8s.io/v1beta1")


def test_a_controller_that_is_no_longer_expected_is_gone_and_no_longer_asked(
    cluster: SimCluster, api: Api
) -> None:
    before = cluster.processes()
    toolchain = build.ensure("cluster", Console(stderr=True))
    less = SimCluster(cluster.layout, BARE, toolchain)
    less.bring_up()

    assert set(less.processes()) == set(before) - CONTROLLERS
    assert not any(alive(before[name]) for name in CONTROLLERS)
    assert api.items(f"{WEBHOOKS}/mutatingwebhookconfigurations") == []
    assert api.items(f"{WEBHOOKS}/validatingwebhookconfigurations") == []
    eventually(lambda: api.get("/apis/external.metrics.k8s.io/v1beta1") is None)


def test_nothing_is_left_of_a_stopped_cluster(cluster: SimCluster) -> None:
    cluster.bring_up()
    running = cluster.processes().values()
    assert {process.name for process in running} >= CONTROLLERS
    cluster.stop()

    assert not any(alive(process) for process in running)
    assert not cluster.layout.home.exists()
