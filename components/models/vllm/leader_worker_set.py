"""Multi-node servers: each a group of pods of a LeaderWorkerSet.

https://lws.sigs.k8s.io; the types of v0.8.0 accept these objects
(tests/engine/test_vllm_resources.py).
"""

import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

from components.common.component import Component
from components.common.labels import Labels
from components.common.manifest import manifest

API_VERSION = "leaderworkerset.x-k8s.io/v1"
KIND = "LeaderWorkerSet"

AFTER_START = "leaderworkerset.sigs.k8s.io/experimental-recreate-group-after-start"
"""Since 0.8.0 (pkg/controllers/pod_controller.go:216), any value: while a pod of the group still
pulls or verifies, one that restarts does not take the group with it, and that work."""

LEADERS: Labels = {"leaderworkerset.sigs.k8s.io/worker-index": "0"}
"""Labels of the pods with an HTTP server, besides those of their component."""


def leader_worker_set(
    component: Component,
    leader: k8s.core.v1.PodSpecArgsDict,
    worker: k8s.core.v1.PodSpecArgsDict,
    *,
    groups: int | None,
    size: int,
    ready_within_seconds: int,
) -> k8s.apiextensions.CustomResource:
    """*groups* of one *leader* and *size* - 1 *worker* pods; None: an autoscaler sets the number.

    A group restarts as a whole: without one pod the others hold part of a model. An update stops
    one group before it starts the next, since no GPUs are reserved for a second copy.
    """
    labels = dict(component.labels)
    count = {} if groups is None else {"replicas": groups}
    return k8s.apiextensions.CustomResource(
        component.name,
        api_version=API_VERSION,
        kind=KIND,
        metadata={
            **component.metadata(component.name),  # pods resolve their leader by this name
            "annotations": {
                AFTER_START: "true",
                "pulumi.com/waitFor": "condition=Available",
                "pulumi.com/timeoutSeconds": str(ready_within_seconds),
            },
        },
        spec={
            **count,
            "startupPolicy": "LeaderCreated",
            "rolloutStrategy": {
                "type": "RollingUpdate",
                "rollingUpdateConfiguration": {"maxUnavailable": 1, "maxSurge": 0},
            },
            "leaderWorkerTemplate": {
                "size": size,
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": {"metadata": {"labels": labels}, "spec": manifest(leader)},
                "workerTemplate": {"metadata": {"labels": labels}, "spec": manifest(worker)},
            },
        },
        opts=ResourceOptions(parent=component),
    )
