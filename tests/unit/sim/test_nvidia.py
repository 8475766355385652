"""What a simulated node advertises once the sharing of its GPUs is configured."""

from typing import Any

import pytest

from catalog.machines import MACHINES
from components.gpu.device_plugin_config import as_yaml, mig_config, plugin_config
from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from config.settings.pools import GpuPoolSettings
from sim.nodes import node_objects
from sim.operators import nvidia, nvidia_reconciler
from sim.provision import _is_same_node
from sizing.sharing import Exclusive, Mig, Mps, Sharing, TimeSlicing
from tests.unit.sim.memory import Memory

H100 = MACHINES["8xh100-80gb"]


def configured(sharing: Sharing) -> nvidia.NodeConfig:
    """The node configuration in a pool's ConfigMap, through the text of its files."""
    files = {"config.yaml": as_yaml(plugin_config(sharing))}
    layout = None
    if isinstance(sharing, Mig):
        files["mig-parted.yaml"] = as_yaml(mig_config("pool", sharing))
        layout = "pool"
    return nvidia.node_config(files, layout)


def node(sharing: Sharing | None = None) -> dict[str, Any]:
    """A node of eight H100s as provisioned or, with *sharing*, as configured."""
    cluster = ClusterConfig(
        context="it",
        identifier="it",
        nodes=[NodeGroup(profile="8xh100-80gb", count=1, pool="pool")],
        storage_classes=[StorageClassConfig(name="fast")],
    )
    [made] = node_objects(cluster)
    if sharing:
        status, itself = nvidia.changes(made, nvidia.advertised(H100, configured(sharing)))
        for field, difference in (status or {"status": {}})["status"].items():
            merge(made["status"][field], difference)
        merge(
            made["metadata"]["labels"],
            (itself or {"metadata": {"labels": {}}})["metadata"]["labels"],
        )
    return made


def merge(into: dict[str, str], difference: dict[str, str | None]) -> None:
    for key, value in difference.items():
        if value is None:
            del into[key]
        else:
            into[key] = value


@pytest.mark.parametrize(
    "sharing",
    [
        Exclusive(),
        TimeSlicing(mode="time-slicing", clients=5),
        Mps(mode="mps", clients=2),
        Mig(mode="mig", geometry={"1g.10gb": 7}),
        Mig(mode="mig", geometry={"3g.40gb": 1, "1g.10gb": 4}),
    ],
)
def test_a_node_advertises_what_the_configuration_counts_on(sharing: Sharing) -> None:
    """Else a stack that is accepted would not come up."""
    pool = GpuPoolSettings(gpu="h100-80gb", nodes=1, gpus_per_node=8, sharing=sharing)
    expected = {device.resource: str(device.per_node) for device in pool.devices}

    assert nvidia.advertised(H100, configured(sharing)).resources == expected
    for field in ("capacity", "allocatable"):
        found = node(sharing)["status"][field]
        assert {k: v for k, v in found.items() if k.startswith("nvidia.com/")} == expected


def test_a_layout_that_the_gpu_does_not_support_leaves_nothing() -> None:
    found = nvidia.advertised(
        H100, configured(Mig(mode="mig", geometry={"3g.40gb": 2, "1g.10gb": 1}))
    )

    assert found.resources == {}
    assert found.labels["nvidia.com/mig.config.state"] == "failed"


def test_the_product_is_rewritten_where_feature_discovery_does_so() -> None:
    renamed = nvidia.advertised(H100, configured(TimeSlicing(mode="time-slicing", clients=2)))
    plain = nvidia.NodeConfig(
        plugin={
            "sharing": {"timeSlicing": {"resources": [{"name": "nvidia.com/gpu", "replicas": 2}]}}
        },
        layouts={},
        layout=None,
    )

    assert renamed.labels["nvidia.com/gpu.product"] == "NVIDIA-H100-80GB-HBM3"
    assert renamed.labels["nvidia.com/gpu.replicas"] == "2"
    not_renamed = nvidia.advertised(H100, plain)
    assert not_renamed.labels["nvidia.com/gpu.product"] == "NVIDIA-H100-80GB-HBM3-SHARED"
    assert not_renamed.resources == {"nvidia.com/gpu": "16"}


def test_a_node_that_goes_back_to_whole_gpus_forgets_its_instances() -> None:
    cut = node(Mig(mode="mig", geometry={"1g.10gb": 7}))
    status, itself = nvidia.changes(cut, nvidia.advertised(H100, configured(Exclusive())))

    assert status is not None
    assert itself is not None
    assert status["status"]["capacity"] == {
        "nvidia.com/mig-1g.10gb": None,
        "nvidia.com/gpu": "8",
    }
    assert itself["metadata"]["labels"]["nvidia.com/mig-1g.10gb.count"] is None


def test_a_node_that_advertises_its_configuration_is_not_patched() -> None:
    sharing = Mps(mode="mps", clients=2)

    assert nvidia.changes(node(sharing), nvidia.advertised(H100, configured(sharing))) == (
        None,
        None,
    )


def test_starting_the_cluster_again_keeps_a_node_whose_gpus_are_partitioned() -> None:
    cut = node(Mig(mode="mig", geometry={"1g.10gb": 7}))

    assert _is_same_node(cut, node())
    relabelled = node()
    relabelled["metadata"]["labels"]["nvidia.com/mig.config"] = "other"
    assert not _is_same_node(cut, relabelled)


def test_only_a_machine_with_gpus_counts() -> None:
    assert nvidia.machine_of(node()) is H100
    assert nvidia.machine_of({"metadata": {"labels": {}}}) is None


def ready_pod(name: str, node: str) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": "gpu",
        "labels": {"app.kubernetes.io/name": name},
    }
    spec = {"nodeName": node, "volumes": [{"name": "config", "configMap": {"name": "plugin"}}]}
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    return {"metadata": metadata, "spec": spec, "status": status}


def test_gpus_are_shared_by_mps_once_the_daemon_answers() -> None:
    # k8s-device-plugin v0.20.0, internal/plugin/server.go:132: no registration before it.
    api, made = Memory(), node()
    name = made["metadata"]["name"]
    files = {"config.yaml": as_yaml(plugin_config(Mps(mode="mps", clients=4)))}
    api.create("/api/v1/nodes", made)
    api.create("/api/v1/namespaces/gpu/configmaps", {"metadata": {"name": "plugin"}, "data": files})
    api.create("/api/v1/namespaces/gpu/pods", ready_pod(nvidia.PLUGIN, name))

    assert nvidia_reconciler.reconcile_node(api, "", name)
    assert made["status"]["capacity"]["nvidia.com/gpu"] == "8"

    api.create("/api/v1/namespaces/gpu/pods", ready_pod(nvidia.MPS_DAEMON, name))
    assert nvidia_reconciler.reconcile_node(api, "", name) is None
    capacity = api.objects[f"/api/v1/nodes/{name}"]["status"]["capacity"]
    assert "32" in {capacity.get("nvidia.com/gpu.shared"), capacity.get("nvidia.com/gpu")}
