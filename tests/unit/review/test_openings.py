"""Permissions and ways through the network that were not there before."""

from typing import Any

import pytest

from review.report import REACHES, Opening
from review.wording import opening
from tests.unit.review.review_support import of_events, step

POLICY = "networking.k8s.io/v1:NetworkPolicy"


def _openings(*events: Any, op: str = "opened") -> list[Opening]:
    return [opening for opening in of_events(*events).openings if opening.op == op]


def _policy(pods: str, *peers: str, namespace: str = "a", way: str = "egress") -> dict[str, Any]:
    """A policy of the pods of component *pods*, with *peers* as `component.namespace`."""
    end = {"egress": "to", "ingress": "from"}[way]
    split = [peer.partition(".") for peer in peers]
    found = [
        {
            "podSelector": {"matchLabels": {"app.kubernetes.io/instance": name}},
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": where}},
        }
        for name, _, where in split
    ]
    return {
        "metadata": {"namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": {"app.kubernetes.io/instance": pods}},
            "policyTypes": [way.capitalize()],
            way: [{end: [peer], "ports": [{"port": 443}]} for peer in found],
        },
    }


def _egress(*cidrs: str) -> dict[str, Any]:
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in cidrs]
    rule = {"to": blocks, "ports": [{"port": 443}]}
    return {"spec": {"policyTypes": ["Egress"], "egress": [rule]}}


def test_only_the_range_that_is_new_is_an_opening() -> None:
    [told] = _openings(
        step(POLICY, "a", old=_egress("10.0.0.0/8"), new=_egress("10.0.0.0/8", "0.0.0.0/0"))
    )

    assert (told.what, told.reach) == ("egress", "internet")
    assert opening(told) == "all pods may reach 0.0.0.0/0 (the whole internet) on port 443"


def test_a_private_range_is_not_beyond_the_cluster() -> None:
    [told] = _openings(step(POLICY, "a", new=_egress("10.96.0.1/32")))

    assert told.reach == "network"


def test_a_range_that_goes_is_closed_and_opens_nothing() -> None:
    events = [step(POLICY, "a", old=_egress("0.0.0.0/0"), new=_egress("10.0.0.0/8"))]

    assert [opening(o) for o in _openings(*events)] == ["all pods may reach 10.0.0.0/8 on port 443"]
    [closed] = _openings(*events, op="closed")
    assert (closed.reach, closed.resources) == ("internet", ["NetworkPolicy a"])


def test_what_another_policy_still_admits_is_neither_opened_nor_closed() -> None:
    """Rules that move from one policy to another: ADR 0015 moved all of them."""
    one, other = _policy("web", "db.data"), _policy("web", "db.data")

    assert of_events(step(POLICY, "a", old=one), step(POLICY, "b", new=other)).openings == []


def test_a_path_between_pods_is_told_once_though_two_policies_say_it() -> None:
    [told] = _openings(
        step(POLICY, "out", new=_policy("web", "db.data")),
        step(POLICY, "in", new=_policy("db", "web.a", namespace="data", way="ingress")),
    )

    assert opening(told) == "web of a may reach db of data on port 443"
    assert (told.reach, told.resources) == ("namespaces", ["NetworkPolicy in", "NetworkPolicy out"])


def test_like_openings_are_in_one_row() -> None:
    jobs = [step(POLICY, f"job-{n}", new=_policy(f"job-{n}", "hub.out")) for n in range(6)]
    watch = step(POLICY, "watch", new=_policy("watch", "x.a", "y.a"))

    watched, gathered = sorted(_openings(*jobs, watch), key=lambda o: len(o.who))

    assert opening(watched) == "watch of a may reach x of a on port 443; y of a on port 443"
    assert len(gathered.who) == 6
    assert opening(gathered) == (
        "job-0 of a, job-1 of a, job-2 of a, job-3 of a and 2 more may reach hub of out on port 443"
    )


