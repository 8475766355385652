"""Reconciliation of one GPU node: find its configuration, and advertise what follows from it."""

import logging

import yaml

from config.node_labels import MIG_CONFIG, PLUGIN_CONFIG
from sim.api import Api, Object
from sim.operators import nvidia
from sim.operators.nvidia import Advertised, NodeConfig
from sim.operators.reconcilers import RETRY_SECONDS

_log = logging.getLogger("sim.operators.nvidia")
_NODES = "/api/v1/nodes"
_NAME = "app.kubernetes.io/name"


def owner(content: Object) -> tuple[str, str] | None:
    """The node of a device plugin's pod, or the node itself; nodes have no namespace."""
    if content["kind"] == "Node":
        return "", content["metadata"]["name"]
    node = content["spec"].get("nodeName")
    return ("", node) if node else None


def reconcile_node(api: Api, _namespace: str, name: str) -> float | None:
    """Reconcile a GPU node. Returns the seconds until a retry, if one is needed."""
    node = api.get(f"{_NODES}/{name}")
    machine = nvidia.machine_of(node) if node else None
    if node is None or machine is None:
        return None
    config, settled = _node_config(api, node)
    if config is None:
        return None if settled else RETRY_SECONDS  # as provisioned: whole GPUs
    _apply(api, node, nvidia.advertised(machine, config))
    return None


def _node_config(api: Api, node: Object) -> tuple[NodeConfig | None, bool]:
    """The node's configuration, and whether only a watched event can change it."""
    name = node["metadata"]["name"]
    for pod in _ready_pods(api, nvidia.PLUGIN, name):
        namespace = pod["metadata"]["namespace"]
        names = [volume.get("configMap", {}).get("name") for volume in pod["spec"]["volumes"]]
        [source] = [each for each in names if each]
        config_map = api.get(f"/api/v1/namespaces/{namespace}/configmaps/{source}")
        if config_map is None:
            return None, False
        config = nvidia.node_config(config_map["data"], nvidia.selected_layout(pod))
        # The plugin registers nothing before the MPS daemon answers (k8s-device-plugin v0.20.0,
        # internal/plugin/server.go:132, mps.go:61-72).
        if "mps" in config.plugin.get("sharing", {}) and not _ready_pods(
            api, nvidia.MPS_DAEMON, name
        ):
            return None, False
        return config, True
    return _from_labels(api, node["metadata"]["labels"])


def _from_labels(api: Api, labels: dict[str, str]) -> tuple[NodeConfig | None, bool]:
    """As with the GPU operator: the node's labels select from its ConfigMaps."""
    chosen = labels.get(PLUGIN_CONFIG)
    if chosen is None:
        return None, True
    layout = labels.get(MIG_CONFIG)
    plugins: dict[str, dict[str, object]] = {}
    layouts: dict[str, object] = {}
    for config_map in api.items("/api/v1/configmaps", f"{_NAME}={nvidia.OPERATOR_CONFIG}"):
        for key, text in config_map["data"].items():
            content = yaml.safe_load(text)
            layouts |= content.get("mig-configs", {})
            plugins[key] = content
    if chosen not in plugins or (layout is not None and layout not in layouts):
        return None, False
    return NodeConfig(plugin=plugins[chosen], layouts=layouts, layout=layout), True


def _apply(api: Api, node: Object, wanted: Advertised) -> None:
    name = node["metadata"]["name"]
    status, itself = nvidia.changes(node, wanted)
    if itself:
        api.merge(f"{_NODES}/{name}", itself)
    if status:
        _log.info("%s advertises %s", name, wanted.resources or "nothing: unsupported MIG layout")
        api.merge(f"{_NODES}/{name}/status", status)


def _ready_pods(api: Api, program: str, node: str) -> list[Object]:
    """The pods of *program* on *node* that are ready."""
    pods = api.items("/api/v1/pods", f"{_NAME}={program}")
    return [pod for pod in pods if pod["spec"].get("nodeName") == node and _is_ready(pod)]


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
