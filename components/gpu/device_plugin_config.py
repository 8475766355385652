"""Configuration files of NVIDIA's device plugin, feature discovery and MIG tools for one pool.

Formats: the sections "Shared Access to GPUs" of https://github.com/NVIDIA/k8s-device-plugin and
"Configuration" of https://github.com/NVIDIA/mig-parted. Both read YAML.
"""

from typing import Any

import yaml

from sizing.devices import GPU_RESOURCE
from sizing.sharing import Exclusive, Mig, Sharing, TimeSlicing


def plugin_config(sharing: Sharing) -> dict[str, Any]:
    """The configuration file of the device plugin, version 1.

    Shared GPUs are renamed (`nvidia.com/gpu.shared`) and MIG is `mixed` even with one profile: the
    resource name then shows the kind, and no quota or pod mistakes a partition for a whole GPU.
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
        # Two time slices give no more memory and no second GPU; MPS always rejects them.
        config["sharing"] = {"timeSlicing": {"failRequestsGreaterThanOne": True, **shared}}
    else:
        config["sharing"] = {"mps": shared}
    return config


def mig_config(pool: str, sharing: Mig) -> dict[str, Any]:
    """The configuration file of mig-parted and of the MIG manager: one layout, called *pool*."""
    layout = {"devices": "all", "mig-enabled": True, "mig-devices": dict(sharing.geometry)}
    return {"version": "v1", "mig-configs": {pool: [layout]}}


def as_yaml(config: dict[str, Any]) -> str:
    """The text of a configuration file, with its keys in insertion order."""
    return yaml.safe_dump(config, sort_keys=False)
