"""What NVIDIA's device plugin, feature discovery and MIG tools read of a pool: one way of sharing.

Formats: the sections "Shared Access to GPUs" of https://github.com/NVIDIA/k8s-device-plugin and
"Configuration" of https://github.com/NVIDIA/mig-parted. Both read YAML.
"""

from typing import Any

import yaml

from sizing.devices import GPU_RESOURCE
from sizing.sharing import Exclusive, Mig, Sharing, TimeSlicing


def plugin_config(sharing: Sharing) -> dict[str, Any]:
    """The configuration file of the device plugin, version 1.

    Shared GPUs are renamed (`nvidia.com/gpu.shared`) and MIG is `mixed` even with one profile: a
    resource then says what it is, and neither a quota nor a pod takes a part for a whole.
    """
    config: dict[str, Any] = {
        "version": "v1",
        "flags": {
            "migStrategy": "mixed" if isinstance(sharing, Mig) else "none",
            "failOnInitError": True,
        },
    }
    if isinstance(sharing, Mig | Exclusive):
        return config
    shared: dict[str, Any] = {
        "renameByDefault": True,
        "resources": [{"name": GPU_RESOURCE, "replicas": sharing.clients}],
    }
    if isinstance(sharing, TimeSlicing):
        # Two turns on one card are no more memory, and no second card; MPS always refuses.
        config["sharing"] = {"timeSlicing": {"failRequestsGreaterThanOne": True, **shared}}
    else:
        config["sharing"] = {"mps": shared}
    return config


def mig_config(pool: str, sharing: Mig) -> dict[str, Any]:
    """The configuration file of mig-parted and of the MIG manager: one layout, called *pool*."""
    layout = {"devices": "all", "mig-enabled": True, "mig-devices": dict(sharing.geometry)}
    return {"version": "v1", "mig-configs": {pool: [layout]}}


def as_yaml(config: dict[str, Any]) -> str:
    """The text of a configuration file, in the order it was written."""
    return yaml.safe_dump(config, sort_keys=False)
