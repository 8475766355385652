"""Pools that share their GPUs, on a simulated cluster: what the scheduler takes and what it leaves.

The ConfigMaps, the pods of the device plugin and the taints are those that a pool creates; the
scheduler, the quota and the claims of devices are Kubernetes' own.
"""

from collections.abc import Iterator
from itertools import count

import pytest
from rich.console import Console

from components.gpu.device_plugin_config import as_yaml, mig_config, plugin_config
from components.platform import CLAIMED_DEVICES
from config.node_labels import GPU_POOL, node_labels
from config.settings.cluster import ClusterConfig, NodeGroup, Profile, StorageClassConfig
from config.settings.pools import GpuPoolSettings
from sim.api import Api, Object, RefusedError
from sim.control_plane import SimCluster
from sizing.sharing import Mig, Mps, Sharing, TimeSlicing
from tests.engine.sim_support import eventually, got, is_ready, new_namespace, once
from toolchain import build

SLICES, PARTS, TURNS, OPERATED = "slices", "parts", "turns", "operated"
OPERATED_POOL = GpuPoolSettings(
    gpu="h100-80gb",
    nodes=1,
    gpus_per_node=8,
    sharing=Mig(mode="mig", geometry={"3g.40gb": 2}),
    operator="already-there",
)


def nodes(profile: Profile, pool: str, labels: dict[str, str] | None = None) -> NodeGroup:
    return NodeGroup(profile=profile, count=1, pool=pool, labels=labels or {})


EXPECTS = ClusterConfig(
    context="gpu-sharing",
    identifier="gpu-sharing",
    nodes=[
        nodes("4xa100-80gb", SLICES),
        nodes("2xrtx6000ada-48gb", PARTS),
        nodes("4xl40s-48gb", TURNS),
        nodes("8xh100-80gb", OPERATED, node_labels(OPERATED, OPERATED_POOL)),
    ],
    storage_classes=[StorageClassConfig(name="fast", default=True)],
    operators=["gpu-operator"],
)
_NUMBERS = count(1)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = tmp_path_factory.mktemp("sim") / "cluster"
    with SimCluster.start(EXPECTS, home, build.ensure("cluster", Console(stderr=True))) as cluster:
        yield cluster.api()


@pytest.fixture
def namespace(api: Api) -> str:
    return new_namespace(api, f"test-{next(_NUMBERS)}")


def run_plugin(api: Api, namespace: str, pool: str, sharing: Sharing) -> None:
    """The device plugin of *pool*, its ConfigMap and pod as the component writes them."""
    data = {"config.yaml": as_yaml(plugin_config(sharing))}
    init: list[Object] = []
    if isinstance(sharing, Mig):
        data["mig-parted.yaml"] = as_yaml(mig_config(pool, sharing))
        arguments = ["apply", f"--selected-config={pool}"]
        init = [{"name": "mig-layout", "image": "mig-manager", "args": arguments}]
    folder = f"/api/v1/namespaces/{namespace}"
    api.create(f"{folder}/configmaps", {"metadata": {"name": pool}, "data": data})
    programs = ["nvidia-device-plugin"]
    if isinstance(sharing, Mps):
        programs.append("nvidia-mps-control-daemon")
    for program in programs:
        pod = on_pool(pool, {"name": "program", "image": "plugin"})
        pod["metadata"] = {"name": program, "labels": {"app.kubernetes.io/name": program}}
        pod["spec"]["initContainers"] = init
        pod["spec"]["volumes"] = [{"name": "config", "configMap": {"name": pool}}]
        api.create(f"{folder}/pods", pod)


def on_pool(pool: str, container: Object) -> Object:
    return {
        "metadata": {"generateName": "model-"},
        "spec": {
            "nodeSelector": {GPU_POOL: pool},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "containers": [container],
        },
    }


def offered(api: Api, pool: str) -> dict[str, str]:
    """What the one node of *pool* has for pods, of NVIDIA's resources."""
    [node] = api.items("/api/v1/nodes", f"{GPU_POOL}={pool}")
    found = {field: node["status"][field] for field in ("capacity", "allocatable")}
    of_nvidia = [
        {name: amount for name, amount in field.items() if name.startswith("nvidia.com/")}
        for field in found.values()
    ]
    assert of_nvidia[0] == of_nvidia[1]
    return of_nvidia[0]


def fill(api: Api, namespace: str, pool: str, resource: str, pods: int) -> list[Object]:
    """*pods* pods that each ask for one *resource*, once each runs or is refused."""
    asked = {"name": "model", "image": "model", "resources": {"limits": {resource: "1"}}}
    folder = f"/api/v1/namespaces/{namespace}/pods"
    names = [api.create(folder, on_pool(pool, asked))["metadata"]["name"] for _ in range(pods)]

    def told() -> list[Object] | None:
        found = [got(api, f"{folder}/{name}") for name in names]
        return found if all(is_ready(pod) or refusal(pod) for pod in found) else None

    settled = eventually(told)
    assert settled is not None
    return settled


def refusal(pod: Object) -> str:
    return next(
        (
            condition["message"]
            for condition in pod.get("status", {}).get("conditions", [])
            if condition["type"] == "PodScheduled" and condition["status"] == "False"
        ),
        "",
    )


