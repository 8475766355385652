"""Liveness and readiness probes of long-running workloads."""

from collections.abc import Iterator

from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity
from policies.rules.pods import SERVING, containers
from policies.rules.reading import get, missing


def _unprobed(resource: Resource, probe: str) -> Iterator[Finding]:
    for container in containers(resource, init=False):
        if missing(container.spec, probe):
            yield Finding(
                f"{container.path}.{probe}", "missing", "httpGet over HTTPS, exec or tcpSocket"
            )


LIVENESS = Rule(
    "liveness-probe",
    "Containers of Deployments, StatefulSets and DaemonSets have a liveness probe.",
    "Without one, a hanging process is never restarted.",
    "add a livenessProbe that tolerates more failures than the readinessProbe",
    SERVING | {"DaemonSet.apps"},
    Severity.MEDIUM,
    lambda resource: _unprobed(resource, "livenessProbe"),
    covers=("liveness-probe",),
)

READINESS = Rule(
    "readiness-probe",
    "Containers of Deployments and StatefulSets have a readiness probe.",
    "Without one, a pod gets traffic before it can serve, and rollouts do not wait for it.",
    "add a readinessProbe",
    SERVING,
    Severity.MEDIUM,
    lambda resource: _unprobed(resource, "readinessProbe"),
    covers=("readiness-probe",),
)

_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_FAILURES, _PERIOD = 3, 10
"""Defaults: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/"""


def _failure_seconds(probe: Node) -> float | None:
    """Seconds until the probe fails for good; None if not known."""
    times = get(probe, "failureThreshold", default=_FAILURES)
    seconds = get(probe, "periodSeconds", default=_PERIOD)
    return None if UNKNOWN in (times, seconds) else float(times) * float(seconds)


def _hasty(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource, init=False):
        lives, serves = (get(container.spec, p) for p in ("livenessProbe", "readinessProbe"))
        if lives is None or serves is None or UNKNOWN in (lives, serves):
            continue
        handlers = [[get(probe, h) for h in _HANDLERS] for probe in (lives, serves)]
        liveness, readiness = _failure_seconds(lives), _failure_seconds(serves)
        if handlers[0] == handlers[1] and liveness and readiness and liveness <= readiness:
            yield Finding(
                f"{container.path}.livenessProbe",
                f"the same check as the readiness probe, failing after {liveness:g} s",
                f"another check, or more than {readiness:g} s",
            )


DISTINCT = Rule(
    "liveness-more-patient",
    "A liveness probe differs from the readiness probe, or takes longer to fail.",
    "Otherwise a busy pod is restarted when it should only be taken out of rotation.",
    "raise failureThreshold of the livenessProbe, or give it its own path",
    SERVING | {"DaemonSet.apps"},
    Severity.MEDIUM,
    _hasty,
    covers=("distinct-probes",),
    level=Level.ADVISORY,
)

RULES = (LIVENESS, READINESS, DISTINCT)
