"""What a pool creates for each way of sharing its GPUs, and how its pods ask for them."""

from typing import Any

import pulumi_kubernetes as k8s
import pytest
import yaml

from base.quantity import Resources
from catalog.cuda import image_for, minimum_driver
from components import program
from components.common.component import Component
from components.common.contracts import GpuPlacement
from components.common.pod import container, pod
from components.gpu.gpu_node_pool import GpuNodePool, GpuNodePoolArgs
from components.gpu.resource_claims import request
from config.settings.pools import GpuPoolSettings
from config.stack import StackConfig
from tests.paths import ROOT
from tests.support import Recorded, deploy, tier

DAEMON_SET = "kubernetes:apps/v1:DaemonSet"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
CLAIMS = "kubernetes:resource.k8s.io/v1:ResourceClaimTemplate"
PLUGIN = "pool-device-plugin"
MIG = {"sharing": {"mode": "mig", "geometry": {"1g.18gb": 4, "3g.71gb": 1}}}
MPS = {"sharing": {"mode": "mps", "clients": 2}}
TURNS = {"sharing": {"mode": "time-slicing", "clients": 4}}
placements: dict[str, GpuPlacement] = {}


class Consumer(Component):
    """A pod that takes devices, as the engines do."""

    kind = "consumer"

    def __init__(self, name: str, placement: GpuPlacement, count: int) -> None:
        super().__init__(name, tier("models"), None)
        asked = request(self, placement, count)
        box = container(
            "model",
            "image",
            Resources.fixed("1", "1Gi"),
            env=placement.environment,
            gpus=asked.gpus,
            claims=list(asked.claims),
        )
        self.deployment(
            pod([box], [], service_account="default", priority_class="models", claims=asked.claims),
            1,
        )
        self.register_outputs({})


def ask(
    settings: dict[str, Any],
    *,
    profile: str | None = None,
    share: float | None = None,
    count: int = 1,
) -> Recorded:
    def program() -> None:
        pool = GpuPoolSettings.model_validate(
            {"gpu": "h200-141gb", "nodes": 1, "gpus_per_node": 8} | settings
        )
        made = GpuNodePool("pool", GpuNodePoolArgs(tier=tier("gpu-system"), settings=pool))
        Consumer("model", made.place(profile, share), count)

    return deploy(program)


def files(asked: Recorded, name: str = PLUGIN) -> dict[str, Any]:
    data = asked.one(CONFIG_MAP, name).inputs["data"]
    return {file: yaml.safe_load(text) for file, text in data.items()}


def pod_of(asked: Recorded, kind: str, name: str) -> dict[str, Any]:
    return asked.one(kind, name).inputs["spec"]["template"]["spec"]


def consumer(asked: Recorded) -> dict[str, Any]:
    return pod_of(asked, "kubernetes:apps/v1:Deployment", "model")


def test_time_slicing_is_written_as_the_device_plugin_reads_it() -> None:
    asked = ask(TURNS)

    assert files(asked) == {
        "config.yaml": {
            "version": "v1",
            "flags": {"migStrategy": "none", "failOnInitError": True},
            "sharing": {
                "timeSlicing": {
                    "failRequestsGreaterThanOne": True,
                    "renameByDefault": True,
                    "resources": [{"name": "nvidia.com/gpu", "replicas": 4}],
                }
            },
        }
    }
    [box] = consumer(asked)["containers"]
    assert box["resources"]["limits"]["nvidia.com/gpu.shared"] == "1"


def test_the_mps_daemon_alone_sees_the_processes_of_its_node() -> None:
    # k8s-device-plugin v0.20.0, deployments/helm/nvidia-device-plugin/values.yaml:161-166: "hostPID
    # is needed for the MPS server to find its own PID".
    asked = ask(MPS)
    seeing = {
        a.name for a in asked.of(DAEMON_SET) if pod_of(asked, DAEMON_SET, a.name).get("hostPID")
    }

    assert seeing == {"pool-mps"}


