"""References between objects: Services, selectors, ports, StatefulSets."""

from collections.abc import Iterator, Sequence

from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity, StackRule
from policies.rules.pods import OPERATED, SERVING, WORKLOADS, Pod, containers, pod_labels, pods
from policies.rules.reading import (
    Decision,
    entries,
    every,
    get,
    label,
    name,
    namespace,
    same,
    selects,
    shown,
)

_PODS = WORKLOADS | frozenset(OPERATED)


def _mismatch(resource: Resource) -> Iterator[Finding]:
    selector = get(resource.props, "spec", "selector")
    if selector is None:
        return
    for pod in pods(resource):
        if selects(selector, pod.labels) is False:
            got, allowed = (
                "labels that the pod template does not have",
                "labels of the pod template",
            )
            yield Finding("spec.selector", got, allowed)


SELECTOR = Rule(
    "selector-matches-template",
    "The selector of a workload matches its own pod template.",
    "Otherwise the API server rejects the object in the middle of a rollout.",
    "use the same labels in spec.selector and in the template",
    SERVING | {"DaemonSet.apps", "ReplicaSet.apps"},
    Severity.HIGH,
    _mismatch,
    covers=("selectors-match",),
)


def targets(service: Resource, labels: Node, where: Node) -> Decision:
    """Whether *service* sends traffic to pods with *labels* in the namespace *where*."""
    selector = get(service.props, "spec", "selector")
    if selector is UNKNOWN:
        return UNKNOWN
    if not selector:
        return False
    return every([same(namespace(service), where), selects({"matchLabels": selector}, labels)])


def _without_pods(resources: Sequence[Resource]) -> Iterator[Finding]:
    makers = [r for r in resources if r.kind in _PODS]
    for service in resources:
        spec = get(service.props, "spec")
        if service.kind != "Service" or not get(spec, "selector"):
            continue
        decisions = [
            targets(service, labels, namespace(maker))
            for maker in makers
            for labels in pod_labels(maker)
        ]
        if all(decision is False for decision in decisions):
            allowed = "labels of pods in its namespace"
            yield Finding("spec.selector", "labels that no pod has", allowed, resource=service)


SERVICE = StackRule(
    "service-selects-pods",
    "A Service selects pods of the stack.",
    "Its name resolves but has no endpoints: every caller runs into a timeout.",
    "correct the selector, or remove the Service",
    frozenset({"Service"}),
    Severity.MEDIUM,
    _without_pods,
    covers=("selectors-match",),
    level=Level.ADVISORY,
    also_reads=_PODS,
)


def _declared(pod: Pod, port: Node) -> bool:
    """Whether a container of *pod* declares *port*, a name or number; True if not known."""
    for container in pod.containers():
        if get(container.spec, "ports") is UNKNOWN:
            return True
        for _, declared in entries(container.spec, "ports"):
            known = (get(declared, "name"), get(declared, "containerPort"))
            if port in known or UNKNOWN in known:
                return True
    return False


def _undeclared(resources: Sequence[Resource]) -> Iterator[Finding]:
    makers = [r for r in resources if r.kind in WORKLOADS]
    for service in resources:
        if service.kind != "Service":
            continue
        for i, port in entries(service.props, "spec", "ports"):
            target = get(port, "targetPort", default=get(port, "port"))
            if target is UNKNOWN:
                continue
            for maker in makers:
                for pod, labels in zip(pods(maker), pod_labels(maker), strict=True):
                    chosen = targets(service, labels, namespace(maker)) is True
                    if chosen and not _declared(pod, target):
                        path = f"spec.ports[{label(port, i)}].targetPort"
                        allowed = "a containerPort of the pods, by name or number"
                        yield Finding(path, shown(target), allowed, resource=service)


PORT = StackRule(
    "service-port-declared",
    "The target port of a Service is a declared port of its pods.",
    "Connections are refused, or reach another program that listens on that port.",
    "correct targetPort, or declare the containerPort",
    frozenset({"Service"}),
    Severity.MEDIUM,
    _undeclared,
    covers=("duplicate-env-and-ports",),
    also_reads=WORKLOADS,
)


def _headless(resources: Sequence[Resource]) -> Iterator[Finding]:
    services = [r for r in resources if r.kind == "Service"]
    for resource in resources:
        if resource.kind != "StatefulSet.apps":
            continue
        wanted = get(resource.props, "spec", "serviceName")
        if wanted is UNKNOWN:
            continue
        fitting = (
            every(
                [
                    same(name(service), wanted),
                    same(namespace(service), namespace(resource)),
                    same(get(service.props, "spec", "clusterIP"), "None"),
                ]
            )
            for service in services
        )
        if all(decision is False for decision in fitting):
            allowed = "the name of a Service with clusterIP None in the same namespace"
            yield Finding("spec.serviceName", shown(wanted), allowed, resource=resource)


HEADLESS = StackRule(
    "stateful-set-service",
    "The serviceName of a StatefulSet is a headless Service of the stack.",
    "Without it the pods have no DNS names: peers cannot find or authenticate each other.",
    "add the Service with clusterIP None, or correct the name",
    frozenset({"StatefulSet.apps"}),
    Severity.MEDIUM,
    _headless,
    covers=("headless-service",),
    also_reads=frozenset({"Service"}),
)


def _duplicated(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        seen: set[str] = set()
        for _, variable in entries(container.spec, "env"):
            key = get(variable, "name")
            if isinstance(key, str) and key in seen:
                path = f"{container.path}.env[{key}]"
                yield Finding(path, "defined twice", "one definition per name")
            elif isinstance(key, str):
                seen.add(key)


DUPLICATE_ENV = Rule(
    "no-duplicate-env",
    "No environment variable is defined twice.",
    "The last one wins, and server-side apply may drop either of them.",
    "remove one of them",
    WORKLOADS,
    Severity.LOW,
    _duplicated,
    covers=("duplicate-env-and-ports",),
)

RULES = (SELECTOR, DUPLICATE_ENV)
STACK_RULES = (SERVICE, PORT, HEADLESS)
