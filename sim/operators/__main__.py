"""The process that plays the operators: `python -m sim.operators SERVER TLS_FOLDER NAME…`.

Level-triggered like the real ones: any change of a Tenant, a Cluster or something of theirs leads
to one look at the whole of it.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from sim.api import Api, ConflictError, Object, RefusedError
from sim.operators import cloudnative_pg, minio
from sim.operators.reconcilers import SOON, reconcile_cluster, reconcile_tenant

Reconciler = Callable[[Api, str, str], float | None]
Key = tuple[Reconciler, str, str]
_log = logging.getLogger("sim.operators")
# (collection, selector, label with the owner's name or "" where the object is the owner itself)
_WATCHES: dict[str, tuple[Reconciler, list[tuple[str, str]]]] = {
    "minio": (
        reconcile_tenant,
        [(minio.TENANTS, ""), ("/apis/apps/v1/statefulsets", minio.TENANT_LABEL)],
    ),
    "cloudnative-pg": (
        reconcile_cluster,
        [(cloudnative_pg.CLUSTERS, ""), ("/api/v1/pods", cloudnative_pg.CLUSTER_LABEL)],
    ),
}


class Queue:
    """What is to be looked at and when; a thing asked for twice is looked at once."""

    def __init__(self) -> None:
        self._due: dict[Key, float] = {}
        self._changed = threading.Condition()

    def add(self, key: Key, delay: float = 0) -> None:
        """Ask for a look at *key* in *delay* seconds, or sooner if that was asked already."""
        with self._changed:
            due = time.monotonic() + delay
            self._due[key] = min(due, self._due.get(key, due))
            self._changed.notify()

    def take(self) -> Key:
        """Wait for the next that is due."""
        with self._changed:
            while True:
                now = time.monotonic()
                key = min(self._due, key=lambda each: self._due[each], default=None)
                if key is not None and self._due[key] <= now:
                    del self._due[key]
                    return key
                self._changed.wait(None if key is None else self._due[key] - now)


def watch(api: Api, queue: Queue, reconciler: Reconciler, path: str, label: str) -> None:
    """Ask for a look at whatever owns an object at *path*, for ever."""
    while True:
        try:
            for content in api.watch(path, label):
                queue.add((reconciler, *_owner(content, label)))
        except (httpx.HTTPError, RefusedError) as error:  # starting, restarting, type not there yet
            _log.info("watch %s: %s", path, error)
            time.sleep(0.2)


def _owner(content: Object, label: str) -> tuple[str, str]:
    metadata = content["metadata"]
    name = metadata["labels"][label] if label else metadata["name"]
    return metadata["namespace"], name


def main() -> None:
    """Watch and reconcile until killed."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    server, tls, *operators = sys.argv[1:]
    api, queue = Api(server, Path(tls)), Queue()
    for operator in operators:
        reconciler, watched = _WATCHES[operator]
        for path, label in watched:
            arguments = (api, queue, reconciler, path, label)
            threading.Thread(target=watch, args=arguments, daemon=True).start()
    while True:
        reconciler, namespace, name = key = queue.take()
        try:
            again = reconciler(api, namespace, name)
        except (httpx.HTTPError, RefusedError, ConflictError) as error:
            _log.warning("%s/%s: %s", namespace, name, error)
            again = SOON
        if again is not None:
            queue.add(key, again)


if __name__ == "__main__":
    main()
