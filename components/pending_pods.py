"""Pods that the scheduler cannot place.

It imports the Kubernetes client with its models of pods, 0.5 s that no preview pays.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from components.common.labels import PART_OF

_PERIOD_SECONDS = 5
_PATIENCE_SECONDS = 20
"""Pods pending for less are not reported."""


@dataclass(frozen=True)
class Unplaced:
    """A pod of the stack that fits no node."""

    namespace: str
    name: str
    reason: str
    """Message of the scheduler."""

    def __str__(self) -> str:
        """The reason, and what to do."""
        return (
            f"{self.namespace}/{self.name} stays Pending: {self.reason}\n"
            "Add the capacity to the cluster and `up` continues by itself; or interrupt it"
            " (Ctrl-C), reduce the requests of the stack, and run it again."
        )


def report(context: str, warn: Callable[[str], object]) -> None:
    """Pass each unplaced pod to *warn* once, for as long as the cluster answers.

    Reads the cluster through `KUBECONFIG`, as the provider does; without a cluster it returns, and
    the provider reports the error.
    """
    reported: set[Unplaced] = set()
    try:
        with config.new_client_from_config(context=context) as connection:
            api = client.CoreV1Api(connection)
            while True:
                time.sleep(_PERIOD_SECONDS)
                for pod in set(unplaced(api, _PATIENCE_SECONDS)) - reported:
                    reported.add(pod)
                    warn(str(pod))
    except (ApiException, ConfigException, HTTPError, OSError):
        return  # the deployment itself reports such errors


def unplaced(api: client.CoreV1Api, patience_seconds: float) -> Iterator[Unplaced]:
    """Pods of the stack that have been unschedulable for at least *patience_seconds*."""
    pods = api.list_pod_for_all_namespaces(
        label_selector=f"{PART_OF}=private-ai", field_selector="status.phase=Pending"
    )
    for pod in pods.items:
        metadata, status = pod.metadata, pod.status
        if metadata is None or status is None:
            continue
        for condition in status.conditions or []:
            since = condition.last_transition_time
            if (
                condition.type == "PodScheduled"
                and condition.reason == "Unschedulable"
                and since is not None
                and time.time() - since.timestamp() >= patience_seconds
            ):
                yield Unplaced(
                    metadata.namespace or "", metadata.name or "", condition.message or ""
                )
