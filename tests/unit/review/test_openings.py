"""Permissions and ways through the network that were not there before."""

from typing import Any

import pytest

from review.report import Opening
from tests.unit.review.review_support import of_events, step

POLICY = "networking.k8s.io/v1:NetworkPolicy"


def _openings(*events: Any) -> list[Opening]:
    return of_events(*events).openings


def _egress(*cidrs: str) -> dict[str, Any]:
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]
    rule = {"to": blocks, "ports": [{"port": 443}]}
    return {"spec": {"policyTypes": ["Egress"], "egress": [rule]}}


def test_only_the_range_that_is_new_is_an_opening() -> None:
    [told] = _openings(
        step(POLICY, "a", old=_egress("10.0.0.0/8"), new=_egress("10.0.0.0/8", "0.0.0.0/0"))
    )

    assert (told.what, told.outside) == ("egress", True)
    assert told.text == "all pods may reach 0.0.0.0/0 (the whole internet) on port 443"


def test_a_private_range_is_not_beyond_the_cluster() -> None:
    [told] = _openings(step(POLICY, "a", new=_egress("10.96.0.1/32")))

    assert not told.outside


def test_a_range_that_goes_opens_nothing() -> None:
    assert _openings(step(POLICY, "a", old=_egress("0.0.0.0/0"), new=_egress("10.0.0.0/8"))) == [
        Opening(
            what="egress",
            resource="NetworkPolicy a",
            component="part",
            text="all pods may reach 10.0.0.0/8 on port 443",
            outside=False,
        )
    ]
    assert _openings(step(POLICY, "a", old=_egress("0.0.0.0/0"))) == []


def test_a_rule_without_peers_lets_everyone_in() -> None:
    new = {"spec": {"policyTypes": ["Ingress"], "ingress": [{}]}}

    [told] = _openings(step(POLICY, "a", new=new))

    assert (told.text, told.outside) == ("any address may reach all pods on all ports", True)


def test_a_policy_that_denied_and_goes_is_an_opening_of_both_ways() -> None:
    deny = {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}

    assert [o.what for o in _openings(step(POLICY, "a", old=deny))] == ["egress", "ingress"]


def test_a_binding_names_who_gets_which_role() -> None:
    new = {"roleRef": {"name": "admin"}, "subjects": [{"kind": "Group", "name": "everyone"}]}

    [told] = _openings(step("rbac.authorization.k8s.io/v1:ClusterRoleBinding", "a", new=new))

    assert told.text == "Group everyone gets the role admin in all namespaces"


def test_only_the_verb_that_a_role_gains_is_told() -> None:
    def role(*verbs: str) -> dict[str, Any]:
        return {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": list(verbs)}]}

    [told] = _openings(
        step("rbac.authorization.k8s.io/v1:Role", "a", old=role("get"), new=role("get", "list"))
    )

    assert told.text == "list secrets in the core group"


@pytest.mark.parametrize(
    ("kind", "spec", "text"),
    [
        ("core/v1:Service", {"type": "NodePort", "ports": [{"port": 80}]}, "a NodePort listens"),
        (
            "networking.k8s.io/v1:Ingress",
            {"rules": [{"host": "a.example", "http": {}}]},
            "the host a.example is served",
        ),
        (
            "gateway.networking.k8s.io/v1:HTTPRoute",
            {"hostnames": ["b.example"]},
            "the host b.example is served",
        ),
    ],
)
def test_a_new_way_in_is_a_route_to_the_outside(kind: str, spec: dict[str, Any], text: str) -> None:
    [told] = _openings(step(kind, "a", new={"spec": spec}))

    assert (told.what, told.outside) == ("route", True)
    assert told.text.startswith(text)


@pytest.mark.parametrize(
    ("pod", "text"),
    [
        ({"hostNetwork": True}, "the pod uses the node's network"),
        ({"automountServiceAccountToken": True}, "the pod mounts an API token"),
        ({"volumes": [{"hostPath": {"path": "/run"}}]}, "the pod mounts /run of the node"),
        (
            {"containers": [{"name": "c", "securityContext": {"privileged": True}}]},
            "container c is privileged",
        ),
        (
            {
                "containers": [
                    {"name": "c", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}
                ]
            },
            "container c gets the capability NET_ADMIN",
        ),
    ],
)
def test_a_privilege_that_a_pod_gains_is_told(pod: dict[str, Any], text: str) -> None:
    new = {"spec": {"template": {"spec": pod}}}

    [told] = _openings(step("apps/v1:Deployment", "a", old={"spec": {}}, new=new))

    assert (told.what, told.text) == ("privilege", text)
