"""The resources and labels of a GPU node, as NVIDIA's device plugin, MIG tools and GFD set them.

The input is the same files as for the real programs, from the pool's ConfigMap. The GPUs of a node
come from its machine type and the possible MIG profiles from the catalog, so a MIG layout that the
GPU does not support is rejected here too. The names of resources and labels are NVIDIA's:
https://github.com/NVIDIA/k8s-device-plugin (README, docs/gpu-feature-discovery, internal/lm).
"""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from base.model import Model
from catalog.gpus import GpuSpec
from catalog.machines import MACHINES, Machine
from sim.api import Object
from sim.nodes import gpu_labels
from sizing import mig

PLUGIN: Final = "nvidia-device-plugin"
"""`app.kubernetes.io/name` of the device plugin's pods."""
MPS_DAEMON: Final = "nvidia-mps-control-daemon"
"""`app.kubernetes.io/name` of the MPS daemon's pods."""
OPERATOR_CONFIG: Final = "gpu-operator-config"
"""`app.kubernetes.io/name` of the ConfigMaps that the stack writes for the GPU operator."""
MIG_STATE: Final = "nvidia.com/mig.config.state"

_PREFIX = "nvidia.com/"
_GPU = "nvidia.com/gpu"
_INSTANCE_TYPE = "node.kubernetes.io/instance-type"


class NodeConfig(Model):
    """The configuration of one GPU node."""

    plugin: dict[str, Any]
    """The device plugin's configuration."""
    layouts: dict[str, Any]
    """The MIG layouts, by name."""
    layout: str | None
    """The selected layout; None: no MIG."""


class Advertised(Model):
    """The resources and labels that a node advertises."""

    resources: dict[str, str]
    """Extended resources and their quantities."""
    labels: dict[str, str]
    """Labels of GPU feature discovery."""


def machine_of(node: Object) -> Machine | None:
    """The machine behind a simulated node, if it has GPUs."""
    kind = node["metadata"]["labels"].get(_INSTANCE_TYPE)
    return next((m for m in MACHINES.values() if m.gpu and m.type == kind), None)


def node_config(files: Mapping[str, str], layout: str | None) -> NodeConfig:
    """The configuration in *files*, from the plugin's ConfigMap, with the selected MIG layout."""
    layouts = yaml.safe_load(files.get("mig-parted.yaml", "")) or {}
    return NodeConfig(
        plugin=yaml.safe_load(files["config.yaml"]),
        layouts=layouts.get("mig-configs", {}),
        layout=layout,
    )


def selected_layout(pod: Object) -> str | None:
    """The MIG layout that the pod's init container selects, if any."""
    flag = "--selected-config="
    words = [
        word for init in pod["spec"].get("initContainers", []) for word in init.get("args", [])
    ]
    return next((word.removeprefix(flag) for word in words if word.startswith(flag)), None)


def advertised(machine: Machine, config: NodeConfig) -> Advertised:
    """The resources and labels of a node with *machine*'s GPUs once *config* is applied."""
    card = machine.card
    assert card is not None, "only called for nodes with GPUs"  # noqa: S101
    labels = gpu_labels(card, machine)
    geometry = _geometry(config)
    if geometry is not None:
        return _instances(card, machine.gpus, geometry, labels)
    sharing = config.plugin.get("sharing", {})
    kind = next((key for key in ("timeSlicing", "mps") if key in sharing), None)
    if kind is None:
        return Advertised(resources={_GPU: str(machine.gpus)}, labels=labels)
    [shared] = sharing[kind]["resources"]
    renamed = sharing[kind].get("renameByDefault", False)
    labels |= {
        f"{_GPU}.replicas": str(shared["replicas"]),
        f"{_GPU}.sharing-strategy": "mps" if kind == "mps" else "time-slicing",
        "nvidia.com/mps.capable": "true" if kind == "mps" else "false",
        f"{_GPU}.product": card.product if renamed else f"{card.product}-SHARED",
    }
    name = f"{shared['name']}.shared" if renamed else shared["name"]
    return Advertised(resources={name: str(machine.gpus * shared["replicas"])}, labels=labels)


def _geometry(config: NodeConfig) -> dict[str, int] | None:
    if config.layout is None:
        return None
    [layout] = config.layouts[config.layout]
    return dict(layout["mig-devices"]) if layout["mig-enabled"] else None


def _instances(
    card: GpuSpec, cards: int, geometry: Mapping[str, int], labels: dict[str, str]
) -> Advertised:
    if not mig.fits(card, geometry):
        return Advertised(resources={}, labels={**labels, MIG_STATE: "failed"})
    resources: dict[str, str] = {}
    for name, count in geometry.items():
        profile = mig.profile(card, name)
        resources[profile.resource] = str(count * cards)
        labels |= {
            f"{profile.resource}.count": str(count * cards),
            f"{profile.resource}.memory": str(profile.memory_mib),
            f"{profile.resource}.product": f"{card.product}-MIG-{name}",
            f"{profile.resource}.replicas": "1",
        }
    labels |= {
        MIG_STATE: "success",
        "nvidia.com/mig.strategy": "mixed",
        f"{_GPU}.replicas": "0",  # no whole GPU is left to share
    }
    return Advertised(resources=resources, labels=labels)


def changes(node: Object, wanted: Advertised) -> tuple[Object | None, Object | None]:
    """Merge patches of the node's status and of the node; None if nothing differs."""
    status: dict[str, dict[str, str | None]] = {}
    for field in ("capacity", "allocatable"):
        difference = _difference(node["status"].get(field, {}), wanted.resources)
        if difference:
            status[field] = difference
    given = {"nvidia.com/mig.config", "nvidia.com/device-plugin.config"}
    present = {k: v for k, v in node["metadata"]["labels"].items() if k not in given}
    labels = _difference(present, wanted.labels)
    return (
        {"status": status} if status else None,
        {"metadata": {"labels": labels}} if labels else None,
    )


def _difference(present: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str | None]:
    """NVIDIA's keys to set; None for those to remove."""
    gone = {key for key in present if key.startswith(_PREFIX)} - wanted.keys()
    changed = {key: value for key, value in wanted.items() if present.get(key) != value}
    return {**dict.fromkeys(gone), **changed}
