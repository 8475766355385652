"""A change reaches the pods, and a deployment ends when what it made is ready."""

import re
from collections.abc import Iterator, Sequence

from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity, StackRule
from policies.rules.pods import OPERATED, WORKLOADS, Pod, pods
from policies.rules.reading import (
    entries,
    every,
    get,
    mapping,
    missing,
    name,
    namespace,
    same,
    shown,
)

_WAIT = "pulumi.com/waitFor"
_AWAITED = frozenset(OPERATED) | {
    "LeaderWorkerSet.leaderworkerset.x-k8s.io",
    "Certificate.cert-manager.io",
    "Prometheus.monitoring.coreos.com",
    "Alertmanager.monitoring.coreos.com",
    "ScaledObject.keda.sh",
}
"""Custom resources whose operator reports when they are ready."""


def _unawaited(resource: Resource) -> Iterator[Finding]:
    if resource.managed and missing(resource.props, "metadata", "annotations", _WAIT):
        allowed = "the condition that its operator sets"
        yield Finding(f"metadata.annotations[{_WAIT}]", "nothing", allowed)


WAIT_FOR = Rule(
    "custom-resource-awaited",
    "Custom resources say what Pulumi should wait for.",
    "The deployment otherwise ends, and goes on to the next part, while the operator still fails.",
    f"annotate it {_WAIT}: condition=Ready, or what its operator sets",
    _AWAITED,
    Severity.MEDIUM,
    _unawaited,
    rows=(73,),
)

_FILES = frozenset({"ConfigMap", "Secret"})
_HASH = re.compile(r"checksum|hash|digest|reloader", re.IGNORECASE)


def _renamed(resource: Resource) -> bool:
    """Whether another content is another object: immutable, or named anew by Pulumi."""
    automatic = get(resource.props, "metadata", "annotations", "pulumi.com/autonamed")
    return (
        get(resource.props, "immutable") in (True, UNKNOWN)
        or name(resource) is UNKNOWN
        or automatic is UNKNOWN
        or automatic is not None
    )


def _mounted(pod: Pod) -> Iterator[tuple[str, Node]]:
    """Kind and name of each object whose content its containers get."""
    for _, volume in entries(pod.spec, "volumes"):
        yield "ConfigMap", get(volume, "configMap", "name")
        yield "Secret", get(volume, "secret", "secretName")
        for _, source in entries(volume, "projected", "sources"):
            yield "ConfigMap", get(source, "configMap", "name")
            yield "Secret", get(source, "secret", "name")
    for container in pod.containers():
        for _, source in entries(container.spec, "envFrom"):
            yield "ConfigMap", get(source, "configMapRef", "name")


def _hashed(pod: Pod, workload: Resource) -> bool:
    if pod.annotations is UNKNOWN:
        return True
    own = mapping(workload.props, "metadata", "annotations")
    return any(_HASH.search(key) for key in (*mapping(pod.annotations), *own))


def _stale(resources: Sequence[Resource]) -> Iterator[Finding]:
    fixed = [r for r in resources if r.kind in _FILES and not _renamed(r)]
    for workload in resources:
        if workload.kind not in WORKLOADS - {"Job.batch", "CronJob.batch", "Pod"}:
            continue
        for pod in pods(workload):
            if _hashed(pod, workload):
                continue
            used = {(kind, found) for kind, found in _mounted(pod) if isinstance(found, str)}
            for source in fixed:
                key, here = (source.kind, name(source)), namespace(workload)
                if key in used and every([same(namespace(source), here)]) is True:
                    got = f"the {source.kind} {shown(key[1])}, whose name stays when it changes"
                    allowed = "a name that changes with the content, or its hash on the pods"
                    yield Finding(f"{pod.path}.volumes", got, allowed, resource=workload)


HASH = StackRule(
    "config-rolls-pods",
    "A change of a ConfigMap or Secret replaces the pods that read it.",
    "They otherwise go on with what they read at start, until something else restarts them.",
    "leave the name to Pulumi, or annotate the pod template with a hash of the content",
    WORKLOADS - {"Job.batch", "CronJob.batch", "Pod"},
    Severity.MEDIUM,
    _stale,
    rows=(74,),
    level=Level.ADVISORY,
    beside=_FILES,
)

RULES = (WAIT_FOR,)
STACK_RULES = (HASH,)
