"""Work that runs once: a Job whose completion is the edge that consumers read."""

from collections.abc import Sequence

import pulumi_kubernetes as k8s
from pulumi import Output

from components.component import Component
from components.labels import labels, selector
from components.network import Pods
from components.pod import USER, Mount, pod

_RETRIES = 6


def pods_of(owner: Component, step: str) -> Pods:
    """The pods of *owner*'s job *step*, which no Service of its servers selects."""
    return Pods(
        f"{owner.name}-{step}",
        owner.tier.namespace,
        selector(f"{owner.kind}-{step}", owner.name),
    )


def run_once(
    owner: Component,
    step: str,
    container: k8s.core.v1.ContainerArgsDict,
    mounts: Sequence[Mount],
    *,
    service_account: Output[str],
    deadline_seconds: int = 600,
    user: int = USER,
) -> Output[str]:
    """Run *container* to completion; returns the Job's name, known once it succeeded.

    Jobs are immutable and have automatic names: a changed one runs again, under a new name. They
    are not deleted when done, since a refresh would take that for drift.
    """
    name = f"{owner.name}-{step}"
    spec = pod(
        [container],
        mounts,
        service_account=service_account,
        priority_class=owner.tier.priority_class,
        user=user,
        restart_policy="OnFailure",
    )
    job = k8s.batch.v1.Job(
        name,
        metadata=owner.awaited(deadline_seconds),
        spec={
            "backoff_limit": _RETRIES,
            "active_deadline_seconds": deadline_seconds,
            "template": {
                "metadata": {"labels": labels(f"{owner.kind}-{step}", owner.name)},
                "spec": spec,
            },
        },
        opts=owner.child,
    )
    return job.metadata.name
