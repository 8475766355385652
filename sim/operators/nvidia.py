"""What NVIDIA's device plugin, MIG tools and feature discovery make of a node's cards.

They read the same files as the real ones, of the pool's ConfigMap; which cards a node has comes
from its machine type, and what can be cut from a card from the catalogue, so that a layout which
the card has not is refused here too. The names of resources and labels are NVIDIA's:
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
"""Its pods' `app.kubernetes.io/name`."""
OPERATOR_CONFIG: Final = "gpu-operator-config"
"""That of the ConfigMaps which the stack writes for a GPU operator."""
MIG_STATE: Final = "nvidia.com/mig.config.state"

_PREFIX = "nvidia.com/"
_GPU = "nvidia.com/gpu"
_INSTANCE_TYPE = "node.kubernetes.io/instance-type"


class Instructions(Model):
    """What one node was told."""

    plugin: dict[str, Any]
    """The device plugin's configuration."""
    layouts: dict[str, Any]
    """The MIG layouts, by name."""
    layout: str | None
    """Which of them; none leaves the cards whole."""


class Offer(Model):
    """What a node offers to pods and says of itself."""

    resources: dict[str, str]
    labels: dict[str, str]


def machine_of(node: Object) -> Machine | None:
    """The machine behind a simulated node, if it has GPUs."""
    kind = node["metadata"]["labels"].get(_INSTANCE_TYPE)
    return next((m for m in MACHINES.values() if m.gpu and m.type == kind), None)


def instructions(files: Mapping[str, str], layout: str | None) -> Instructions:
    """Of the ConfigMap of the stack's own plugin, and the layout that its init container names."""
    layouts = yaml.safe_load(files.get("mig-parted.yaml", "")) or {}
    return Instructions(
        plugin=yaml.safe_load(files["config.yaml"]),
        layouts=layouts.get("mig-configs", {}),
        layout=layout,
    )


def selected_layout(pod: Object) -> str | None:
    """What the pod's init container lays the cards out as."""
    flag = "--selected-config="
    words = [
        word for init in pod["spec"].get("initContainers", []) for word in init.get("args", [])
    ]
    return next((word.removeprefix(flag) for word in words if word.startswith(flag)), None)


def offer(machine: Machine, told: Instructions) -> Offer:
    """What a node with *machine*'s cards offers once it has done what it was *told*."""
    card = machine.card
    assert card is not None, "asked of nodes with GPUs only"  # noqa: S101
    labels = gpu_labels(card, machine)
    geometry = _geometry(told)
    if geometry is not None:
        return _instances(card, machine.gpus, geometry, labels)
    sharing = told.plugin.get("sharing", {})
    kind = next((key for key in ("timeSlicing", "mps") if key in sharing), None)
    if kind is None:
        return Offer(resources={_GPU: str(machine.gpus)}, labels=labels)
    [shared] = sharing[kind]["resources"]
    renamed = sharing[kind].get("renameByDefault", False)
    labels |= {
        f"{_GPU}.replicas": str(shared["replicas"]),
        f"{_GPU}.sharing-strategy": "mps" if kind == "mps" else "time-slicing",
        "nvidia.com/mps.capable": "true" if kind == "mps" else "false",
        f"{_GPU}.product": card.product if renamed else f"{card.product}-SHARED",
    }
    name = f"{shared['name']}.shared" if renamed else shared["name"]
    return Offer(resources={name: str(machine.gpus * shared["replicas"])}, labels=labels)


def _geometry(told: Instructions) -> dict[str, int] | None:
    if told.layout is None:
        return None
    [layout] = told.layouts[told.layout]
    return dict(layout["mig-devices"]) if layout["mig-enabled"] else None


def _instances(
    card: GpuSpec, cards: int, geometry: Mapping[str, int], labels: dict[str, str]
) -> Offer:
    if not mig.fits(card, geometry):
        return Offer(resources={}, labels={**labels, MIG_STATE: "failed"})
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
        f"{_GPU}.replicas": "0",  # no whole GPU is left to share out
    }
    return Offer(resources=resources, labels=labels)


def changes(node: Object, wanted: Offer) -> tuple[Object | None, Object | None]:
    """Merge patches of the node's status and of the node itself; None where nothing differs."""
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
    """What to set, and with None what to remove, among the keys of NVIDIA."""
    gone = {key for key in present if key.startswith(_PREFIX)} - wanted.keys()
    changed = {key: value for key, value in wanted.items() if present.get(key) != value}
    return {**dict.fromkeys(gone), **changed}
