"""What is done about one GPU node: find what it was told, and let it offer that."""

import logging

import yaml

from config.node_labels import MIG_CONFIG, PLUGIN_CONFIG
from sim.api import Api, Object
from sim.operators import nvidia
from sim.operators.nvidia import Instructions, Offer
from sim.operators.reconcilers import SOON

_log = logging.getLogger("sim.operators.nvidia")
_NODES = "/api/v1/nodes"
_NAME = "app.kubernetes.io/name"


def owner(content: Object) -> tuple[str, str] | None:
    """The node that a pod of the device plugin is on, or the node itself; no namespace."""
    if content["kind"] == "Node":
        return "", content["metadata"]["name"]
    node = content["spec"].get("nodeName")
    return ("", node) if node else None


def reconcile_node(api: Api, _namespace: str, name: str) -> float | None:
    """Let the node offer what it was told. Returns the seconds until the next look, if any."""
    node = api.get(f"{_NODES}/{name}")
    machine = nvidia.machine_of(node) if node else None
    if node is None or machine is None:
        return None
    told, settled = _told(api, node)
    if told is None:
        return None if settled else SOON  # as it was furnished: whole GPUs
    _apply(api, node, nvidia.offer(machine, told))
    return None


def _told(api: Api, node: Object) -> tuple[Instructions | None, bool]:
    """What the node was told, and whether that can only change with an event that is watched."""
    for pod in api.items("/api/v1/pods", f"{_NAME}={nvidia.PLUGIN}"):
        if pod["spec"].get("nodeName") != node["metadata"]["name"] or not _is_ready(pod):
            continue
        namespace = pod["metadata"]["namespace"]
        names = [volume.get("configMap", {}).get("name") for volume in pod["spec"]["volumes"]]
        [config] = [each for each in names if each]
        found = api.get(f"/api/v1/namespaces/{namespace}/configmaps/{config}")
        if found is None:
            return None, False
        return nvidia.instructions(found["data"], nvidia.selected_layout(pod)), True
    return _from_labels(api, node["metadata"]["labels"])


def _from_labels(api: Api, labels: dict[str, str]) -> tuple[Instructions | None, bool]:
    """As the GPU operator does it: the node's labels choose among what it was given."""
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
    return Instructions(plugin=plugins[chosen], layouts=layouts, layout=layout), True


def _apply(api: Api, node: Object, wanted: Offer) -> None:
    name = node["metadata"]["name"]
    status, itself = nvidia.changes(node, wanted)
    if itself:
        api.merge(f"{_NODES}/{name}", itself)
    if status:
        _log.info("%s offers %s", name, wanted.resources or "nothing: its cards cannot be cut so")
        api.merge(f"{_NODES}/{name}/status", status)


def _is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
