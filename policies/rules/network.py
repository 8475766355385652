"""Every pod is covered by a NetworkPolicy in both directions."""

from collections.abc import Iterator, Sequence

from policies.rules.frameworks import NSA_NETWORK, RGPD_32, SNC_NETWORK, cis
from policies.rules.model import UNKNOWN, Finding, Node, Resource, Severity, StackRule, Unknown
from policies.rules.pods import OPERATED, WORKLOADS, pod_labels
from policies.rules.reading import Decision, every, get, is_list, missing, namespace, same, selects

POLICY = "NetworkPolicy.networking.k8s.io"


def governs(policy: Resource, direction: str) -> Decision:
    """Whether *policy* restricts *direction*.

    Without policyTypes it restricts Ingress, and Egress if it has egress rules.
    """
    types = get(policy.props, "spec", "policyTypes")
    if isinstance(types, Unknown):
        return types
    if is_list(types) and types:
        return True if direction in types else UNKNOWN if UNKNOWN in types else False
    return direction == "Ingress" or not missing(policy.props, "spec", "egress")


def _covers(policy: Resource, where: Node, labels: Node, direction: str) -> Decision:
    return every(
        [
            governs(policy, direction),
            same(namespace(policy), where),
            selects(get(policy.props, "spec", "podSelector"), labels),
        ]
    )


def _named(where: Node) -> str:
    return "their namespace" if where is UNKNOWN else f"the namespace {where}"


def _uncovered(resources: Sequence[Resource]) -> Iterator[Finding]:
    policies = [resource for resource in resources if resource.kind == POLICY]
    for resource in resources:
        if resource.kind not in WORKLOADS | frozenset(OPERATED):
            continue
        where = namespace(resource)
        for labels in pod_labels(resource):
            for direction in ("Ingress", "Egress"):
                decisions = [_covers(p, where, labels, direction) for p in policies]
                if not any(d is not False for d in decisions):
                    yield Finding(
                        f"{direction.lower()} of the pods",
                        f"no NetworkPolicy in {_named(where)} selects them",
                        f"at least one NetworkPolicy with policyTypes {direction}",
                        resource=resource,
                    )


NETWORK_POLICY = StackRule(
    "network-policy-for-every-pod",
    "A NetworkPolicy for ingress and one for egress select each pod.",
    "A pod that none selects accepts all traffic and can reach everything, including the internet.",
    "add a default-deny NetworkPolicy to the namespace, or one for these pods",
    WORKLOADS | frozenset(OPERATED),
    Severity.CRITICAL,
    _uncovered,
    also_reads=frozenset({POLICY}),
    covers=("network-policy-for-every-pod",),
    frameworks=(
        *cis("5.3.2"),
        NSA_NETWORK,
        SNC_NETWORK,
        RGPD_32,
    ),
)

STACK_RULES = (NETWORK_POLICY,)
