"""NetworkPolicies that deny by default, open no more than they say, and say it of somebody."""

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
                allowed = f"one with podSelector {{}}, policyTypes {direction} and no rule"
                yield Finding(f"{field} of the namespace", got, allowed, resource=resource)


DENY = StackRule(
    "default-deny",
    "Each Namespace denies its pods everything that no other NetworkPolicy allows, both ways.",
    "A pod that nobody thought of, an operator's or an intruder's, is otherwise open.",
    "add a NetworkPolicy with podSelector {}, both policyTypes and no rules",
    frozenset({"Namespace"}),
    Severity.HIGH,
    _undenied,
    rows=(48,),
    frameworks=(*cis("5.3.2"), NSA_NETWORK, SNC_NETWORK),
    beside=frozenset({POLICY}),
)


def _open(resource: Resource) -> Iterator[Finding]:
    for _, field, peers in _DIRECTIONS:
        for i, rule in entries(resource.props, "spec", field):
            found = get(rule, peers)
            if found is not UNKNOWN and not found:
                allowed = "the pods, namespaces or addresses meant"
                yield Finding(f"spec.{field}[{i}].{peers}", "everybody", allowed)


PEERS = Rule(
    "network-policy-names-peers",
    "A rule of a NetworkPolicy names whom it lets in or out.",
    "Left out, it means everybody: an empty rule undoes the default-deny.",
    "name the peers; for all addresses write ipBlock, which says so",
    frozenset({POLICY}),
    Severity.HIGH,
    _open,
    rows=(49,),
    frameworks=(NSA_NETWORK, SNC_NETWORK),
)


def _idle(resources: Sequence[Resource]) -> Iterator[Finding]:
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
            got, allowed = "labels of no pod of the stack", "labels of pods in its namespace"
            yield Finding("spec.podSelector", got, allowed, resource=policy)


SELECTS = StackRule(
    "network-policy-selects-pods",
    "A NetworkPolicy selects pods of the stack.",
    "One that selects none protects nobody, and whoever reads it believes it does.",
    "correct podSelector, or remove the policy",
    frozenset({POLICY}),
    Severity.LOW,
    _idle,
    rows=(49,),
    level=Level.ADVISORY,
    beside=_PODS,
)

_HALF = 1
"""Two networks with prefixes of one bit are everything as well."""


def _everywhere(peer: Node) -> str | None:
    cidr = get(peer, "ipBlock", "cidr")
    if not isinstance(cidr, str):
        return None
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
    return cidr if network.prefixlen <= _HALF else None


def _guarded(resource: Resource) -> bool:
    """Whether its pods hold models or data: GPUs, a model server, a volume that stays."""
    if resource.kind in OPERATED or any(model_servers(resource)):
        return True
    claims = not missing(resource.props, "spec", "volumeClaimTemplates")
    return claims or any(
        any(gpus(container) for container in pod.containers())
        or any(not missing(v, "persistentVolumeClaim") for _, v in entries(pod.spec, "volumes"))
        for pod in pods(resource)
    )


def _leaking(resources: Sequence[Resource]) -> Iterator[Finding]:
    guarded = [r for r in resources if r.kind in _PODS and _guarded(r)]
    for policy in resources:
        if policy.kind != POLICY:
            continue
        selector = get(policy.props, "spec", "podSelector")
        chosen = any(
            every([same(namespace(policy), namespace(maker)), selects(selector, labels)]) is True
            for maker in guarded
            for labels in pod_labels(maker)
        )
        for i, rule in entries(policy.props, "spec", "egress"):
            for j, peer in entries(rule, "to"):
                if chosen and (cidr := _everywhere(peer)):
                    path = f"spec.egress[{i}].to[{j}].ipBlock.cidr"
                    allowed = "the addresses meant"
                    yield Finding(path, shown(cidr), allowed, resource=policy)


EGRESS = StackRule(
    "no-open-egress",
    "No pod that holds models or data may reach every address.",
    "Prompts, documents and weights leave by the same door as a download.",
    "name the mirror's addresses, or fetch through the object store",
    frozenset({POLICY}),
    Severity.CRITICAL,
    _leaking,
    rows=(61,),
    frameworks=(NSA_NETWORK, SNC_NETWORK, RGPD_32, RGPD_44),
    beside=_PODS,
)

RULES = (PEERS,)
STACK_RULES = (DENY, SELECTS, EGRESS)
