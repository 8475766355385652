"""Groups of pods that serve one model together, each over several nodes: LeaderWorkerSet.

https://lws.sigs.k8s.io; the types of v0.8.0 accept what is made here
(tests/engine/test_vllm_resources.py).
"""

import pulumi_kubernetes as k8s
from pulumi import ResourceOptions

from components.common.component import Component
from components.common.labels import Labels
from components.common.manifest import manifest

API_VERSION = "leaderworkerset.x-k8s.io/v1"
KIND = "LeaderWorkerSet"

LEADERS: Labels = {"leaderworkerset.sigs.k8s.io/worker-index": "0"}
"""What the pods that answer carry, besides the labels of their component."""


def leader_worker_set(
    component: Component,
    leader: k8s.core.v1.PodSpecArgsDict,
    worker: k8s.core.v1.PodSpecArgsDict,
    *,
    groups: int | None,
    size: int,
    ready_within_seconds: int,
) -> k8s.apiextensions.CustomResource:
    """*groups* of one *leader* and *size* - 1 *worker* pods; None where somebody else counts them.

    A group lives and dies as one: with a pod gone the others hold half of a model. An update takes
    one group down before it starts the next, since no GPUs lie idle for a second.
    """
    labels = dict(component.labels)
    count = {} if groups is None else {"replicas": groups}
    return k8s.apiextensions.CustomResource(
        component.name,
        api_version=API_VERSION,
        kind=KIND,
        metadata={
            **component.metadata(component.name),  # its pods find their leader by it
            "annotations": {
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