def test_mps_has_a_daemon_that_reads_the_plugins_file_and_holds_a_client_to_its_share() -> None:
    asked = ask(MPS, share=0.4)
    [daemon] = pod_of(asked, DAEMON_SET, "pool-mps")["containers"]
    [mount] = pod_of(asked, DAEMON_SET, "pool-mps")["initContainers"]

    assert files(asked)["config.yaml"]["sharing"] == {
        "mps": {
            "renameByDefault": True,
            "resources": [{"name": "nvidia.com/gpu", "replicas": 2}],
        }
    }
    assert mount["volumeMounts"][0]["mountPropagation"] == "Bidirectional"
    assert {v["configMap"]["name"] for v in volumes(asked, "pool-mps") if "configMap" in v} == {
        f"{PLUGIN}-auto"
    }
    assert daemon["securityContext"]["privileged"] is True
    [box] = consumer(asked)["containers"]
    environment = {each["name"]: each["value"] for each in box["env"]}
    # 0.4 of the 143771 MiB of an H200, of device 0.
    assert environment == {
        "CUDA_MPS_PINNED_DEVICE_MEM_LIMIT": "0=57508M",
        "CUDA_MPS_ACTIVE_THREAD_PERCENTAGE": "40",
    }


def volumes(asked: Recorded, name: str) -> list[dict[str, Any]]:
    return pod_of(asked, DAEMON_SET, name)["volumes"]


