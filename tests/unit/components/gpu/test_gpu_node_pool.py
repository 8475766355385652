"""What a GPU pool asks of the cluster."""

import json

import pulumi_kubernetes as k8s
import pytest

from components.gpu.gpu_node_pool import GpuNodePool, GpuNodePoolArgs
from config.settings.pools import GpuPoolSettings
from tests.support import Recorded, deploy, tier

DAEMON_SET = "kubernetes:apps/v1:DaemonSet"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
PLUGIN, EXPORTER = "h200-device-plugin", "h200-dcgm"
BOTH = pytest.mark.parametrize("name", [PLUGIN, EXPORTER])
SETTINGS = GpuPoolSettings(gpu="h200-141gb", nodes=2, gpus_per_node=8)


@pytest.fixture(scope="module")
def asked() -> Recorded:
    def program() -> None:
        pool = GpuNodePool("h200", GpuNodePoolArgs(tier=tier("gpu-system"), settings=SETTINGS))
        k8s.core.v1.ConfigMap("consumer", data={"runtime": pool.place().runtime_class})

    return deploy(program)


@BOTH
def test_its_pods_are_on_the_nodes_of_the_pool_and_pass_their_taint(
    asked: Recorded, name: str
) -> None:
    pod = asked.one(DAEMON_SET, name).inputs["spec"]["template"]["spec"]

    assert pod["nodeSelector"] == {"private-ai.dev/gpu-pool": "h200"}
    assert pod["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}
    ]
    assert pod["runtimeClassName"] == "h200-auto"


def test_who_takes_its_gpus_waits_until_the_nodes_offer_them(asked: Recorded) -> None:
    consumer = asked.one(CONFIG_MAP, "consumer")

    assert consumer.inputs["data"]["runtime"] == "h200-auto"
    assert any(urn.endswith(f"DaemonSet::{PLUGIN}") for urn in consumer.depends_on)


def test_its_capacity_is_known_before_anything_exists() -> None:
    assert (SETTINGS.nodes, SETTINGS.gpus) == (2, 16)


@BOTH
def test_its_pods_are_root_without_any_privilege(asked: Recorded, name: str) -> None:
    pod = asked.one(DAEMON_SET, name).inputs["spec"]["template"]["spec"]
    [container] = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize(
    ("name", "path", "read_only"),
    [
        (PLUGIN, "/var/lib/kubelet/device-plugins", False),
        (EXPORTER, "/var/lib/kubelet/pod-resources", True),
    ],
)
def test_each_sees_one_directory_of_the_node(
    asked: Recorded, name: str, path: str, read_only: bool
) -> None:
    pod = asked.one(DAEMON_SET, name).inputs["spec"]["template"]["spec"]
    [volume] = [v for v in pod["volumes"] if "hostPath" in v]
    [mount] = [m for m in pod["containers"][0]["volumeMounts"] if m["name"] == volume["name"]]

    assert volume["hostPath"] == {"path": path}
    assert (mount["mountPath"], mount["readOnly"]) == (path, read_only)


def test_the_names_that_policies_make_an_exception_for_are_on_the_pods(asked: Recorded) -> None:
    names = {
        d.inputs["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
        for d in asked.of(DAEMON_SET)
    }

    assert names == {"nvidia-device-plugin", "dcgm-exporter"}


def test_metrics_are_served_over_tls_and_none_needs_a_capability(asked: Recorded) -> None:
    files = asked.one(CONFIG_MAP, EXPORTER).inputs["data"]
    [container] = asked.one(DAEMON_SET, EXPORTER).inputs["spec"]["template"]["spec"]["containers"]
    first, *_ = files["counters.csv"].splitlines()

    assert json.loads(files["web.yaml"])["tls_server_config"]["cert_file"] == "/etc/tls/tls.crt"
    assert "--web-config-file=/etc/dcgm/web.yaml" in container["args"]
    assert container["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
    assert first == "DCGM_FI_DEV_GPU_UTIL, gauge, GPU utilization. Unit: percent."
    assert "_PROF_" not in files["counters.csv"]


def test_every_part_is_a_child_of_the_pool(asked: Recorded) -> None:
    parents = {
        a.name: a.parent.rsplit("::", 1)[-1]
        for a in asked.values()
        if a.type.startswith("private-ai:index:D") or a.type.endswith("RuntimeClass")
    }

    assert parents == {"h200": "h200", PLUGIN: "h200", EXPORTER: "h200"}
