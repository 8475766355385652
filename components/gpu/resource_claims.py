"""GPU requests of a pod: by resource name, or by ResourceClaim.

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
"""Name of the claim in the pod."""


@dataclass(frozen=True)
class GpuRequest:
    """Arguments of `components.common.pod.container` and `pod` for GPUs."""

    gpus: Mapping[str, int]
    """Count by resource name; empty with claims."""
    claims: Mapping[str, Output[str]]
    """ResourceClaimTemplate by claim name in the pod; empty with counts."""


def request(owner: Component, placement: GpuPlacement, count: int) -> GpuRequest:
    """Request *count* devices of a pool for each pod of *owner*.

    A claim template lives in the namespace of the pod and is immutable: its name is generated, so
    that another count or pool rolls the pods over to another template.
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
    # As a custom resource: the pinned SDK supports this group up to v1beta2.
    template = k8s.apiextensions.CustomResource(
        f"{owner.name}-gpus",
        api_version="resource.k8s.io/v1",
        kind="ResourceClaimTemplate",
        metadata=owner.metadata(),
        spec={"spec": {"devices": {"requests": [{"name": _CLAIM, "exactly": exactly}]}}},
        opts=ResourceOptions(parent=owner, replace_on_changes=["spec"]),
    )
    return GpuRequest({}, {_CLAIM: template.id.apply(lambda path: path.rpartition("/")[2])})