def test_mig_cards_are_laid_out_before_the_plugin_announces_them() -> None:
    asked = ask(MIG, profile="3g.71gb")
    spec = pod_of(asked, DAEMON_SET, PLUGIN)
    [layout], [plugin] = spec["initContainers"], spec["containers"]

    assert files(asked)["mig-parted.yaml"] == {
        "version": "v1",
        "mig-configs": {
            "pool": [
                {
                    "devices": "all",
                    "mig-enabled": True,
                    "mig-devices": {"1g.18gb": 4, "3g.71gb": 1},
                }
            ]
        },
    }
    assert files(asked)["config.yaml"]["flags"]["migStrategy"] == "mixed"
    assert layout["command"] == ["nvidia-mig-parted"]
    assert layout["args"] == [
        "apply",
        "--config-file=/etc/nvidia-device-plugin/mig-parted.yaml",
        "--selected-config=pool",
    ]
    for box in (layout, plugin):
        assert box["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["SYS_ADMIN"]}
        assert "privileged" not in box["securityContext"]
    [model] = consumer(asked)["containers"]
    assert model["resources"]["limits"]["nvidia.com/mig-3g.71gb"] == "1"


def test_no_program_on_the_nodes_of_a_pool_has_a_token_of_the_api_server() -> None:
    for settings in (MIG, {**MPS, "feature_discovery": True}):
        asked = ask(settings, profile="1g.18gb" if settings is MIG else None)
        for daemon_set in asked.of(DAEMON_SET):
            spec = daemon_set.inputs["spec"]["template"]["spec"]
            assert spec["automountServiceAccountToken"] is False


def test_feature_discovery_reads_what_the_plugin_reads() -> None:
    asked = ask({**MIG, "feature_discovery": True}, profile="1g.18gb")
    names = [
        volume["configMap"]["name"]
        for volume in volumes(asked, "pool-feature-discovery")
        if "configMap" in volume
    ]

    assert names == [f"{PLUGIN}-auto"]
    assert "pool-feature-discovery" not in {a.name for a in ask(TURNS).of(DAEMON_SET)}


def test_where_the_gpu_operator_is_there_only_what_it_lacks_is_made() -> None:
    asked = ask({**MIG, "operator": "already-there"}, profile="1g.18gb")

    assert [a.name for a in asked.of(DAEMON_SET)] == ["pool-dcgm"]
    assert asked.of("kubernetes:node.k8s.io/v1:RuntimeClass") == []
    assert pod_of(asked, DAEMON_SET, "pool-dcgm")["runtimeClassName"] == "nvidia"
    plugin = asked.one(CONFIG_MAP, "pool-device-plugin").inputs
    assert plugin["metadata"]["namespace"] == "gpu-operator"
    assert set(plugin["data"]) == {"pool"}
    assert set(files(asked, "pool-mig")["config.yaml"]["mig-configs"]) == {"pool"}


def test_a_pool_of_whole_gpus_tells_the_gpu_operator_nothing() -> None:
    asked = ask({"operator": "already-there"})

    assert [a.name for a in asked.of(CONFIG_MAP)] == ["pool-dcgm"]


def test_claimed_devices_are_named_by_class_and_profile_and_counted_once() -> None:
    asked = ask(
        {**MIG, "allocation": "dra", "operator": "already-there"}, profile="1g.18gb", count=1
    )
    [template] = list(asked.of(CLAIMS))
    [device] = template.inputs["spec"]["spec"]["devices"]["requests"]

    assert device == {
        "name": "gpus",
        "exactly": {
            "deviceClassName": "mig.nvidia.com",
            "allocationMode": "ExactCount",
            "count": 1,
            "selectors": [
                {"cel": {"expression": "device.attributes['gpu.nvidia.com'].profile == '1g.18gb'"}}
            ],
        },
    }
    spec = consumer(asked)
    assert spec["resourceClaims"] == [
        {"name": "gpus", "resourceClaimTemplateName": "model-gpus-id"}
    ]
    [box] = spec["containers"]
    assert box["resources"]["claims"] == [{"name": "gpus"}]
    assert not [name for name in box["resources"]["limits"] if name.startswith("nvidia.com")]


def test_whole_gpus_are_claimed_without_a_device_plugin() -> None:
    asked = ask({"allocation": "dra"}, count=4)
    [template] = asked.of(CLAIMS)
    [device] = template.inputs["spec"]["spec"]["devices"]["requests"]

    assert [a.name for a in asked.of(DAEMON_SET)] == ["pool-dcgm"]
    assert device["exactly"] == {
        "deviceClassName": "gpu.nvidia.com",
        "allocationMode": "ExactCount",
        "count": 4,
    }


@pytest.mark.parametrize(
    ("settings", "nvlink", "per_pod", "brings"),
    [({}, True, 8, False), (MPS, False, 1, True), (TURNS, False, 1, False)],
)
def test_a_placement_says_what_a_pod_may_take(
    settings: dict[str, Any], nvlink: bool, per_pod: int, brings: bool
) -> None:
    def program() -> None:
        pool = GpuPoolSettings.model_validate(
            {"gpu": "h200-141gb", "nodes": 1, "gpus_per_node": 8, "driver": 570} | settings
        )
        made = GpuNodePool("pool", GpuNodePoolArgs(tier=tier("gpu-system"), settings=pool))
        placements["it"] = made.place()
        k8s.core.v1.ConfigMap("end")

    deploy(program)
    placement = placements["it"]

    assert (placement.device.nvlink, placement.device.per_pod) == (nvlink, per_pod)
    assert placement.brings_shared_memory is brings
    assert placement.image_key("vllm") == "vllm-cu129"
    assert placement.image_key("qdrant") == "qdrant"


def test_the_image_follows_the_driver() -> None:
    assert [minimum_driver(cuda) for cuda in ("11.8", "12.9", "13.0")] == [450, 525, 580]
    assert image_for("vllm", 580) == "vllm"
    assert image_for("vllm", 579) == image_for("vllm", 525) == "vllm-cu129"
    assert image_for("vllm", 524) is None


def test_the_quota_counts_parts_of_gpus_and_claims_under_the_names_that_pods_use() -> None:
    base = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    stack = base["config"]["private-ai:stack"]
    h200 = {"gpu": "h200-141gb", "nodes": 2, "gpus_per_node": 8}
    stack["pools"] = {
        "cut": h200 | MIG,
        "shared": h200 | MPS,
        "turns": h200 | TURNS,
        "claimed": h200 | {"allocation": "dra"},
    }

    assert program.gpus(StackConfig.model_validate(stack)) == {
        "nvidia.com/mig-1g.18gb": 64,
        "nvidia.com/mig-3g.71gb": 16,
        "nvidia.com/gpu.shared": 32 + 64,
        "gpu.nvidia.com.deviceclass.resource.k8s.io/devices": 16,
    }
