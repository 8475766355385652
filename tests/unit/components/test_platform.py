"""What the platform asks of the cluster for each tier."""

from typing import Any

import pulumi
import pytest

from components.common.network import Firewall, Pods
from components.platform import Platform, PlatformArgs
from config.settings.platform import TIERS, PlatformSettings
from tests.support import Recorded, deploy, openings

NAMESPACE = "kubernetes:core/v1:Namespace"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SETTINGS = PlatformSettings(
    organization="Test",
    storage_class="fast",
    shared_storage_class="shared",
    api_server_cidrs=["10.0.0.1/32"],
)


@pytest.fixture(scope="module")
def asked() -> Recorded:
    def program() -> None:
        Platform(
            "platform",
            PlatformArgs(settings=SETTINGS, gpus={"nvidia.com/gpu": 8}, image=lambda key: key),
        )

    return deploy(program)


@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_denies_both_ways_and_may_ask_the_dns(asked: Recorded, tier: str) -> None:
    deny = asked.one(POLICY, f"{tier}-deny").inputs["spec"]
    dns = asked.one(POLICY, f"{tier}-dns").inputs["spec"]

    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {p["port"] for p in dns["egress"][0]["ports"]} == {53}


def test_only_the_gpu_tier_is_exempt_from_the_restricted_standard_and_says_why(
    asked: Recorded,
) -> None:
    enforce = "pod-security.kubernetes.io/enforce"
    exempt = {
        n.name: n.inputs["metadata"]["annotations"]
        for n in asked.of(NAMESPACE)
        if n.inputs["metadata"]["labels"][enforce] != "restricted"
    }

    assert list(exempt) == ["gpu"]
    assert "kubelet" in exempt["gpu"]["private-ai.dev/pod-security-exception"]


def test_only_the_model_tier_may_take_gpus_and_only_the_gateway_an_address(asked: Recorded) -> None:
    quotas = {
        q.name: q.inputs["spec"]["hard"] for q in asked.of("kubernetes:core/v1:ResourceQuota")
    }
    gpus = {t: hard["requests.nvidia.com/gpu"] for t, hard in quotas.items()}

    assert {t for t, n in gpus.items() if n != "0"} == {"models"}
    assert gpus["models"] == "8"
    assert {t for t, hard in quotas.items() if hard["services.loadbalancers"] != "0"} == {"gateway"}


def test_a_container_that_names_no_limits_gets_some(asked: Recorded) -> None:
    [limit] = asked.one("kubernetes:core/v1:LimitRange", "apps").inputs["spec"]["limits"]

    assert set(limit["default"]) == {"cpu", "memory", "ephemeral-storage"}


def test_namespaces_have_the_documented_default_names(asked: Recorded) -> None:
    names = {n.name: n.inputs["metadata"]["name"] for n in asked.of(NAMESPACE)}

    assert names["models"] == "llm-production"
    assert names["gateway"] == "kong"


def test_a_connection_opens_one_way_out_and_one_way_in() -> None:
    client = Pods("web", "apps", {"app": "web"})
    server = Pods("db", "data", {"app": "db"})

    def program() -> None:
        platform = Platform(
            "platform", PlatformArgs(settings=SETTINGS, gpus={}, image=lambda key: key)
        )
        firewall = platform.tier("apps").firewall
        firewall.connect(client, server, 5432)
        firewall.admit_cidrs(client, ["192.0.2.0/24"], 443)
        firewall.reach_cidrs(client, ["198.51.100.0/24"], 443)
        platform.open()

    asked = deploy(program)
    out = asked.one(POLICY, "web-allow").inputs
    into = asked.one(POLICY, "db-allow").inputs

    assert out["metadata"]["namespace"] == "apps"
    assert out["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert out["spec"]["egress"][1]["to"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "data"}},
            "podSelector": {"matchLabels": {"app": "db"}},
        }
    ]
    assert into["metadata"]["namespace"] == "data"
    assert into["spec"]["policyTypes"] == ["Ingress"]
    assert openings(asked) == {
        "web-to-198.51.100.0/24": [443],
        "web-to-db": [5432],
        "web-from-192.0.2.0/24": [443],
        "db-from-web": [5432],
    }


def test_peers_with_the_same_ports_share_a_rule_whatever_the_order_they_were_admitted_in() -> None:
    server = Pods("db", "data", {"app": "db"})
    web, jobs, admin = (Pods(name, "apps", {"app": name}) for name in ("web", "jobs", "admin"))

    def opened(*clients: Pods) -> list[Any]:
        def program() -> None:
            firewall = Firewall()
            for client in clients:
                firewall.admit(server, client, *((5432, 9187) if client is admin else (5432,)))
            firewall.enforce()

        return deploy(program).one(POLICY, "db-allow").inputs["spec"]["ingress"]

    rules = opened(web, jobs, admin)
    assert rules == opened(admin, jobs, web)
    assert [len(rule["from"]) for rule in rules] == [2, 1]
    assert [[port["port"] for port in rule["ports"]] for rule in rules] == [[5432], [5432, 9187]]


def test_two_sets_of_pods_may_not_have_one_name() -> None:
    """They would share a policy, and a rule would admit the wrong one."""
    firewall = Firewall()
    firewall.admit(Pods("db", "data", {"app": "db"}), Pods("web", "apps", {"app": "web"}), 5432)

    with pytest.raises(ValueError, match="two sets of pods are called web"):
        firewall.admit(Pods("db", "data", {"app": "db"}), Pods("web", "apps", {"app": "x"}), 5432)


@pytest.mark.parametrize("disposable", [True, False])
def test_a_namespace_is_protected_unless_the_stack_is_disposable(disposable: bool) -> None:
    settings = SETTINGS.model_copy(update={"disposable": disposable})

    def program() -> None:
        Platform("platform", PlatformArgs(settings=settings, gpus={}, image=lambda key: key))

    asked = deploy(program)

    assert {n.protect for n in asked.of(NAMESPACE)} == {not disposable}
    assert not any(p.protect for p in asked.of(POLICY))


def test_a_namespace_that_was_there_before_stays_when_the_stack_goes() -> None:
    settings = SETTINGS.model_copy(update={"disposable": True, "adopt_namespaces": ["monitoring"]})

    def program() -> None:
        Platform("platform", PlatformArgs(settings=settings, gpus={}, image=lambda key: key))

    asked = deploy(program)

    assert {n.name for n in asked.of(NAMESPACE) if n.retain} == {"monitoring"}
    stacks = {n.inputs["metadata"]["labels"]["private-ai.dev/stack"] for n in asked.of(NAMESPACE)}
    assert stacks == {pulumi.get_stack()}