def test_the_widest_reach_is_first() -> None:
    events = [
        step(POLICY, "a", new=_policy("web", "near.a", "far.b")),
        step(POLICY, "b", new=_egress("10.0.0.0/8", "0.0.0.0/0")),
        step("apps/v1:Deployment", "c", new={"spec": {"template": {"spec": {"hostPID": True}}}}),
        step(
            "rbac.authorization.k8s.io/v1:ClusterRole",
            "d",
            new={"rules": [{"resources": ["pods"], "verbs": ["get"]}]},
        ),
    ]

    assert [o.reach for o in _openings(*events)] == list(REACHES)


def test_a_rule_without_peers_lets_everyone_in() -> None:
    new = {"spec": {"policyTypes": ["Ingress"], "ingress": [{}]}}

    [told] = _openings(step(POLICY, "a", new=new))

    assert opening(told) == "any address may reach all pods on all ports"
    assert told.reach == "internet"


def test_a_policy_that_denied_and_goes_is_an_opening_of_both_ways() -> None:
    deny = {"spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}}

    assert [o.what for o in _openings(step(POLICY, "a", old=deny))] == ["egress", "ingress"]


def test_pods_that_another_policy_isolates_lose_nothing() -> None:
    deny = {
        "metadata": {"namespace": "a"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    kept = step(POLICY, "deny", old=deny, new=deny, op="same")

    assert _openings(kept, step(POLICY, "web", old=_policy("web", "db.data"))) == []
    [told] = _openings(step(POLICY, "web", old=_policy("web", "db.data")))
    assert opening(told) == "web of a lose the last policy that denied egress"


def test_a_namespace_that_goes_opens_nothing() -> None:
    deny = {"metadata": {"namespace": "a"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}
    namespace = step("core/v1:Namespace", "a", old={"metadata": {"name": "a"}})

    assert _openings(step(POLICY, "deny", old=deny), namespace) == []


def test_a_binding_names_who_gets_which_role() -> None:
    new = {"roleRef": {"name": "admin"}, "subjects": [{"kind": "Group", "name": "everyone"}]}

    [told] = _openings(step("rbac.authorization.k8s.io/v1:ClusterRoleBinding", "a", new=new))

    assert opening(told) == "Group everyone has the role admin in all namespaces"


def test_only_the_verb_that_a_role_gains_is_told() -> None:
    def role(*verbs: str) -> dict[str, Any]:
        return {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": list(verbs)}]}

    [told] = _openings(
        step("rbac.authorization.k8s.io/v1:Role", "a", old=role("get"), new=role("get", "list"))
    )

    assert opening(told) == "Role a may list secrets in the core group"


@pytest.mark.parametrize(
    ("kind", "spec", "text"),
    [
        (
            "core/v1:Service",
            {"type": "NodePort", "ports": [{"port": 80}]},
            "listens as a NodePort on port 80",
        ),
        (
            "networking.k8s.io/v1:Ingress",
            {"rules": [{"host": "a.example", "http": {}}]},
            "serves the host a.example",
        ),
        (
            "gateway.networking.k8s.io/v1:HTTPRoute",
            {"hostnames": ["b.example"]},
            "serves the host b.example",
        ),
    ],
)
def test_a_new_way_in_is_a_route_to_the_outside(kind: str, spec: dict[str, Any], text: str) -> None:
    [told] = _openings(step(kind, "a", new={"spec": spec}))

    assert (told.what, told.reach) == ("route", "internet")
    assert told.may[0].startswith(text)


@pytest.mark.parametrize(
    ("pod", "text"),
    [
        ({"hostNetwork": True}, "uses the node's network"),
        ({"automountServiceAccountToken": True}, "mounts an API token"),
        ({"volumes": [{"hostPath": {"path": "/run"}}]}, "mounts /run of the node"),
        (
            {"containers": [{"name": "c", "securityContext": {"privileged": True}}]},
            "runs container c privileged",
        ),
        (
            {
                "containers": [
                    {"name": "c", "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}
                ]
            },
            "gives container c the capability NET_ADMIN",
        ),
    ],
)
def test_a_privilege_that_a_pod_gains_is_told(pod: dict[str, Any], text: str) -> None:
    new = {"spec": {"template": {"spec": pod}}}

    [told] = _openings(step("apps/v1:Deployment", "a", old={"spec": {}}, new=new))

    assert (told.what, told.may) == ("privilege", [text])
