"""Each rule on deployments that it must refuse, accept, leave alone, and wait for."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from policies import RULES, STACK_RULES, UNKNOWN, Finding, Resource, Rule, StackRule, check
from tests.policies.cases import Case, Compliant, NotApplicable, Violating, resources
from tests.policies.cases_kernel import ACCOUNTS, KERNEL, RBAC
from tests.policies.cases_leaks import LEAKS
from tests.policies.cases_managed import MANAGED, ROLLOUT
from tests.policies.cases_openings import EXPOSURE, OPENINGS
from tests.policies.cases_pods import HEALTH, IMAGES, ISOLATION, RESOURCES
from tests.policies.cases_serving import DATA, GPUS, PINS, SERVING
from tests.policies.cases_stack import DISRUPTION, NETWORK
from tests.policies.cases_tls import EDGE, LISTENERS, URLS
from tests.policies.cases_wiring import AVAILABILITY, NAMESPACES, WIRING, WORKLOADS
from tests.policies.manifests import (
    BOX,
    CANARY,
    REMOVED,
    Manifest,
    Path,
    change,
    no_waivers,
    obscured,
    workload,
)

CASES: tuple[Case, ...] = (
    *RESOURCES,
    *ISOLATION,
    *IMAGES,
    *HEALTH,
    *EDGE,
    *URLS,
    *LISTENERS,
    *LEAKS,
    *NETWORK,
    *DISRUPTION,
    *KERNEL,
    *ACCOUNTS,
    *RBAC,
    *PINS,
    *GPUS,
    *SERVING,
    *DATA,
    *MANAGED,
    *ROLLOUT,
    *OPENINGS,
    *EXPOSURE,
    *AVAILABILITY,
    *WIRING,
    *WORKLOADS,
    *NAMESPACES,
)
VIOLATING = [case for case in CASES if isinstance(case, Violating)]
COMPLIANT = [case for case in CASES if isinstance(case, Compliant)]
NOT_APPLICABLE = [case for case in CASES if isinstance(case, NotApplicable)]
AWAITED = [case for case in VIOLATING if case.unknown]
REGISTERED: tuple[Rule | StackRule, ...] = (*RULES, *STACK_RULES)
ALL = {rule.id: rule for rule in REGISTERED}


def sentence(case: Case) -> str:
    return f"{case.rule}: {case.sentence}"


def findings(case: Case, rule: str, manifests: Sequence[Manifest] | None = None) -> list[Finding]:
    found = check(resources(case, manifests), waivers=no_waivers())
    return [finding for finding in found if finding.rule == rule]


@pytest.mark.parametrize("case", VIOLATING, ids=sentence)
def test_a_rule_refuses(case: Violating) -> None:
    assert any(case.at in finding.path for finding in findings(case, case.rule))


@pytest.mark.parametrize("case", COMPLIANT, ids=sentence)
def test_a_rule_accepts(case: Compliant) -> None:
    assert any(Resource.of(m).kind in ALL[case.rule].kinds for m in case.manifests)
    assert [f.message for f in findings(case, case.rule)] == []


@pytest.mark.parametrize("case", NOT_APPLICABLE, ids=sentence)
def test_a_rule_does_not_judge(case: NotApplicable) -> None:
    assert not any(Resource.of(m).kind in ALL[case.rule].kinds for m in case.manifests)
    assert findings(case, case.rule) == []


@pytest.mark.parametrize("case", AWAITED, ids=sentence)
def test_a_rule_waits_for_a_value_that_the_preview_does_not_know(case: Violating) -> None:
    found = findings(case, case.rule, case.previewed)
    assert [f.message for f in found if case.at in f.path] == []


@pytest.mark.parametrize("case", VIOLATING, ids=sentence)
def test_a_message_has_the_rule_and_all_four_parts(case: Violating) -> None:
    for finding in findings(case, case.rule):
        assert all((finding.path, finding.got, finding.allowed, finding.change))
        assert finding.message == (
            f"[{case.rule}] {finding.path}\n"
            f"    got:      {finding.got}\n"
            f"    allowed:  {finding.allowed}\n"
            f"    change:   {finding.change}"
        )
        assert finding.resource is not None


@pytest.mark.parametrize("case", VIOLATING, ids=sentence)
def test_no_message_quotes_a_secret(case: Violating) -> None:
    found = check(resources(case), waivers=no_waivers())
    assert not [f.message for f in found if CANARY in f.message]


@pytest.mark.parametrize("case", VIOLATING, ids=sentence)
def test_no_rule_stumbles_whatever_part_of_a_manifest_is_unknown(case: Violating) -> None:
    for index, manifest in enumerate(case.manifests):
        for path in paths(manifest):
            if path in {("kind",), ("apiVersion",)}:
                continue
            previewed = list(case.manifests)
            previewed[index] = obscured(manifest, path)
            messages = [f.message for f in check(resources(case, previewed), waivers=no_waivers())]
            assert not [m for m in messages if str(UNKNOWN) in m or "Unknown" in m], path


def test_a_finding_says_what_to_change_in_its_place() -> None:
    without_limit = change(workload(), (*BOX, "resources", "limits", "memory"), REMOVED)
    [finding] = findings(Compliant("", "", [without_limit]), "requests-and-limits")
    assert finding.change == "set limits.memory"


def test_a_finding_without_a_change_of_its_own_gives_the_remedy_of_the_rule() -> None:
    privileged = change(workload(), (*BOX, "securityContext", "privileged"), True)
    [finding] = findings(Compliant("", "", [privileged]), "no-privileged")
    assert finding.change == ALL["no-privileged"].remedy


def paths(value: Any, above: Path = ()) -> Iterator[Path]:
    """Every path in a manifest."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*above, key)
        if isinstance(item, (dict, list)):
            yield from paths(item, (*above, key))
