"""How a pod asks for the devices of its pool: by counting them, or by claiming them.

https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi_kubernetes as k8s
from pulumi import Output, ResourceOptions

from components.common.component import Component
from components.common.contracts import GpuPlacement

_CLAIM = "gpus"
"""What the pod calls its devices."""


@dataclass(frozen=True)
class GpuRequest:
    """What `components.pod.container` and `components.pod.pod` take to get GPUs."""

    gpus: Mapping[str, int]
    """By resource name; empty where they are claimed."""
    claims: Mapping[str, Output[str]]
    """By name in the pod, the ResourceClaimTemplate of each; empty where they are counted."""


def request(owner: Component, placement: GpuPlacement, count: int) -> GpuRequest:
    """Ask for *count* devices of a pool for each pod of *owner*.

    A claim's template lives in the pod's namespace and is immutable: its name is automatic, so that
    another count or pool rolls the pods over to another template.
    """
    if placement.device_class is None:
        return GpuRequest({placement.resource: count}, {})
    exactly: dict[str, Any] = {
        "deviceClassName": placement.device_class,
        "allocationMode": "ExactCount",
        "count": count,
    }
    if placement.device_selector:
        exactly["selectors"] = [{"cel": {"expression": placement.device_selector}}]
    # As a custom resource: the SDK that goes with the engine stops at v1beta2 of this group.
    template = k8s.apiextensions.CustomResource(
        f"{owner.name}-gpus",
        api_version="resource.k8s.io/v1",
        kind="ResourceClaimTemplate",
        metadata=owner.metadata(),
        spec={"spec": {"devices": {"requests": [{"name": _CLAIM, "exactly": exactly}]}}},
        opts=ResourceOptions(parent=owner, replace_on_changes=["spec"]),
    )
    return GpuRequest({}, {_CLAIM: template.id.apply(lambda path: path.rpartition("/")[2])})
