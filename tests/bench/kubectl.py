"""The floor: the same objects by `kubectl apply --server-side`, until all of them are ready."""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from sim.api import Api
from sim.control_plane import SimCluster
from tests.engine.checkout import Checkout, Done
from tests.engine.sim_support import is_ready
from toolchain import build

_FIRST = ("Namespace", "PriorityClass", "RuntimeClass")
"""Kinds that the others need at once; kubectl does not sort."""

_PATIENCE = 600
_POLL = 0.1


@dataclass(frozen=True)
class Kubectl:
    """kubectl on a cluster, with a file of objects."""

    program: Path
    cluster: SimCluster
    objects: Path

    def apply(self) -> Done:
        """Apply all of them."""
        done = subprocess.run(
            [
                self.program,
                f"--kubeconfig={self.cluster.kubeconfig}",
                *("apply", "--server-side", "--force-conflicts", f"--filename={self.objects}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout)

    def apply_and_wait(self) -> Done:
        """Apply all of them, and wait until every workload is as ready as `up` waits for."""
        done = self.apply()
        deadline = time.monotonic() + _PATIENCE
        api = self.cluster.api()
        while not done.code and (waiting := unready(api)):
            if time.monotonic() > deadline:
                return Done(1, f"not ready after {_PATIENCE} s: {waiting}")
            time.sleep(_POLL)
        return done


def unready(api: Api) -> list[str]:
    """Names of the workloads that are not ready yet."""

    def short(item: dict[str, Any], wanted: int, have: str) -> bool:
        return int(item.get("status", {}).get(have) or 0) < wanted

    tests: dict[str, Callable[[dict[str, Any]], bool]] = {
        "/apis/apps/v1/deployments": lambda d: short(d, d["spec"]["replicas"], "readyReplicas"),
        "/apis/apps/v1/statefulsets": lambda s: short(s, s["spec"]["replicas"], "readyReplicas"),
        "/apis/apps/v1/daemonsets": lambda d: (
            d["status"]["numberReady"] < d["status"]["desiredNumberScheduled"]
            or d["status"].get("observedGeneration") != d["metadata"]["generation"]
        ),
        "/apis/batch/v1/jobs": lambda j: not j.get("status", {}).get("succeeded"),
        "/apis/postgresql.cnpg.io/v1/clusters": lambda c: not is_ready(c),
        "/apis/minio.min.io/v2/tenants": lambda t: (
            t.get("status", {}).get("currentState") != "Initialized"
        ),
    }
    return [
        item["metadata"]["name"]
        for path, is_short in tests.items()
        for item in api.items(path)
        if is_short(item)
    ]


def objects(deployed: Checkout, file: Path) -> int:
    """Write the Kubernetes objects of a stack that is up to *file*; returns how many."""
    done = deployed.pulumi("stack", "export", "--show-secrets")
    exported = json.loads(done.output[done.output.index("{") :])
    found = [
        _plain(resource["inputs"])
        for resource in exported["deployment"]["resources"]
        if resource["type"].startswith("kubernetes:")
    ]
    found.sort(key=lambda o: o["kind"] not in _FIRST)
    content = {"apiVersion": "v1", "kind": "List", "items": found}
    file.write_text(json.dumps(content), encoding="utf-8")
    file.chmod(0o600)
    return len(found)


def on(deployed: Checkout, cluster: SimCluster, file: Path, console: Console) -> Kubectl:
    """Kubectl on *cluster*, with the objects of *deployed*."""
    toolchain = build.ensure("kubectl", console)
    objects(deployed, file)
    return Kubectl(toolchain.path("kubectl"), cluster, file)


def _plain(value: Any) -> Any:
    """*value* with the engine's envelopes around secrets taken off."""
    if isinstance(value, dict):
        if "plaintext" in value and any(len(key) == 32 for key in value):
            return json.loads(value["plaintext"])
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
