"""New access after a change: network paths, permissions, routes, privileges."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

from review.changes import Change
from review.reading import Object, items, mapping, values
from review.report import Opening
from review.workloads import pod_template

_Kind = Literal["egress", "ingress", "permission", "route", "privilege"]
_Facts = set[tuple[_Kind, str, bool]]
"""Access that an object grants: its kind, a description, whether it reaches beyond the cluster."""


def openings(
    changes: Iterable[Change], outputs_before: Object, outputs_after: Object
) -> list[Opening]:
    """Access that *changes* add, beyond the cluster first."""
    found = [*_of_objects(changes), *_urls(outputs_before, outputs_after)]
    return sorted(found, key=lambda o: (not o.outside, o.what, o.component, o.text))


def _of_objects(changes: Iterable[Change]) -> Iterator[Opening]:
    for change in changes:
        if change.op == "same":
            continue
        read = _READERS.get(change.kind, _pod_privileges)
        opened = read(change.kind, change.after) - read(change.kind, change.before)
        if change.kind == _POLICY and change.op == "delete":
            opened = _uncovered(change.before)
        for what, text, outside in sorted(opened):
            yield Opening(
                what=what,
                resource=change.label,
                component=change.component,
                text=text,
                outside=outside,
            )


_POLICY = "NetworkPolicy.networking.k8s.io"


def _network_policy(_: str, manifest: Object) -> _Facts:
    spec = mapping(manifest, "spec")
    pods = _pods(spec.get("podSelector"), None)
    found: _Facts = set()
    for rule in items(spec, "egress"):
        for peer, outside in _peers(rule, "to"):
            found.add(("egress", f"{pods} may reach {peer} on {_ports(rule)}", outside))
    for rule in items(spec, "ingress"):
        for peer, outside in _peers(rule, "from"):
            found.add(("ingress", f"{peer} may reach {pods} on {_ports(rule)}", outside))
    return found


def _uncovered(manifest: Object) -> _Facts:
    """Without a policy that denies a direction, pods that no other policy selects are open."""
    spec = mapping(manifest, "spec")
    pods = _pods(spec.get("podSelector"), None)
    return {
        (
            "egress" if kind == "Egress" else "ingress",
            f"{pods} lose a policy that denied {str(kind).lower()}",
            True,
        )
        for kind in values(spec, "policyTypes")
        if not items(spec, str(kind).lower())
    }


def _peers(rule: Object, key: str) -> Iterator[tuple[str, bool]]:
    peers = items(rule, key)
    if not peers:
        yield "any address", True
    for peer in peers:
        block = mapping(peer, "ipBlock")
        if block:
            cidr = str(block.get("cidr"))
            yield _range(cidr), _is_public(cidr)
        else:
            yield _pods(peer.get("podSelector"), peer.get("namespaceSelector")), False


def _range(cidr: str) -> str:
    return f"{cidr} (the whole internet)" if cidr in ("0.0.0.0/0", "::/0") else cidr


def _is_public(cidr: str) -> bool:
    try:
        return not ipaddress.ip_network(cidr, strict=False).is_private
    except ValueError:
        return True  # not known yet, so not known to be private


def _pods(pods: Any, namespaces: Any) -> str:  # noqa: ANN401 - JSON
    where = "" if namespaces is None else f" of {_labels(namespaces, 'all namespaces')}"
    return f"{_labels(pods, 'all pods')}{where}"


def _labels(selector: Any, everything: str) -> str:  # noqa: ANN401 - JSON
    labels = mapping(selector or {}, "matchLabels")
    # The instance label is the name of the component, which is what readers know.
    instance = labels.get("app.kubernetes.io/instance")
    name = labels.get("kubernetes.io/metadata.name")
    if instance or name:
        return str(instance or name)
    return ", ".join(f"{k}={v}" for k, v in sorted(labels.items())) or everything


def _ports(rule: Object) -> str:
    ports = [str(port.get("port", "any")) for port in items(rule, "ports")]
    return f"port {', '.join(ports)}" if ports else "all ports"


def _role(_: str, manifest: Object) -> _Facts:
    return {
        ("permission", f"{verb} {resource or 'everything'} in {group or 'the core group'}", False)
        for rule in items(manifest, "rules")
        for verb in values(rule, "verbs")
        for group in values(rule, "apiGroups") or [""]
        for resource in values(rule, "resources") or values(rule, "nonResourceURLs") or [""]
    }


def _binding(kind: str, manifest: Object) -> _Facts:
    role = mapping(manifest, "roleRef").get("name")
    where = " in all namespaces" if kind.startswith("Cluster") else ""
    return {
        ("permission", f"{s.get('kind')} {s.get('name')} gets the role {role}{where}", False)
        for s in items(manifest, "subjects")
    }


def _service(_: str, manifest: Object) -> _Facts:
    spec = mapping(manifest, "spec")
    type_ = spec.get("type", "ClusterIP")
    if type_ not in ("LoadBalancer", "NodePort"):
        return set()
    ports = ", ".join(str(p.get("port")) for p in items(spec, "ports"))
    sources = ", ".join(map(str, values(spec, "loadBalancerSourceRanges") or ["any source"]))
    return {("route", f"a {type_} listens on port {ports} for {sources}", True)}


def _hosts(_: str, manifest: Object) -> _Facts:
    """Hosts of an Ingress, a Gateway or a route of the Gateway API."""
    spec = mapping(manifest, "spec")
    hosts = [
        *(rule.get("host", "any host") for rule in items(spec, "rules") if "http" in rule),
        *values(spec, "hostnames"),
        *(item.get("hostname", "any host") for item in items(spec, "listeners")),
    ]
    return {("route", f"the host {host} is served", True) for host in hosts}


def _pod_privileges(kind: str, manifest: Object) -> _Facts:
    pod = mapping(pod_template(kind, manifest), "spec")
    found = {
        f"the pod uses the node's {name}"
        for key, name in (
            ("hostNetwork", "network"),
            ("hostPID", "processes"),
            ("hostIPC", "IPC"),
        )
        if pod.get(key) is True
    }
    if pod.get("automountServiceAccountToken") is True:
        found.add("the pod mounts an API token")
    for volume in items(pod, "volumes"):
        if path := mapping(volume, "hostPath").get("path"):
            found.add(f"the pod mounts {path} of the node")
    for container in [*items(pod, "containers"), *items(pod, "initContainers")]:
        context = mapping(container, "securityContext")
        name = container.get("name")
        for capability in values(mapping(context, "capabilities"), "add"):
            found.add(f"container {name} gets the capability {capability}")
        if context.get("privileged") is True:
            found.add(f"container {name} is privileged")
        if context.get("allowPrivilegeEscalation") is True:
            found.add(f"container {name} may gain privileges")
        if 0 in (context.get("runAsUser"), mapping(pod, "securityContext").get("runAsUser")):
            found.add(f"container {name} runs as root")
    return {("privilege", text, False) for text in found}


_READERS: Mapping[str, Callable[[str, Object], _Facts]] = {
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


def _urls(before: Object, after: Object) -> Iterator[Opening]:
    """URLs in the stack's outputs; the gateway's own routes are in a Secret."""
    old, new = mapping(before, "urls"), mapping(after, "urls")
    for name, url in sorted(new.items()):
        if old.get(name) != url:
            yield Opening(
                what="route",
                resource=f"output urls.{name}",
                component="stack",
                text=f"{url} is served" + (f" instead of {old[name]}" if name in old else ""),
                outside=True,
            )
