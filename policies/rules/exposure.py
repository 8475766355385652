"""Exposure of services outside the cluster."""

from collections import Counter
from collections.abc import Iterator, Sequence

from policies.rules.frameworks import NSA_NETWORK, RGPD_32, SNC_NETWORK
from policies.rules.model import UNKNOWN, Finding, Node, Resource, Rule, Severity, StackRule
from policies.rules.network import POLICY
from policies.rules.pods import WORKLOADS, pod_labels
from policies.rules.reading import (
    entries,
    every,
    get,
    mapping,
    name,
    namespace,
    same,
    selects,
    shown,
)
from policies.rules.servers import model_servers
from policies.rules.wiring import targets

_INGRESS = "Ingress.networking.k8s.io"
_ROUTE = "HTTPRoute.gateway.networking.k8s.io"


def _node_ports(resource: Resource) -> Iterator[Finding]:
    if get(resource.props, "spec", "type") == "NodePort":
        yield Finding("spec.type", "`NodePort`", "ClusterIP")


NODE_PORT = Rule(
    "no-node-port",
    "No Service opens a port on every node.",
    "It bypasses the gateway, on node addresses that are not monitored.",
    "use ClusterIP and a gateway route",
    frozenset({"Service"}),
    Severity.HIGH,
    _node_ports,
    covers=("no-node-port",),
    frameworks=(NSA_NETWORK, SNC_NETWORK),
)


def _external(resource: Resource) -> Iterator[Finding]:
    if get(resource.props, "spec", "type") == "LoadBalancer":
        yield Finding("spec.type", "`LoadBalancer`", "ClusterIP", subject="LoadBalancer")
    if get(resource.props, "spec", "externalIPs") not in (None, [], UNKNOWN):
        yield Finding("spec.externalIPs", "addresses", "no value", subject="externalIPs")


LOAD_BALANCER = Rule(
    "no-load-balancer",
    "No Service has an external address, except the gateway's, which a waiver names.",
    "Each is an entry point, and externalIPs can hijack traffic for any address (CVE-2020-8554).",
    "use ClusterIP and a gateway route; waive the rule for the gateway itself",
    frozenset({"Service"}),
    Severity.HIGH,
    _external,
    covers=("no-load-balancer",),
    frameworks=(NSA_NETWORK, SNC_NETWORK),
)


def _hosts(resource: Resource) -> Iterator[tuple[str, Node]]:
    """Path and value of each host; the value is None if no host is set."""
    if resource.kind == _INGRESS:
        for i, rule in entries(resource.props, "spec", "rules"):
            yield f"spec.rules[{i}].host", get(rule, "host")
        return
    hosts = get(resource.props, "spec", "hostnames")
    if hosts is None:
        yield "spec.hostnames", None
    for i, host in entries(hosts):
        yield f"spec.hostnames[{i}]", host


def _backends(resource: Resource) -> Iterator[Node]:
    """Names of its backend Services."""
    for _, rule in entries(resource.props, "spec", "rules"):
        for _, path in entries(rule, "http", "paths"):
            yield get(path, "backend", "service", "name")
        for _, backend in entries(rule, "backendRefs"):
            if get(backend, "kind", default="Service") == "Service":
                yield get(backend, "name")


def _routes(resources: Sequence[Resource]) -> Iterator[Finding]:
    services = [r for r in resources if r.kind == "Service"]
    routes = [r for r in resources if r.kind in (_INGRESS, _ROUTE)]
    ingresses = (r for r in routes if r.kind == _INGRESS)
    owners = Counter(host for r in ingresses for host in {h for _, h in _hosts(r)})
    for route in routes:
        for path, host in _hosts(route):
            if host is UNKNOWN:
                continue
            if not isinstance(host, str) or not host or "*" in host:
                yield Finding(
                    path, shown(host), "a full host name without wildcards", resource=route
                )
            elif owners[host] > 1:
                got = f"{shown(host)}, which another Ingress also serves"
                yield Finding(path, got, "a host that no other Ingress serves", resource=route)
        for backend in _backends(route):
            known = [
                every([same(name(s), backend), same(namespace(s), namespace(route))])
                for s in services
            ]
            if isinstance(backend, str) and all(decision is False for decision in known):
                allowed = "a Service of the stack in the same namespace"
                yield Finding("the backend", shown(backend), allowed, resource=route)


