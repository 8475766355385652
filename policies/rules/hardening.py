"""Security defaults that can be set without changing how a workload behaves.

Only missing fields are set; existing values stay, and the rules check them.
"""

from collections.abc import Iterator

from policies.rules.model import UNKNOWN, Node, Resource
from policies.rules.pods import pods
from policies.rules.reading import entries, get, missing

Path = tuple[str | int, ...]


def _steps(path: str) -> Path:
    return tuple(path.split(".")) if path else ()


def patches(resource: Resource) -> Iterator[tuple[Path, Node]]:
    """Path and value of each default: no token, no escalation, the runtime's seccomp profile."""
    for pod in pods(resource):
        spec = _steps(pod.path)
        anonymous = get(pod.spec, "serviceAccountName") in (None, "", "default")
        if anonymous and missing(pod.spec, "automountServiceAccountToken"):
            yield (*spec, "automountServiceAccountToken"), False
        if missing(pod.spec, "securityContext", "seccompProfile"):
            profile = {"type": "RuntimeDefault"}
            yield (*spec, "securityContext", "seccompProfile"), profile
        for field in ("initContainers", "containers"):
            for i, container in entries(pod.spec, field):
                escalation = ("securityContext", "allowPrivilegeEscalation")
                privileged = get(container, "securityContext", "privileged") in (True, UNKNOWN)
                if not privileged and missing(container, *escalation):
                    yield (*spec, field, i, *escalation), False
