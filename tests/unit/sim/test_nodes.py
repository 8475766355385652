"""The nodes that stand in for the machines of a stack."""

from typing import get_args

import pytest

from base.quantity import parse
from catalog.machines import MACHINES
from config.settings.cluster import ClusterConfig, NodeGroup, Profile, StorageClassConfig
from sim.nodes import node_objects


def cluster(*groups: NodeGroup) -> ClusterConfig:
    return ClusterConfig(
        context="it",
        identifier="it",
        nodes=list(groups),
        storage_classes=[StorageClassConfig(name="fast")],
    )


def test_every_profile_is_a_machine() -> None:
    assert set(MACHINES) == set(get_args(Profile))


def test_nodes_are_numbered_by_pool_and_dealt_over_the_zones() -> None:
    nodes = node_objects(
        cluster(
            NodeGroup(profile="cpu-16", count=3, zones=["a", "b"]),
            NodeGroup(profile="8xh200-141gb", count=1, zones=["c"], pool="big"),
            NodeGroup(profile="cpu-8", count=1),
        )
    )
    zones = {
        node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"]
        for node in nodes
    }
    assert zones == {
        "cpu-1": "a",
        "cpu-2": "b",
        "cpu-3": "a",
        "gpu-big-1": "c",
        "cpu-4": "zone-a",
    }
    addresses = {node["status"]["addresses"][0]["address"] for node in nodes}
    assert len(addresses) == 5


def test_a_gpu_node_says_what_gpu_feature_discovery_would() -> None:
    (node,) = node_objects(cluster(NodeGroup(profile="4xl40s-48gb", count=1, pool="small")))
    labels = node["metadata"]["labels"]
    assert labels["private-ai.dev/gpu-pool"] == "small"
    assert labels["nvidia.com/gpu.product"] == "NVIDIA-L40S"
    assert labels["nvidia.com/gpu.count"] == "4"
    assert labels["nvidia.com/gpu.memory"] == "46068"
    assert labels["nvidia.com/mig.capable"] == "false"
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "4"
    assert node["spec"]["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    ]


def test_a_cpu_node_has_neither_gpus_nor_taint() -> None:
    (node,) = node_objects(cluster(NodeGroup(profile="cpu-16", count=1)))
    assert not [label for label in node["metadata"]["labels"] if "nvidia" in label]
    assert "nvidia.com/gpu" not in node["status"]["allocatable"]
    assert "taints" not in node["spec"]


@pytest.mark.parametrize("profile", get_args(Profile))
def test_pods_get_less_than_the_machine_has_but_every_gpu(profile: Profile) -> None:
    (node,) = node_objects(cluster(NodeGroup(profile=profile, count=1)))
    capacity, allocatable = node["status"]["capacity"], node["status"]["allocatable"]
    for resource in ("cpu", "memory", "ephemeral-storage"):
        assert 0 < parse(allocatable[resource]) < parse(capacity[resource])
    assert capacity.get("nvidia.com/gpu") == allocatable.get("nvidia.com/gpu")
    assert allocatable["pods"] == "110"


def test_label_values_are_valid() -> None:
    groups = [NodeGroup(profile=profile, count=1, pool="p") for profile in get_args(Profile)]
    for node in node_objects(cluster(*groups)):
        for value in node["metadata"]["labels"].values():
            assert len(value) <= 63
            assert value.replace("-", "").replace(".", "").replace("_", "").isalnum()
