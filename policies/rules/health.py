"""Long-running workloads say whether they live and whether they can serve."""

from collections.abc import Iterator

from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity
from policies.rules.pods import SERVING, containers
from policies.rules.reading import get, missing


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
    rows=(31,),
)

READINESS = Rule(
    "readiness-probe",
    "Containers of Deployments and StatefulSets have a readiness probe.",
    "Without one a pod gets traffic before it can serve, and a rollout never waits for it.",
    "add a readinessProbe",
    SERVING,
    Severity.MEDIUM,
    lambda resource: _unprobed(resource, "readinessProbe"),
    rows=(32,),
)

_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_FAILURES, _PERIOD = 3, 10
"""Defaults: https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/"""


def _patience(probe: Node) -> float | None:
    """Seconds until it gives up; None if not known."""
    times = get(probe, "failureThreshold", default=_FAILURES)
    seconds = get(probe, "periodSeconds", default=_PERIOD)
    return None if UNKNOWN in (times, seconds) else float(times) * float(seconds)


def _hasty(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource, init=False):
        lives, serves = (get(container.spec, p) for p in ("livenessProbe", "readinessProbe"))
        if lives is None or serves is None or UNKNOWN in (lives, serves):
            continue
        handlers = [[get(probe, h) for h in _HANDLERS] for probe in (lives, serves)]
        patience, least = _patience(lives), _patience(serves)
        if handlers[0] == handlers[1] and patience and least and patience <= least:
            yield Finding(
                f"{container.path}.livenessProbe",
                f"the readiness probe's question with {patience:g} s of patience",
                f"another question, or more than {least:g} s",
            )


DISTINCT = Rule(
    "liveness-more-patient",
    "A liveness probe asks something else than the readiness probe, or waits longer.",
    "A pod that is merely busy is otherwise restarted at the moment it should only get no traffic.",
    "raise the livenessProbe's failureThreshold, or give it a path of its own",
    SERVING | {"DaemonSet.apps"},
    Severity.MEDIUM,
    _hasty,
    rows=(33,),
    level=Level.ADVISORY,
)

RULES = (LIVENESS, READINESS, DISTINCT)
