"""Availability of serving tiers: replicas, spread, autoscaling, rollouts, priorities."""

from collections.abc import Iterator, Sequence

from policies.rules.frameworks import RGPD_32
from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity, StackRule
from policies.rules.pods import SERVING, WORKLOADS, pod_labels, pods
from policies.rules.reading import every, get, missing, name, namespace, same, selects, shown

_AUTOSCALER = "HorizontalPodAutoscaler.autoscaling"
_SCALERS = frozenset({_AUTOSCALER, "ScaledObject.keda.sh"})
_REPLICATED = 2


def _scales(scaler: Resource, workload: Resource) -> bool:
    target = get(scaler.props, "spec", "scaleTargetRef")
    kind = workload.kind.partition(".")[0]
    decisions = [
        same(get(target, "kind", default="Deployment"), kind),  # KEDA's default
        same(get(target, "name"), name(workload)),
        same(namespace(scaler), namespace(workload)),
    ]
    return every(decisions) is not False


def _single(resources: Sequence[Resource]) -> Iterator[Finding]:
    services = [r for r in resources if r.kind == "Service"]
    scalers = [r for r in resources if r.kind in _SCALERS]
    for workload in resources:
        replicas = get(workload.props, "spec", "replicas", default=1)
        if workload.kind not in SERVING or replicas != 1:
            continue
        if any(_scales(scaler, workload) for scaler in scalers):
            continue
        for labels in pod_labels(workload):
            if any(_serves(service, workload, labels) for service in services):
                got, allowed = "1 replica behind a Service", f"{_REPLICATED} or more"
                yield Finding("spec.replicas", got, allowed, resource=workload)


def _serves(service: Resource, workload: Resource, labels: Node) -> bool:
    selector = get(service.props, "spec", "selector")
    if (
        not selector
        or selector is UNKNOWN
        or same(namespace(service), namespace(workload)) is not True
    ):
        return False
    return selects({"matchLabels": selector}, labels) is True


REPLICAS = StackRule(
    "replicas-behind-service",
    "A workload behind a Service has two or more replicas, or an autoscaler.",
    "A single replica is unavailable during every node drain and every rollout.",
    "set replicas to 2; waive the rule for workloads that cannot be replicated",
    SERVING,
    Severity.MEDIUM,
    _single,
    covers=("two-replicas",),
    frameworks=(RGPD_32,),
    level=Level.ADVISORY,
    also_reads=_SCALERS | {"Service"},
)


def _together(resource: Resource) -> Iterator[Finding]:
    replicas = get(resource.props, "spec", "replicas", default=1)
    if replicas is UNKNOWN or replicas < _REPLICATED:
        return
    for pod in pods(resource):
        if missing(pod.spec, "topologySpreadConstraints") and missing(
            pod.spec, "affinity", "podAntiAffinity"
        ):
            path = f"{pod.path}.topologySpreadConstraints"
            yield Finding(path, "missing", "a constraint on kubernetes.io/hostname")


SPREAD = Rule(
    "replicas-spread",
    "Replicas are spread over nodes, by topology constraints or anti-affinity.",
    "All replicas may otherwise run on one node and fail with it.",
    "add topologySpreadConstraints on kubernetes.io/hostname",
    SERVING,
    Severity.MEDIUM,
    _together,
    covers=("replicas-spread",),
    level=Level.ADVISORY,
)


def _autoscalers(resources: Sequence[Resource]) -> Iterator[Finding]:
    workloads = [r for r in resources if r.kind in SERVING]
    for scaler in resources:
        if scaler.kind != _AUTOSCALER:
            continue
        spec = get(scaler.props, "spec")
        least, most = get(spec, "minReplicas", default=1), get(spec, "maxReplicas")
        if least is not UNKNOWN and least < _REPLICATED:
            got = shown(least)
            yield Finding("spec.minReplicas", got, f"{_REPLICATED} or more", resource=scaler)
        if most is None or (UNKNOWN not in (least, most) and most < least):
            allowed = "at least minReplicas"
            yield Finding("spec.maxReplicas", shown(most), allowed, resource=scaler)
        targets = [w for w in workloads if _scales(scaler, w)]
        kind = get(spec, "scaleTargetRef", "kind")
        if kind in ("Deployment", "StatefulSet") and not targets:
            got = shown(get(spec, "scaleTargetRef", "name"))
            allowed = "a workload of the stack in the same namespace"
            yield Finding("spec.scaleTargetRef.name", got, allowed, resource=scaler)
        for target in targets:
            if isinstance(get(target.props, "spec", "replicas"), int | float):
                allowed = "no value: the autoscaler sets it"
                got = "a fixed number on an autoscaled workload"
                yield Finding("spec.replicas", got, allowed, resource=target)


AUTOSCALER = StackRule(
    "autoscaler-sound",
    "An autoscaler has minReplicas of 2 or more, maxReplicas, and a target without fixed replicas.",
    "Otherwise it scales nothing, or every deployment resets the replicas that it chose.",
    "set minReplicas 2 and maxReplicas, and remove replicas from the target",
    frozenset({_AUTOSCALER}),
    Severity.MEDIUM,
    _autoscalers,
    covers=("autoscaler-valid",),
    also_reads=SERVING,
)


def _gap(resource: Resource) -> Iterator[Finding]:
    if get(resource.props, "spec", "strategy", "type") == "Recreate":
        yield Finding("spec.strategy.type", "`Recreate`", "RollingUpdate")


ROLLING = Rule(
    "rolling-update",
    "Deployments use the RollingUpdate strategy.",
    "Recreate stops all pods before the first new one starts.",
    "use RollingUpdate; waive the rule for programs that cannot run twice at a time",
    frozenset({"Deployment.apps"}),
    Severity.MEDIUM,
    _gap,
    covers=("rolling-update",),
    level=Level.ADVISORY,
)


def _unranked(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        if missing(pod.spec, "priorityClassName"):
            yield Finding(f"{pod.path}.priorityClassName", "missing", "the name of a PriorityClass")


PRIORITY = Rule(
    "priority-class",
    "Pods have a PriorityClass.",
    "When nodes are full, the most recent pod stays Pending, even if it is the database.",
    "set priorityClassName",
    WORKLOADS,
    Severity.LOW,
    _unranked,
    covers=("priority-class",),
    level=Level.ADVISORY,
)

RULES = (SPREAD, ROLLING, PRIORITY)
STACK_RULES = (REPLICAS, AUTOSCALER)
