"""What makes the nodes of a pool, given to the API server with the types' own schemas.

Cluster API's and Karpenter's are those of their Go modules, rules in CEL included; OpenNebula's is
ours (sim/operators/types), since its module cannot be had.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from components.gpu.gpu_node_pool import GpuNodePool, GpuNodePoolArgs
from config.settings.cluster import ClusterConfig, NodeGroup, StorageClassConfig
from config.settings.pools import GpuPoolSettings
from sim.api import Api, Object, RefusedError
from sim.control_plane import SimCluster
from tests.support import Recorded, deploy, tier
from toolchain import build

EXPECTS = ClusterConfig(
    context="gpu-nodes",
    identifier="gpu-nodes",
    nodes=[NodeGroup(profile="cpu-8", count=1)],
    storage_classes=[StorageClassConfig(name="fast")],
    operators=["cluster-api", "karpenter"],
)
OPENNEBULA: dict[str, Any] = {
    "gpu": "h200-141gb",
    "nodes": 2,
    "gpus_per_node": 4,
    "sharing": {"mode": "mig", "geometry": {"1g.18gb": 7}},
    "operator": "already-there",
    "nodes_from": {
        "kind": "cluster-api",
        "cluster": "ai",
        "namespace": "default",
        "version": "v1.34.2",
        "opennebula": {"vm_template": "gpu-4xh200"},
        "zone": "rack-1",
        "topology_manager": "restricted",
    },
}
KARPENTER: dict[str, Any] = {
    "gpu": "h100-80gb",
    "nodes": 3,
    "gpus_per_node": 8,
    "nodes_from": {
        "kind": "karpenter",
        "node_class_group": "karpenter.k8s.aws",
        "node_class_kind": "EC2NodeClass",
        "node_class": "gpu",
        "instance_types": ["p5.48xlarge"],
        "zone": "eu-west-3a",
    },
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("sim") / "cluster"
    with SimCluster.start(EXPECTS, home, build.ensure("cluster", Console(stderr=True))) as cluster:
        yield cluster.api()


def custom(settings: dict[str, Any]) -> dict[str, Object]:
    """The custom resources of a pool with *settings*, by kind."""

    def program() -> None:
        pool = GpuPoolSettings.model_validate(settings)
        GpuNodePool("pool", GpuNodePoolArgs(tier=tier("gpu-system"), settings=pool))

    asked: Recorded = deploy(program)
    return {
        a.inputs["kind"]: a.inputs
        for a in asked.values()
        if "spec" in a.inputs
        and "." in str(a.inputs.get("apiVersion", "")).split("/")[0]
        and a.inputs["kind"] in PATHS
    }


PATHS = {
    "ONEMachineTemplate": "infrastructure.cluster.x-k8s.io/v1beta1/namespaces/default/"
    "onemachinetemplates",
    "KubeadmConfigTemplate": "bootstrap.cluster.x-k8s.io/v1beta2/namespaces/default/"
    "kubeadmconfigtemplates",
    "MachineDeployment": "cluster.x-k8s.io/v1beta2/namespaces/default/machinedeployments",
    "NodePool": "karpenter.sh/v1/nodepools",
}


def applied(api: Api, content: Object) -> Object:
    """*content* as the API server keeps it; it refuses a field that the type has not."""
    named = {**content, "metadata": {**content["metadata"], "name": "pool"}}
    return api.apply(f"/apis/{PATHS[content['kind']]}/pool", named, "test")


def test_cluster_api_takes_the_machines_of_a_pool(api: Api) -> None:
    made = {kind: applied(api, content) for kind, content in custom(OPENNEBULA).items()}

    assert set(made) == {"ONEMachineTemplate", "KubeadmConfigTemplate", "MachineDeployment"}
    machines = made["MachineDeployment"]["spec"]
    assert machines["replicas"] == 2
    assert machines["template"]["spec"]["failureDomain"] == "rack-1"
    assert machines["template"]["spec"]["infrastructureRef"]["kind"] == "ONEMachineTemplate"
    machine = made["ONEMachineTemplate"]["spec"]["template"]["spec"]
    assert machine == {"templateName": "gpu-4xh200"}


def test_its_nodes_join_with_labels_taint_and_topology(api: Api) -> None:
    made = applied(api, custom(OPENNEBULA)["KubeadmConfigTemplate"])
    joins = made["spec"]["template"]["spec"]["joinConfiguration"]["nodeRegistration"]
    arguments = {each["name"]: each["value"] for each in joins["kubeletExtraArgs"]}

    assert arguments["topology-manager-policy"] == "restricted"
    assert arguments["node-labels"].split(",") == [
        "private-ai.dev/gpu-pool=pool",
        "nvidia.com/device-plugin.config=pool",
        "nvidia.com/mig.config=pool",
        "topology.kubernetes.io/zone=rack-1",
    ]
    assert joins["taints"] == [
        {"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}
    ]


def test_karpenter_takes_the_node_pool_of_a_pool(api: Api) -> None:
    made = applied(api, custom(KARPENTER)["NodePool"])["spec"]

    assert made["limits"] == {"nvidia.com/gpu": "24"}
    assert made["template"]["metadata"]["labels"] == {"private-ai.dev/gpu-pool": "pool"}
    needed = {each["key"]: each["values"] for each in made["template"]["spec"]["requirements"]}
    assert needed == {
        "node.kubernetes.io/instance-type": ["p5.48xlarge"],
        "topology.kubernetes.io/zone": ["eu-west-3a"],
    }


@pytest.mark.parametrize(
    ("kind", "field"), [("MachineDeployment", "replicaz"), ("NodePool", "limitz")]
)
def test_the_schemas_are_closed_enough_to_notice(api: Api, kind: str, field: str) -> None:
    content = custom(OPENNEBULA if kind == "MachineDeployment" else KARPENTER)[kind]
    content["spec"][field] = 1

    with pytest.raises(RefusedError, match=field):
        applied(api, content)
