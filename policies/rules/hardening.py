"""The fields that can be filled in without changing what a sound workload does.

Only what is absent is set; what somebody wrote stays, and is judged by the rules.
"""

from collections.abc import Iterator

from policies.rules.model import Node, Resource
from policies.rules.pods import pods
from policies.rules.reading import entries, get, mapping, missing

Path = tuple[str | int, ...]


def _steps(path: str) -> Path:
    return tuple(path.split(".")) if path else ()


def patches(resource: Resource) -> Iterator[tuple[Path, Node]]:
    """Where to put what: no token, no escalation, the runtime's seccomp profile."""
    for pod in pods(resource):
        spec = _steps(pod.path)
        anonymous = get(pod.spec, "serviceAccountName") in (None, "", "default")
        if anonymous and missing(pod.spec, "automountServiceAccountToken"):
            yield (*spec, "automountServiceAccountToken"), False
        if missing(pod.spec, "securityContext", "seccompProfile"):
            own = mapping(pod.spec, "securityContext")
            if own or missing(pod.spec, "securityContext"):
                yield (
                    (*spec, "securityContext"),
                    {**own, "seccompProfile": {"type": "RuntimeDefault"}},
                )
        for field in ("initContainers", "containers"):
            for i, container in entries(pod.spec, field):
                own = mapping(container, "securityContext")
                if "allowPrivilegeEscalation" in own or own.get("privileged") is True:
                    continue
                if own or missing(container, "securityContext"):
                    path = (*spec, field, i, "securityContext")
                    yield path, {**own, "allowPrivilegeEscalation": False}
