"""A server that spans nodes: one group of pods that lives and dies as one."""

from typing import Any

import pytest

from base.quantity import parse
from tests.support import Recorded, openings
from tests.unit.components.models.vllm.vllm_asked import (
    BUDGET,
    DEPLOYMENT,
    GROUPS,
    SERVICE,
    ask,
    container_of,
    environment_of,
)

RDMA = {"resource": "rdma/hca", "count": 4, "hca": "mlx5", "gid_index": 3}
WIDE: dict[str, Any] = {"tensor_parallel": 8, "pipeline_parallel": 2, "replicas": 2}


@pytest.fixture(scope="module")
def asked() -> Recorded:
    return ask(**WIDE)


def group_of(recorded: Recorded) -> dict[str, Any]:
    return recorded.one(GROUPS, "chat").inputs["spec"]


def pods_of(recorded: Recorded) -> list[dict[str, Any]]:
    template = group_of(recorded)["leaderWorkerTemplate"]
    return [template[f"{role}Template"]["spec"] for role in ("leader", "worker")]


def test_there_is_a_group_for_each_replica_and_no_deployment(asked: Recorded) -> None:
    spec = group_of(asked)

    assert spec["replicas"] == 2
    assert spec["leaderWorkerTemplate"]["size"] == 2
    assert asked.of(DEPLOYMENT) == []


def test_every_pod_takes_one_whole_node(asked: Recorded) -> None:
    for pod in pods_of(asked):
        assert container_of(pod)["resources"]["limits"]["nvidia.com/gpu"] == "8"
        [shm] = [v for v in pod["volumes"] if v["name"] == "shm"]
        assert parse(shm["emptyDir"]["sizeLimit"]) == parse("16Gi")


def test_a_lost_pod_takes_its_group_with_it_and_an_update_one_group_at_a_time(
    asked: Recorded,
) -> None:
    spec = group_of(asked)

    assert spec["leaderWorkerTemplate"]["restartPolicy"] == "RecreateGroupOnPodRestart"
    rolling = spec["rolloutStrategy"]["rollingUpdateConfiguration"]
    assert rolling == {"maxUnavailable": 1, "maxSurge": 0}


def test_the_leader_answers_and_the_worker_is_headless(asked: Recorded) -> None:
    leader, worker = map(container_of, pods_of(asked))

    assert "--headless" in worker["args"]
    assert "--headless" not in leader["args"]
    assert {"readinessProbe", "startupProbe", "ports"} <= leader.keys()
    assert worker.keys().isdisjoint({"readinessProbe", "livenessProbe", "startupProbe", "ports"})


def test_services_send_nothing_to_a_worker(asked: Recorded) -> None:
    for name in ("chat", "chat-members"):
        selector = asked.one(SERVICE, name).inputs["spec"]["selector"]
        assert selector["leaderworkerset.sigs.k8s.io/worker-index"] == "0"


def test_its_workers_go_on_until_the_leader_has_drained(asked: Recorded) -> None:
    leader, worker = pods_of(asked)
    waits = [
        container_of(pod)["lifecycle"]["preStop"]["sleep"]["seconds"] for pod in (leader, worker)
    ]

    assert waits == [15, 15 + 120]
    assert leader["terminationGracePeriodSeconds"] == worker["terminationGracePeriodSeconds"] == 150


def test_its_pods_reach_one_another_on_every_port_and_nobody_else(asked: Recorded) -> None:
    assert openings(asked) == {"chat-from-chat": [], "chat-to-chat": []}


def test_its_pods_name_themselves_by_their_own_address(asked: Recorded) -> None:
    for pod in pods_of(asked):
        environment = environment_of(container_of(pod))
        assert environment["VLLM_HOST_IP"] == {"fieldRef": {"fieldPath": "status.podIP"}}


def test_without_cards_they_speak_over_tcp(asked: Recorded) -> None:
    for pod in pods_of(asked):
        assert environment_of(container_of(pod))["NCCL_IB_DISABLE"] == "1"


def test_with_cards_each_pod_takes_its_own_and_nccl_is_told_which() -> None:
    for pod in pods_of(ask(**WIDE, vllm={"rdma": RDMA})):
        server = container_of(pod)
        environment = environment_of(server)
        assert server["resources"]["limits"]["rdma/hca"] == "4"
        assert (environment["NCCL_IB_HCA"], environment["NCCL_IB_GID_INDEX"]) == ("mlx5", "3")
        # Locked memory is the container runtime's to allow: the capability for it is beyond the
        # Pod Security Standard that the namespace holds its pods to.
        assert server["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_its_url_is_known_once_every_group_is_there(asked: Recorded) -> None:
    groups = asked.one(GROUPS, "chat")
    annotations = groups.inputs["metadata"]["annotations"]
    consumer = asked.one("kubernetes:core/v1:ConfigMap", "consumer")

    assert annotations["pulumi.com/waitFor"] == "condition=Available"
    assert int(annotations["pulumi.com/timeoutSeconds"]) > 2 * 600
    assert any(urn.endswith("LeaderWorkerSet::chat") for urn in consumer.depends_on)


def test_one_pod_of_all_groups_may_be_evicted_at_a_time(asked: Recorded) -> None:
    assert asked.one(BUDGET, "chat").inputs["spec"]["maxUnavailable"] == 1


def test_a_single_group_has_a_budget_too_since_two_evictions_would_start_it_twice() -> None:
    assert ask(**{**WIDE, "replicas": 1}).of(BUDGET)


def test_where_keda_counts_the_groups_their_number_is_left_to_it() -> None:
    asked = ask(tensor_parallel=8, pipeline_parallel=2, autoscaling={"max": 3})
    scaled = asked.one("kubernetes:keda.sh/v1alpha1:ScaledObject", "chat-autoscaler")

    assert "replicas" not in group_of(asked)
    assert scaled.inputs["spec"]["scaleTargetRef"] == {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "name": "chat",
    }