HOSTS = StackRule(
    "route-hosts",
    "An Ingress or HTTPRoute has full, unique host names and existing backend Services.",
    "A route without a host, or with a wildcard, also captures traffic meant for other routes.",
    "set the host; correct the backend",
    frozenset({_INGRESS, _ROUTE}),
    Severity.MEDIUM,
    _routes,
    covers=("route-hosts",),
    also_reads=frozenset({"Service"}),
)

_NGINX = "nginx.ingress.kubernetes.io/"


def _snippets(resource: Resource) -> Iterator[Finding]:
    for key in mapping(resource.props, "metadata", "annotations"):
        if key.startswith(_NGINX) and key.endswith("-snippet"):
            yield Finding(f"metadata.annotations[{key}]", "an nginx.conf snippet", "no snippet")
    used = get(resource.props, "spec", "ingressClassName")
    legacy = get(resource.props, "metadata", "annotations", "kubernetes.io/ingress.class")
    if "nginx" in (used, legacy):
        allowed = "the class of a maintained controller"
        yield Finding("spec.ingressClassName", "`nginx`", allowed, subject="nginx")


NGINX = Rule(
    "no-nginx-ingress",
    "No Ingress uses nginx snippets or ingress-nginx, which was retired in March 2026.",
    "Snippets can read all Secrets of the controller (CVE-2021-25742); it gets no security fixes.",
    "use the Gateway API, or another controller",
    frozenset({_INGRESS}),
    Severity.HIGH,
    _snippets,
    covers=("no-nginx-ingress",),
)


def _bypasses(resources: Sequence[Resource]) -> Iterator[Finding]:
    models = [r for r in resources if r.kind in WORKLOADS and any(model_servers(r))]
    for model in models:
        where = namespace(model)
        for labels in pod_labels(model):
            serving = [r for r in resources if r.kind == "Service"]
            services = [s for s in serving if targets(s, labels, where) is True]
            names = {name(service) for service in services}
            for service in services:
                if get(service.props, "spec", "type") in ("LoadBalancer", "NodePort"):
                    yield _bypass("spec.type", service)
            for route in resources:
                if route.kind not in (_INGRESS, _ROUTE) or namespace(route) != where:
                    continue
                if any(isinstance(b, str) and b in names for b in _backends(route)):
                    yield _bypass("the backend", route)
            for policy in resources:
                if policy.kind == POLICY and _admits_addresses(policy, labels, where):
                    yield _bypass("spec.ingress", policy)


def _admits_addresses(policy: Resource, labels: Node, where: Node) -> bool:
    chosen = every(
        [same(namespace(policy), where), selects(get(policy.props, "spec", "podSelector"), labels)]
    )
    return chosen is True and any(
        get(peer, "ipBlock") is not None
        for _, rule in entries(policy.props, "spec", "ingress")
        for _, peer in entries(rule, "from")
    )


def _bypass(path: str, resource: Resource) -> Finding:
    got = "a path to a model server that bypasses the gateway"
    return Finding(path, got, "callers inside the cluster, selected as pods", resource=resource)


BEHIND = StackRule(
    "inference-behind-gateway",
    "Only pods of the cluster reach model servers: no Ingress, external address or ipBlock.",
    "Model servers have no users or quotas: network access is full access.",
    "route through the gateway, which authenticates callers",
    WORKLOADS,
    Severity.CRITICAL,
    _bypasses,
    covers=("inference-behind-gateway",),
    frameworks=(NSA_NETWORK, SNC_NETWORK, RGPD_32),
    also_reads=frozenset({"Service", POLICY, _INGRESS, _ROUTE}),
)

RULES = (NODE_PORT, LOAD_BALANCER, NGINX)
STACK_RULES = (HOSTS, BEHIND)