@pytest.mark.parametrize(
    ("pool", "sharing", "offer"),
    [
        (SLICES, Mig(mode="mig", geometry={"1g.10gb": 7}), ("nvidia.com/mig-1g.10gb", 28)),
        (PARTS, Mps(mode="mps", clients=2), ("nvidia.com/gpu.shared", 4)),
        (TURNS, TimeSlicing(mode="time-slicing", clients=3), ("nvidia.com/gpu.shared", 12)),
    ],
)
def test_as_many_pods_run_as_there_are_parts_and_one_more_waits(
    api: Api, namespace: str, pool: str, sharing: Sharing, offer: tuple[str, int]
) -> None:
    resource, devices = offer
    run_plugin(api, namespace, pool, sharing)
    eventually(lambda: offered(api, pool) == {resource: str(devices)})

    pods = fill(api, namespace, pool, resource, devices + 1)

    assert len([pod for pod in pods if is_ready(pod)]) == devices
    [waiting] = [pod for pod in pods if not is_ready(pod)]
    assert f"1 Insufficient {resource}" in refusal(waiting)


def test_a_whole_gpu_is_not_to_be_had_where_gpus_are_cut(api: Api, namespace: str) -> None:
    eventually(lambda: "nvidia.com/gpu" not in offered(api, SLICES))

    [pod] = fill(api, namespace, SLICES, "nvidia.com/gpu", 1)

    assert "1 Insufficient nvidia.com/gpu" in refusal(pod)


def test_feature_discovery_tells_the_instances_of_a_cut_card(api: Api) -> None:
    [node] = api.items("/api/v1/nodes", f"{GPU_POOL}={SLICES}")
    labels = node["metadata"]["labels"]

    assert labels["nvidia.com/mig.strategy"] == "mixed"
    assert labels["nvidia.com/mig.config.state"] == "success"
    assert labels["nvidia.com/mig-1g.10gb.count"] == "28"
    assert labels["nvidia.com/mig-1g.10gb.product"] == "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb"


def test_a_layout_that_the_card_has_not_leaves_the_node_without_devices(
    api: Api, namespace: str
) -> None:
    """As NVIDIA's tool fails; a stack's own checks refuse it long before."""
    for pod in api.items("/api/v1/pods", "app.kubernetes.io/name=nvidia-device-plugin"):
        if pod["spec"]["nodeSelector"][GPU_POOL] == SLICES:
            place = pod["metadata"]
            api.delete(f"/api/v1/namespaces/{place['namespace']}/pods/{place['name']}")
    run_plugin(api, namespace, SLICES, Mig(mode="mig", geometry={"1g.18gb": 7}))

    eventually(lambda: offered(api, SLICES) == {})
    [node] = api.items("/api/v1/nodes", f"{GPU_POOL}={SLICES}")
    assert node["metadata"]["labels"]["nvidia.com/mig.config.state"] == "failed"


def test_a_gpu_operator_that_is_there_follows_the_labels_and_what_the_pool_wrote(
    api: Api, namespace: str
) -> None:
    sharing = OPERATED_POOL.sharing
    assert isinstance(sharing, Mig)
    named = {"app.kubernetes.io/name": "gpu-operator-config"}
    for name, data in {
        "device-plugin": {OPERATED: as_yaml(plugin_config(sharing))},
        "mig": {"config.yaml": as_yaml(mig_config(OPERATED, sharing))},
    }.items():
        config_map = {"metadata": {"name": name, "labels": named}, "data": data}
        api.create(f"/api/v1/namespaces/{namespace}/configmaps", config_map)

    eventually(lambda: offered(api, OPERATED) == {"nvidia.com/mig-3g.40gb": "16"})
    assert got(api, "/apis/node.k8s.io/v1/runtimeclasses/nvidia")["handler"] == "nvidia"


def test_claims_of_devices_are_taken_by_the_real_api_server(api: Api, namespace: str) -> None:
    """The template that a pool of Dynamic Resource Allocation writes, field by field."""
    device = {
        "name": "gpus",
        "exactly": {
            "deviceClassName": "mig.nvidia.com",
            "allocationMode": "ExactCount",
            "count": 1,
            "selectors": [
                {"cel": {"expression": "device.attributes['gpu.nvidia.com'].profile == '1g.10gb'"}}
            ],
        },
    }
    template: Object = {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaimTemplate",
        "metadata": {"name": "model-gpus"},
        "spec": {"spec": {"devices": {"requests": [device]}}},
    }
    folder = f"/apis/resource.k8s.io/v1/namespaces/{namespace}"
    quota = f"/api/v1/namespaces/{namespace}/resourcequotas"
    bounded = f"mig.nvidia.com{CLAIMED_DEVICES}"
    api.create(quota, {"metadata": {"name": "gpus"}, "spec": {"hard": {bounded: "1"}}})
    once(api, f"{quota}/gpus", lambda found: found.get("status", {}).get("used"))
    api.apply(f"{folder}/resourceclaimtemplates/model-gpus", template, "test")
    pod = on_pool(SLICES, {"name": "m", "image": "m", "resources": {"claims": [{"name": "gpus"}]}})
    pod["spec"]["resourceClaims"] = [{"name": "gpus", "resourceClaimTemplateName": "model-gpus"}]
    name = api.create(f"/api/v1/namespaces/{namespace}/pods", pod)["metadata"]["name"]

    once(api, f"/api/v1/namespaces/{namespace}/pods/{name}", refusal)
    [claim] = eventually(lambda: api.items(f"{folder}/resourceclaims"))
    assert claim["spec"]["devices"]["requests"][0]["exactly"]["count"] == 1
    with pytest.raises(RefusedError, match="exceeded quota: gpus"):
        api.create(f"{folder}/resourceclaims", {"metadata": {"name": "more"}, **template["spec"]})
