"""Long-running workloads say whether they live and whether they can serve."""

from collections.abc import Iterator

from policies.rules.model import Finding, Resource, Rule, Severity
from policies.rules.pods import SERVING, containers
from policies.rules.reading import missing


def _unprobed(resource: Resource, probe: str) -> Iterator[Finding]:
    for container in containers(resource, init=False):
        if missing(container.spec, probe):
            yield Finding(f"{container.path}.{probe}", "nothing", "httpGet over HTTPS, exec or tcp")


LIVENESS = Rule(
    "liveness-probe",
    "Containers of Deployments, StatefulSets and DaemonSets have a liveness probe.",
    "A process that hangs is never restarted without one.",
    "add a livenessProbe more patient than the readinessProbe",
    SERVING | {"DaemonSet.apps"},
    Severity.MEDIUM,
    lambda resource: _unprobed(resource, "livenessProbe"),
)

READINESS = Rule(
    "readiness-probe",
    "Containers of Deployments and StatefulSets have a readiness probe.",
    "Without one a pod gets traffic before it can serve, and a rollout never waits for it.",
    "add a readinessProbe",
    SERVING,
    Severity.MEDIUM,
    lambda resource: _unprobed(resource, "readinessProbe"),
)

RULES = (LIVENESS, READINESS)
