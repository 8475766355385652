"""Says, while `up` waits, which pods the scheduler cannot place, and why.

The engine waits for a workload without a word about its pods until it gives up, ten minutes later
or, for a large model, much more. A cluster that grows may yet place the pod, so this warns and
leaves the decision to the person at the keyboard.
"""

import contextvars
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from components.common.labels import PART_OF

_PERIOD_SECONDS = 5
_PATIENCE_SECONDS = 20
"""A pod that has waited so long is not merely next in line."""


@dataclass(frozen=True)
class Unplaced:
    """A pod of the stack that no node can take."""

    namespace: str
    name: str
    reason: str
    """The scheduler's own words."""

    def __str__(self) -> str:
        """What it waits for, and what to do."""
        return (
            f"{self.namespace}/{self.name} stays Pending: {self.reason}\n"
            "Add what it needs to the cluster and `up` goes on by itself; or interrupt it (Ctrl-C),"
            " lower what the stack asks for, and run it again."
        )


def watch(context: str) -> None:
    """Warn of unplaced pods from now until the program ends, from a thread of its own.

    Reads the cluster through `KUBECONFIG`, as the provider does; where that gives none, there is
    nothing to watch, and the provider says so itself.
    """
    if pulumi.runtime.is_dry_run():
        return
    settings = contextvars.copy_context()  # the engine's address is in there
    threading.Thread(target=settings.run, args=(_warn, context), daemon=True).start()


def _warn(context: str) -> None:
    told: set[Unplaced] = set()
    try:
        with config.new_client_from_config(context=context) as connection:
            api = client.CoreV1Api(connection)
            while True:
                time.sleep(_PERIOD_SECONDS)
                for pod in set(unplaced(api, _PATIENCE_SECONDS)) - told:
                    told.add(pod)
                    pulumi.log.warn(str(pod))
    except (ApiException, ConfigException, HTTPError, OSError):
        return  # a look on the side: the deployment itself reports what it meets


def unplaced(api: client.CoreV1Api, patience_seconds: float) -> Iterator[Unplaced]:
    """The stack's pods that have been unschedulable for *patience_seconds* or more."""
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
