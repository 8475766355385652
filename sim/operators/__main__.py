"""The process of the stand-in operators: `python -m sim.operators SERVER TLS_FOLDER NAME…`.

Level-triggered, like the real ones: a change of a Tenant, a Cluster or an object they own
reconciles the whole Tenant or Cluster.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from config.node_labels import PLUGIN_CONFIG
from sim.api import Api, ConflictError, Object, RefusedError
from sim.operators import cloudnative_pg, minio, nvidia, nvidia_reconciler
from sim.operators.reconcilers import RETRY_SECONDS, reconcile_cluster, reconcile_tenant

Reconciler = Callable[[Api, str, str], float | None]
Key = tuple[Reconciler, str, str]
_log = logging.getLogger("sim.operators")
Owner = Callable[[Object], tuple[str, str] | None]
"""Returns namespace and name of the object to reconcile when another changes, if any."""


def _named_by(label: str) -> Owner:
    """The owner named by *label*, or the object itself if *label* is empty."""

    def owner(content: Object) -> tuple[str, str]:
        metadata = content["metadata"]
        return metadata["namespace"], metadata["labels"][label] if label else metadata["name"]

    return owner


_NVIDIA = "nvidia"
"""Always on: the stack deploys its own device plugin, which simulated pods do not run."""


@dataclass(frozen=True)
class Watch:
    """A collection whose changes trigger a reconciliation."""

    path: str
    owner: Owner
    """Finds the owner to reconcile."""
    selector: str = ""
    """Label selector; empty for all objects."""


# By operator: its reconciler and watches.
_WATCHES: dict[str, tuple[Reconciler, list[Watch]]] = {
    _NVIDIA: (
        nvidia_reconciler.reconcile_node,
        [
            Watch("/api/v1/nodes", nvidia_reconciler.owner, PLUGIN_CONFIG),
            Watch(
                "/api/v1/pods", nvidia_reconciler.owner, f"app.kubernetes.io/name={nvidia.PLUGIN}"
            ),
        ],
    ),
    "minio": (
        reconcile_tenant,
        [
            Watch(minio.TENANTS, _named_by("")),
            Watch("/apis/apps/v1/statefulsets", _named_by(minio.TENANT_LABEL), minio.TENANT_LABEL),
        ],
    ),
    "cloudnative-pg": (
        reconcile_cluster,
        [
            Watch(cloudnative_pg.CLUSTERS, _named_by("")),
            Watch(
                "/api/v1/pods",
                _named_by(cloudnative_pg.CLUSTER_LABEL),
                cloudnative_pg.CLUSTER_LABEL,
            ),
        ],
    ),
}


class Queue:
    """A work queue with due times; equal keys are merged."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._changed = threading.Condition()

    def add(self, key: Key, delay: float = 0) -> None:
        """Enqueue *key*, due in *delay* seconds or earlier if it was already queued."""
        with self._changed:
            due = time.monotonic() + delay
            self._due[key] = min(due, self._due.get(key, due))
            self._changed.notify()

    def take(self) -> Key:
        """Wait for the next due key and remove it."""
        with self._changed:
            while True:
                now = time.monotonic()
                key = min(self._due, key=lambda each: self._due[each], default=None)
                if key is not None and self._due[key] <= now:
                    del self._due[key]
                    return key
                self._changed.wait(None if key is None else self._due[key] - now)


def watch(api: Api, queue: Queue, reconciler: Reconciler, watched: Watch) -> None:
    """Enqueue the owner of every changed object of *watched*; never returns."""
    while True:
        try:
            for content in api.watch(watched.path, watched.selector):
                if owner := watched.owner(content):
                    queue.add((reconciler, *owner))
        except (
            httpx.HTTPError,
            RefusedError,
        ) as error:  # restarting, or no CRD
            _log.info("watch %s: %s", watched.path, error)
            time.sleep(0.2)


def main() -> None:
    """Watch and reconcile until killed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    server, tls, *operators = sys.argv[1:]
    api, queue = Api(server, Path(tls)), Queue()
    for operator in [_NVIDIA, *operators]:
        if operator not in _WATCHES:
            continue  # a real controller, or an operator with CRDs only
        reconciler, watches = _WATCHES[operator]
        for watched in watches:
            arguments = (api, queue, reconciler, watched)
            threading.Thread(target=watch, args=arguments, daemon=True).start()
    while True:
        reconciler, namespace, name = key = queue.take()
        try:
            delay = reconciler(api, namespace, name)
        except (httpx.HTTPError, RefusedError, ConflictError) as error:
            _log.warning("%s/%s: %s", namespace, name, error)
            delay = RETRY_SECONDS
        if delay is not None:
            queue.add(key, delay)


if __name__ == "__main__":
    main()
