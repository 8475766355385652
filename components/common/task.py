"""Work that runs once: a Job whose completion is the edge that consumers read."""

from collections.abc import Sequence

import pulumi_kubernetes as k8s
from pulumi import Output

from components.common.component import Component
from components.common.labels import labels, selector
from components.common.network import Pods
from components.common.pod import USER, Mount, pod

_RETRIES = 6


def pods_of(owner: Component, step: str) -> Pods:
    """The pods of *owner*'s job *step*, which no Service of its servers selects."""
    return Pods(
        f"{owner.name}-{step}",
        owner.tier.namespace,
        selector(f"{owner.kind}-{step}", owner.name),
        owner,
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
    final_exit_code: int | None = None,
) -> Output[str]:
    """Run *container* to completion; returns the Job's name, known once it succeeded.

    Jobs are immutable and have automatic names: a changed one runs again, under a new name. They
    are not deleted when done, since a refresh would take that for drift.

    With *final_exit_code* the container tells that no repetition helps: the Job fails at once, and
    every pod that failed stays, with what it said. Without, one pod repeats, and goes with the Job.
    """
    name = f"{owner.name}-{step}"
    spec = pod(
        [container],
        mounts,
        service_account=service_account,
        priority_class=owner.tier.priority_class,
        user=user,
        restart_policy="OnFailure" if final_exit_code is None else "Never",
    )
    work: k8s.batch.v1.JobSpecArgsDict = {
        "backoff_limit": _RETRIES,
        "active_deadline_seconds": deadline_seconds,
        "template": {
            "metadata": {"labels": labels(f"{owner.kind}-{step}", owner.name)},
            "spec": spec,
        },
    }
    if final_exit_code is not None:
        # https://kubernetes.io/docs/tasks/job/pod-failure-policy/
        work["pod_failure_policy"] = {
            "rules": [
                {
                    "action": "FailJob",
                    "on_exit_codes": {"operator": "In", "values": [final_exit_code]},
                }
            ]
        }
    job = k8s.batch.v1.Job(
        name, metadata=owner.awaited(deadline_seconds), spec=work, opts=owner.child_opts
    )
    return job.metadata.name
