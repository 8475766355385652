"""NetworkPolicies: deny by default, named peers, selected pods, closed egress."""

import ipaddress
from collections.abc import Iterator, Sequence

from policies.rules.frameworks import NSA_NETWORK, RGPD_32, RGPD_44, SNC_NETWORK, cis
from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity, StackRule
from policies.rules.network import POLICY, governs
from policies.rules.pods import OPERATED, WORKLOADS, pod_labels, pods
from policies.rules.reading import (
    Decision,
    entries,
    every,
    get,
    missing,
    name,
    namespace,
    same,
    selects,
    shown,
)
from policies.rules.servers import gpus, model_servers

_PODS = WORKLOADS | frozenset(OPERATED)
_DIRECTIONS = (("Ingress", "ingress", "from"), ("Egress", "egress", "to"))


def _denies(policy: Resource, direction: str, field: str) -> Decision:
    selector = get(policy.props, "spec", "podSelector", default={})
    rules = get(policy.props, "spec", field)
    everyone = UNKNOWN if selector is UNKNOWN else not selector or not any(selector.values())
    nothing = UNKNOWN if rules is UNKNOWN else not rules
    return every([everyone, nothing, governs(policy, direction)])


def _undenied(resources: Sequence[Resource]) -> Iterator[Finding]:
    policies = [r for r in resources if r.kind == POLICY]
    for resource in resources:
        if resource.kind != "Namespace":
            continue
        here = [p for p in policies if same(namespace(p), name(resource)) is not False]
        for direction, field, _ in _DIRECTIONS:
            if all(_denies(policy, direction, field) is False for policy in here):
                got = f"no NetworkPolicy that denies all {field}"
                allowed = (
                    f"a NetworkPolicy with podSelector {{}}, policyTypes {direction} and no rules"
                )
                yield Finding(f"{field} of the namespace", got, allowed, resource=resource)


DENY = StackRule(
    "default-deny",
    "Each Namespace has a NetworkPolicy that denies all ingress and egress by default.",
    "Pods that no other policy selects, such as an operator's, are otherwise open.",
    "add a NetworkPolicy with podSelector {}, both policyTypes and no rules",
    frozenset({"Namespace"}),
    Severity.HIGH,
    _undenied,
    covers=("default-deny",),
    frameworks=(*cis("5.3.2"), NSA_NETWORK, SNC_NETWORK),
    also_reads=frozenset({POLICY}),
)


def _open(resource: Resource) -> Iterator[Finding]:
    for _, field, peers in _DIRECTIONS:
        for i, rule in entries(resource.props, "spec", field):
            found = get(rule, peers)
            if found is not UNKNOWN and not found:
                allowed = "the intended pods, namespaces or addresses"
                yield Finding(
                    f"spec.{field}[{i}].{peers}", "missing, which means all peers", allowed
                )


PEERS = Rule(
    "network-policy-names-peers",
    "Every rule of a NetworkPolicy lists its peers.",
    "A rule without peers allows all of them and cancels the default-deny policy.",
    "list the peers; to allow all addresses, use an explicit ipBlock",
    frozenset({POLICY}),
    Severity.HIGH,
    _open,
    covers=("network-policy-targets",),
    frameworks=(NSA_NETWORK, SNC_NETWORK),
)


def _matching_no_pods(resources: Sequence[Resource]) -> Iterator[Finding]:
    makers = [r for r in resources if r.kind in _PODS]
    for policy in resources:
        selector = get(policy.props, "spec", "podSelector")
        if policy.kind != POLICY or not selector or selector is UNKNOWN:
            continue
        decisions = (
            every([same(namespace(policy), namespace(maker)), selects(selector, labels)])
            for maker in makers
            for labels in pod_labels(maker)
        )
        if all(decision is False for decision in decisions):
            got, allowed = "labels that no pod of the stack has", "labels of pods in its namespace"
            yield Finding("spec.podSelector", got, allowed, resource=policy)


SELECTS = StackRule(
    "network-policy-selects-pods",
    "A NetworkPolicy selects pods of the stack.",
    "One that selects none protects nothing, but looks as if it did.",
    "correct podSelector, or remove the policy",
    frozenset({POLICY}),
    Severity.LOW,
    _matching_no_pods,
    covers=("network-policy-targets",),
    level=Level.ADVISORY,
    also_reads=_PODS,
)

_WIDEST_PREFIX = 1
"""Prefix length in bits; two /1 networks also cover all addresses."""


def _everywhere(peer: Node) -> str | None:
    cidr = get(peer, "ipBlock", "cidr")
    if not isinstance(cidr, str):
        return None
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
    return cidr if network.prefixlen <= _WIDEST_PREFIX else None


def _sensitive(resource: Resource) -> bool:
    """Whether its pods hold models or data: GPUs, a model server or a persistent volume."""
    if resource.kind in OPERATED or any(model_servers(resource)):
        return True
    claims = not missing(resource.props, "spec", "volumeClaimTemplates")
    return claims or any(
        any(gpus(container) for container in pod.containers())
        or any(not missing(v, "persistentVolumeClaim") for _, v in entries(pod.spec, "volumes"))
        for pod in pods(resource)
    )


def _leaking(resources: Sequence[Resource]) -> Iterator[Finding]:
    sensitive = [r for r in resources if r.kind in _PODS and _sensitive(r)]
    for policy in resources:
        if policy.kind != POLICY:
            continue
        selector = get(policy.props, "spec", "podSelector")
        chosen = any(
            every([same(namespace(policy), namespace(maker)), selects(selector, labels)]) is True
            for maker in sensitive
            for labels in pod_labels(maker)
        )
        for i, rule in entries(policy.props, "spec", "egress"):
            for j, peer in entries(rule, "to"):
                if chosen and (cidr := _everywhere(peer)):
                    path = f"spec.egress[{i}].to[{j}].ipBlock.cidr"
                    allowed = "the intended addresses"
                    yield Finding(path, shown(cidr), allowed, resource=policy)


EGRESS = StackRule(
    "no-open-egress",
    "No pod with models or data may reach all addresses.",
    "An open egress rule also lets prompts, documents and weights out.",
    "list the addresses of the mirror, or fetch from the object store",
    frozenset({POLICY}),
    Severity.CRITICAL,
    _leaking,
    covers=("no-open-egress",),
    frameworks=(NSA_NETWORK, SNC_NETWORK, RGPD_32, RGPD_44),
    also_reads=_PODS,
)

RULES = (PEERS,)
STACK_RULES = (DENY, SELECTS, EGRESS)
