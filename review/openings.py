"""Access that a change opens or closes: network paths, permissions, routes, privileges."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from review.access_facts import Fact, Facts, grouped
from review.changes import Change
from review.reading import Object, items, mapping, values
from review.report import Opening, Reach
from review.workloads import pod_template

_POLICY = "NetworkPolicy.networking.k8s.io"
_NAMESPACE = "Namespace"


def openings(
    changes: Iterable[Change], outputs_before: Object, outputs_after: Object
) -> list[Opening]:
    """Access that *changes* open, then what they close; each the widest reach first.

    Facts of the whole stack are compared, not objects: what moves from one object to another is
    neither.
    """
    known = list(changes)
    before, after = Facts(), Facts()
    for change in known:
        read = _READERS.get(change.kind, _pod_privileges)
        before.add(read(change, change.before), change)
        after.add(read(change, change.after), change)
    before.add(_urls(outputs_before), None)
    after.add(_urls(outputs_after), None)
    after.add(_unprotected(known), None)
    return [
        *grouped(after.without(before), "opened"),
        *grouped(before.without(after), "closed"),
    ]


def _network_policy(_: Change, manifest: Object) -> Iterator[Fact]:
    spec = mapping(manifest, "spec")
    namespace = str(mapping(manifest, "metadata").get("namespace") or "")
    pods = _pods(spec.get("podSelector"), namespace)
    for rule in items(spec, "egress"):
        for peer, reach in _peers(rule, "to", namespace):
            what = "network" if reach in _BETWEEN_PODS else "egress"
            yield Fact(reach, what, pods, f"may reach {peer} on {_ports(rule)}")
    for rule in items(spec, "ingress"):
        for peer, reach in _peers(rule, "from", namespace):
            what = "network" if reach in _BETWEEN_PODS else "ingress"
            yield Fact(reach, what, peer, f"may reach {pods} on {_ports(rule)}")


_BETWEEN_PODS = ("namespaces", "namespace")
"""Such a path is in two policies, as egress of one and ingress of the other."""


def _unprotected(changes: Iterable[Change]) -> Iterator[Fact]:
    """Pods that a policy isolated and none does any more: everything is open to them."""
    policies = [c for c in changes if c.kind == _POLICY]
    gone = {
        str(mapping(c.before, "metadata").get("name"))
        for c in changes
        if c.kind == _NAMESPACE and c.op == "delete"
    }
    still = {found for c in policies for found in _isolated(c.after)}
    for namespace, pods, direction in {found for c in policies for found in _isolated(c.before)}:
        everyone = namespace, _pods({}, namespace), direction
        if namespace not in gone and not {(namespace, pods, direction), everyone} & still:
            what = "egress" if direction == "egress" else "ingress"
            yield Fact("internet", what, pods, f"lose the last policy that denied {direction}")


def _isolated(manifest: Object) -> Iterator[tuple[str, str, str]]:
    """Namespace, pods and direction in which a policy admits only what its rules say."""
    spec = mapping(manifest, "spec")
    namespace = str(mapping(manifest, "metadata").get("namespace") or "")
    for kind in values(spec, "policyTypes"):
        yield namespace, _pods(spec.get("podSelector"), namespace), str(kind).lower()


def _peers(rule: Object, key: str, own: str) -> Iterator[tuple[str, Reach]]:
    peers = items(rule, key)
    if not peers:
        yield "any address", "internet"
    for peer in peers:
        block = mapping(peer, "ipBlock")
        if block:
            cidr = str(block.get("cidr"))
            yield _range(cidr), "internet" if _is_public(cidr) else "network"
        else:
            where = peer.get("namespaceSelector")
            namespace = own if where is None else _labels(where, "all namespaces")
            near = namespace == own
            yield _pods(peer.get("podSelector"), namespace), "namespace" if near else "namespaces"


def _range(cidr: str) -> str:
    return f"{cidr} (the whole internet)" if cidr in ("0.0.0.0/0", "::/0") else cidr


def _is_public(cidr: str) -> bool:
    try:
        return not ipaddress.ip_network(cidr, strict=False).is_private
    except ValueError:
        return True  # not known yet, so not known to be private


def _pods(pods: Any, namespace: str) -> str:  # noqa: ANN401 - JSON
    return f"{_labels(pods, 'all pods')}{f' of {namespace}' if namespace else ''}"


def _labels(selector: Any, everything: str) -> str:  # noqa: ANN401 - JSON
    labels = mapping(selector or {}, "matchLabels")
    name = next((labels[key] for key in _NAMES if key in labels), None)
    if name:
        return str(name)
    return ", ".join(f"{k}={v}" for k, v in sorted(labels.items())) or everything


_NAMES = (
    "app.kubernetes.io/instance",
    "kubernetes.io/metadata.name",
    "cnpg.io/cluster",
    "v1.min.io/tenant",
    "app.kubernetes.io/name",
    "k8s-app",
)
"""Labels whose value is the name that readers know: of the component, of what an operator made."""


def _ports(rule: Object) -> str:
    ports = [_port(port) for port in items(rule, "ports")]
    return f"port {', '.join(ports)}" if ports else "all ports"


def _port(port: Object) -> str:
    protocol = port.get("protocol", "TCP")
    return f"{port.get('port', 'any')}{'' if protocol == 'TCP' else f'/{protocol}'}"


def _role(change: Change, manifest: Object) -> Iterator[Fact]:
    for rule in items(manifest, "rules"):
        groups = values(rule, "apiGroups") or [""]
        resources = values(rule, "resources") or values(rule, "nonResourceURLs") or [""]
        for verb, group, resource in product(values(rule, "verbs"), groups, resources):
            what = f"{resource or 'everything'} in {group or 'the core group'}"
            yield Fact("api", "permission", change.label, f"may {verb} {what}")


def _binding(change: Change, manifest: Object) -> Iterator[Fact]:
    role = mapping(manifest, "roleRef").get("name")
    namespace = mapping(manifest, "metadata").get("namespace")
    everywhere = change.kind.startswith("Cluster")
    where = " in all namespaces" if everywhere else f" in {namespace}" if namespace else ""
    for subject in items(manifest, "subjects"):
        who = f"{subject.get('kind')} {subject.get('name')}"
        yield Fact("api", "permission", who, f"has the role {role}{where}")


def _service(change: Change, manifest: Object) -> Iterator[Fact]:
    spec = mapping(manifest, "spec")
    type_ = spec.get("type", "ClusterIP")
    if type_ in ("LoadBalancer", "NodePort"):
        ports = ", ".join(str(p.get("port")) for p in items(spec, "ports"))
        sources = ", ".join(map(str, values(spec, "loadBalancerSourceRanges") or ["any source"]))
        listens = f"listens as a {type_} on port {ports} for {sources}"
        yield Fact("internet", "route", change.label, listens)


def _hosts(change: Change, manifest: Object) -> Iterator[Fact]:
    """Hosts of an Ingress, a Gateway or a route of the Gateway API."""
    spec = mapping(manifest, "spec")
    hosts = [
        *(rule.get("host", "any host") for rule in items(spec, "rules") if "http" in rule),
        *values(spec, "hostnames"),
        *(item.get("hostname", "any host") for item in items(spec, "listeners")),
    ]
    for host in hosts:
        yield Fact("internet", "route", change.label, f"serves the host {host}")


def _pod_privileges(change: Change, manifest: Object) -> Iterator[Fact]:
    for reach, text in _privileges(mapping(pod_template(change.kind, manifest), "spec")):
        yield Fact(reach, "privilege", change.label, text)


def _privileges(pod: Object) -> Iterator[tuple[Reach, str]]:
    for key, name in (("hostNetwork", "network"), ("hostPID", "processes"), ("hostIPC", "IPC")):
        if pod.get(key) is True:
            yield "node", f"uses the node's {name}"
    if pod.get("automountServiceAccountToken") is True:
        yield "api", "mounts an API token"
    for volume in items(pod, "volumes"):
        if path := mapping(volume, "hostPath").get("path"):
            yield "node", f"mounts {path} of the node"
    yield from _container_privileges(pod)


def _container_privileges(pod: Object) -> Iterator[tuple[Reach, str]]:
    for container in [*items(pod, "containers"), *items(pod, "initContainers")]:
        context = mapping(container, "securityContext")
        name = container.get("name")
        for capability in values(mapping(context, "capabilities"), "add"):
            yield "node", f"gives container {name} the capability {capability}"
        if context.get("privileged") is True:
            yield "node", f"runs container {name} privileged"
        if context.get("allowPrivilegeEscalation") is True:
            yield "node", f"lets container {name} gain privileges"
        if 0 in (context.get("runAsUser"), mapping(pod, "securityContext").get("runAsUser")):
            yield "node", f"runs container {name} as root"


_READERS: Mapping[str, Callable[[Change, Object], Iterable[Fact]]] = {
    _POLICY: _network_policy,
    "Role.rbac.authorization.k8s.io": _role,
    "ClusterRole.rbac.authorization.k8s.io": _role,
    "RoleBinding.rbac.authorization.k8s.io": _binding,
    "ClusterRoleBinding.rbac.authorization.k8s.io": _binding,
    "Service": _service,
    "Ingress.networking.k8s.io": _hosts,
    "Gateway.gateway.networking.k8s.io": _hosts,
    "HTTPRoute.gateway.networking.k8s.io": _hosts,
    "GRPCRoute.gateway.networking.k8s.io": _hosts,
    "TLSRoute.gateway.networking.k8s.io": _hosts,
}


def _urls(outputs: Object) -> Iterator[Fact]:
    """URLs in the stack's outputs; the gateway's own routes are in a Secret."""
    for name, url in mapping(outputs, "urls").items():
        yield Fact("internet", "route", "the stack", f"serves {url} ({name})")
