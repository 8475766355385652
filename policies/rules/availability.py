"""Serving tiers keep serving: replicas, spread over nodes, scaled and rolled without a gap."""

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
    "What a Service points to has two replicas or more, or an autoscaler.",
    "A single one is away whenever its node is drained, or its version changes.",
    "set replicas to 2; waive it for what can be only one",
    SERVING,
    Severity.MEDIUM,
    _single,
    rows=(34,),
    frameworks=(RGPD_32,),
    level=Level.ADVISORY,
    beside=_SCALERS | {"Service"},
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
            yield Finding(path, "nothing", "a constraint over kubernetes.io/hostname")


SPREAD = Rule(
    "replicas-spread",
    "Replicas are spread over nodes, by constraints or by anti-affinity.",
    "All of them may otherwise start on one node, and go with it.",
    "add topologySpreadConstraints over kubernetes.io/hostname",
    SERVING,
    Severity.MEDIUM,
    _together,
    rows=(37,),
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
            allowed = "minReplicas or more"
            yield Finding("spec.maxReplicas", shown(most), allowed, resource=scaler)
        targets = [w for w in workloads if _scales(scaler, w)]
        kind = get(spec, "scaleTargetRef", "kind")
        if kind in ("Deployment", "StatefulSet") and not targets:
            got = shown(get(spec, "scaleTargetRef", "name"))
            allowed = "a workload of the stack in the same namespace"
            yield Finding("spec.scaleTargetRef.name", got, allowed, resource=scaler)
        for target in targets:
            if isinstance(get(target.props, "spec", "replicas"), int | float):
                allowed = "nothing: the autoscaler decides"
                got = "a fixed number beside an autoscaler"
                yield Finding("spec.replicas", got, allowed, resource=target)


AUTOSCALER = StackRule(
    "autoscaler-sound",
    "An autoscaler has a target of the stack without fixed replicas, keeps two and has an end.",
    "Each deployment otherwise throws away what the autoscaler decided, or it scales nothing.",
    "set minReplicas 2 and maxReplicas, and leave replicas out of the target",
    frozenset({_AUTOSCALER}),
    Severity.MEDIUM,
    _autoscalers,
    rows=(38,),
    beside=SERVING,
)


def _gap(resource: Resource) -> Iterator[Finding]:
    if get(resource.props, "spec", "strategy", "type") == "Recreate":
        yield Finding("spec.strategy.type", "`Recreate`", "RollingUpdate")


ROLLING = Rule(
    "rolling-update",
    "Deployments replace their pods one after the other.",
    "Recreate stops all of them before the first new one starts.",
    "use RollingUpdate; waive it for what cannot run twice",
    frozenset({"Deployment.apps"}),
    Severity.MEDIUM,
    _gap,
    rows=(39,),
    level=Level.ADVISORY,
)


def _unranked(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        if missing(pod.spec, "priorityClassName"):
            yield Finding(f"{pod.path}.priorityClassName", "nothing", "the name of a class")


PRIORITY = Rule(
    "priority-class",
    "Pods say how important they are.",
    "When a node is full, whoever came last waits, be it the database.",
    "set priorityClassName",
    WORKLOADS,
    Severity.LOW,
    _unranked,
    rows=(40,),
    level=Level.ADVISORY,
)

RULES = (SPREAD, ROLLING, PRIORITY)
STACK_RULES = (REPLICAS, AUTOSCALER)
