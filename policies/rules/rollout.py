"""Rollouts: custom resources are awaited, configuration changes reach the pods."""

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
"""Custom resources whose operator reports readiness."""


def _unawaited(resource: Resource) -> Iterator[Finding]:
    if resource.managed and missing(resource.props, "metadata", "annotations", _WAIT):
        allowed = "the condition that its operator reports"
        yield Finding(f"metadata.annotations[{_WAIT}]", "missing", allowed)


WAIT_FOR = Rule(
    "custom-resource-awaited",
    "Custom resources have a `pulumi.com/waitFor` annotation.",
    "Otherwise the deployment succeeds before the operator has, even if the operator fails.",
    f"annotate it with {_WAIT}: condition=Ready, or the condition its operator reports",
    _AWAITED,
    Severity.MEDIUM,
    _unawaited,
    covers=("custom-resource-awaited",),
)

_FILES = frozenset({"ConfigMap", "Secret"})
_HASH = re.compile(r"checksum|hash|digest|reloader", re.IGNORECASE)


def _renamed(resource: Resource) -> bool:
    """Whether new content makes a new object: it is immutable, or Pulumi generates its name."""
    automatic = get(resource.props, "metadata", "annotations", "pulumi.com/autonamed")
    return (
        get(resource.props, "immutable") in (True, UNKNOWN)
        or name(resource) is UNKNOWN
        or automatic is UNKNOWN
        or automatic is not None
    )


def _mounted(pod: Pod) -> Iterator[tuple[str, Node]]:
    """Kind and name of each ConfigMap and Secret that its containers read."""
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
                    got = f"the {source.kind} {shown(key[1])}, which keeps its name when it changes"
                    allowed = "a generated name, or a hash of the content in the pod annotations"
                    yield Finding(f"{pod.path}.volumes", got, allowed, resource=workload)


HASH = StackRule(
    "config-rolls-pods",
    "A change to a ConfigMap or Secret restarts the pods that read it.",
    "Pods otherwise keep the old content until something else restarts them.",
    "let Pulumi generate the name, or annotate the pod template with a hash of the content",
    WORKLOADS - {"Job.batch", "CronJob.batch", "Pod"},
    Severity.MEDIUM,
    _stale,
    covers=("config-rolls-pods",),
    level=Level.ADVISORY,
    also_reads=_FILES,
)

RULES = (WAIT_FOR,)
STACK_RULES = (HASH,)
