"""What the outside can reach."""

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
    "It is reachable past the gateway, on addresses that nobody watches.",
    "use ClusterIP and a route of the gateway",
    frozenset({"Service"}),
    Severity.HIGH,
    _node_ports,
    rows=(50,),
    frameworks=(NSA_NETWORK, SNC_NETWORK),
)


def _external(resource: Resource) -> Iterator[Finding]:
    if get(resource.props, "spec", "type") == "LoadBalancer":
        yield Finding("spec.type", "`LoadBalancer`", "ClusterIP", subject="LoadBalancer")
    if get(resource.props, "spec", "externalIPs") not in (None, [], UNKNOWN):
        yield Finding("spec.externalIPs", "addresses", "nothing", subject="externalIPs")


LOAD_BALANCER = Rule(
    "no-load-balancer",
    "No Service asks for an address of its own, but the one that a waiver names.",
    "Each is a way in; and externalIPs takes traffic for any address (CVE-2020-8554).",
    "use ClusterIP and a route of the gateway; waive it for the gateway itself",
    frozenset({"Service"}),
    Severity.HIGH,
    _external,
    rows=(51,),
    frameworks=(NSA_NETWORK, SNC_NETWORK),
)


def _hosts(resource: Resource) -> Iterator[tuple[str, Node]]:
    """Path and value of each host; None where there is none."""
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
    """The names of the Services that it routes to."""
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
                yield Finding(path, shown(host), "one full host name", resource=route)
            elif owners[host] > 1:
                got = f"{shown(host)}, which another Ingress has as well"
                yield Finding(path, got, "a host of one Ingress", resource=route)
        for backend in _backends(route):
            known = [
                every([same(name(s), backend), same(namespace(s), namespace(route))])
                for s in services
            ]
            if isinstance(backend, str) and all(decision is False for decision in known):
                allowed = "a Service of the stack in its namespace"
                yield Finding("the backend", shown(backend), allowed, resource=route)


HOSTS = StackRule(
    "route-hosts",
    "An Ingress or HTTPRoute names its hosts in full, alone, and leads to a Service there is.",
    "A route without a host, or with a wildcard, answers for names that others will ask for.",
    "set the host; correct the backend",
    frozenset({_INGRESS, _ROUTE}),
    Severity.MEDIUM,
    _routes,
    rows=(53,),
    beside=frozenset({"Service"}),
)

_NGINX = "nginx.ingress.kubernetes.io/"


def _snippets(resource: Resource) -> Iterator[Finding]:
    for key in mapping(resource.props, "metadata", "annotations"):
        if key.startswith(_NGINX) and key.endswith("-snippet"):
            yield Finding(f"metadata.annotations[{key}]", "lines for nginx.conf", "nothing")
    used = get(resource.props, "spec", "ingressClassName")
    legacy = get(resource.props, "metadata", "annotations", "kubernetes.io/ingress.class")
    if "nginx" in (used, legacy):
        allowed = "the class of a controller that is maintained"
        yield Finding("spec.ingressClassName", "`nginx`", allowed, subject="nginx")


NGINX = Rule(
    "no-nginx-ingress",
    "No Ingress writes into nginx.conf, or needs ingress-nginx, which was retired in March 2026.",
    "A snippet reads every Secret of the controller (CVE-2021-25742); holes are no longer closed.",
    "use the Gateway API, or another controller",
    frozenset({_INGRESS}),
    Severity.HIGH,
    _snippets,
    rows=(54,),
)


def _doors(resources: Sequence[Resource]) -> Iterator[Finding]:
    models = [r for r in resources if r.kind in WORKLOADS and any(model_servers(r))]
    for model in models:
        where = namespace(model)
        for labels in pod_labels(model):
            serving = [r for r in resources if r.kind == "Service"]
            services = [s for s in serving if targets(s, labels, where) is True]
            names = {name(service) for service in services}
            for service in services:
                if get(service.props, "spec", "type") in ("LoadBalancer", "NodePort"):
                    yield _door("spec.type", service)
            for route in resources:
                if route.kind not in (_INGRESS, _ROUTE) or namespace(route) != where:
                    continue
                if any(isinstance(b, str) and b in names for b in _backends(route)):
                    yield _door("the backend", route)
            for policy in resources:
                if policy.kind == POLICY and _admits_addresses(policy, labels, where):
                    yield _door("spec.ingress", policy)


def _admits_addresses(policy: Resource, labels: Node, where: Node) -> bool:
    chosen = every(
        [same(namespace(policy), where), selects(get(policy.props, "spec", "podSelector"), labels)]
    )
    return chosen is True and any(
        get(peer, "ipBlock") is not None
        for _, rule in entries(policy.props, "spec", "ingress")
        for _, peer in entries(rule, "from")
    )


def _door(path: str, resource: Resource) -> Finding:
    got = "a way to a model server that does not pass the gateway"
    return Finding(path, got, "callers inside the cluster, named as pods", resource=resource)


BEHIND = StackRule(
    "inference-behind-gateway",
    "Model servers are reached by pods of the cluster only: no Ingress, address or ipBlock.",
    "They know no users and no quotas; whoever reaches one uses it, and reads what it logs.",
    "route through the gateway, which asks who is calling",
    WORKLOADS,
    Severity.CRITICAL,
    _doors,
    rows=(69,),
    frameworks=(NSA_NETWORK, SNC_NETWORK, RGPD_32),
    beside=frozenset({"Service", POLICY, _INGRESS, _ROUTE}),
)

RULES = (NODE_PORT, LOAD_BALANCER, NGINX)
STACK_RULES = (HOSTS, BEHIND)
