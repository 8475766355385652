"""The stack itself under its own policies, and the same stack spoilt."""

from collections.abc import Mapping
from typing import Any

import pytest

from policies import RULES, STACK_RULES, Level, Resource, check
from policies.checking import check_waivers
from policies.waivers import load
from tests.policies.manifests import BOX, REMOVED, change
from tests.policies.production import resources, waivers_of

_STACKS = ("local", "staging", "prod")
_ADVICE = {rule.id for rule in (*RULES, *STACK_RULES) if rule.level is Level.ADVISORY}


@pytest.fixture(scope="module")
def production() -> list[Resource]:
    """What the program asks for in prod, on mocks."""
    return list(resources("prod"))


def refused(resources: list[Resource]) -> list[str]:
    return [finding.message for finding in check(resources) if finding.rule not in _ADVICE]


def spoilt(resource: Resource, *paths_and_values: Any) -> list[str]:
    """The rules that it breaks by itself with these changes."""
    changed = Resource(resource.kind, change(dict(resource.props), *paths_and_values), resource.urn)
    return [finding.rule for finding in check([changed], stack_rules=())]


def of_kind(resources: list[Resource], kind: str) -> Mapping[str, Resource]:
    found = {r.urn: r for r in resources if r.kind == kind}
    assert found
    return found


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_a_stack_breaks_no_rule_that_is_not_waived(stack: str) -> None:
    found = check(resources(stack), waivers=waivers_of(stack))
    assert [finding.message for finding in found] == []


def test_every_waiver_is_needed_by_a_stack_or_is_optional() -> None:
    waivers = load()
    every = [resource for stack in _STACKS for resource in resources(stack)]
    for stack in _STACKS:
        check(resources(stack), waivers=waivers)
    assert [finding.message for finding in waivers.unused(every)] == []


@pytest.mark.parametrize("stack", ["local", "staging"])
def test_every_waiver_of_a_stack_is_needed_by_it(stack: str) -> None:
    waivers = waivers_of(stack)
    check(resources(stack), waivers=waivers)
    own = {w.location for w in waivers.waivers if w.location.startswith(f"waivers.{stack}.yaml")}
    assert own
    assert own <= waivers.used.keys()


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_what_is_missing_stays_visible_as_one_piece_of_advice_each(stack: str) -> None:
    waivers = waivers_of(stack)
    objects = resources(stack)
    check(objects, waivers=waivers)

    found = list(check_waivers(objects, waivers))

    assert {f.level for f in found} == {Level.ADVISORY}
    assert sorted(f.rule for f in found) == [
        "backup-declared",
        "image-digest",
        "image-registry",
        "replicas-behind-service",
        "replicas-behind-service",
    ]
    [backup] = [f for f in found if f.rule == "backup-declared"]
    assert backup.path.count("Cluster.postgresql.cnpg.io/") == 2
    assert backup.got == "missing (2 times)"
    assert "no backup component yet" in backup.change


def test_no_waiver_states_what_is_a_setting_or_data_of_an_image() -> None:
    stated = {w.rule for stack in _STACKS for w in waivers_of(stack).waivers}
    assert stated.isdisjoint({"encrypted-storage", "high-user-and-group"})


def test_any_deployment_of_production_without_its_memory_limit_is_refused(
    production: list[Resource],
) -> None:
    for urn, deployment in of_kind(production, "Deployment.apps").items():
        broken = spoilt(deployment, (*BOX, "resources", "limits", "memory"), REMOVED)
        assert "requests-and-limits" in broken, urn


def test_any_service_of_production_that_speaks_http_is_refused(production: list[Resource]) -> None:
    for urn, service in of_kind(production, "Service").items():
        assert spoilt(service, ("spec", "ports", 0, "name"), "http") == ["tls-port"], urn


def test_a_model_server_of_production_without_a_certificate_is_refused(
    production: list[Resource],
) -> None:
    chat = of_kind(production, "Deployment.apps")[
        "urn:pulumi:prod::private-ai::kubernetes:apps/v1:Deployment::chat"
    ]
    words = chat.props["spec"]["template"]["spec"]["containers"][0]["args"]
    without = [word for word in words if not word.startswith("--ssl-certfile")]
    assert without != words
    assert "tls-listener" in spoilt(chat, (*BOX, "args"), without)


def test_production_without_its_default_deny_policies_is_refused(
    production: list[Resource],
) -> None:
    bare = [r for r in production if r.kind != "NetworkPolicy.networking.k8s.io"]
    assert {m[: m.index(" ")] for m in refused(bare)} == {
        "[default-deny]",
        "[network-policy-for-every-pod]",
    }
