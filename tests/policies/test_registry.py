"""The rules as a set: complete, documented, tested."""

import re

import pytest

from policies import Rule, StackRule
from policies.coverage import CHECKS
from policies.rules.frameworks import SOURCES
from policies.waivers import WAIVER_RULES
from tests.policies.cases import Case
from tests.policies.test_rules import AWAITED, COMPLIANT, NOT_APPLICABLE, REGISTERED, VIOLATING


@pytest.mark.parametrize("rule", REGISTERED, ids=lambda rule: rule.id)
@pytest.mark.parametrize(
    "cases",
    [VIOLATING, COMPLIANT, NOT_APPLICABLE, AWAITED],
    ids=["violating", "compliant", "not applicable", "unknown at preview"],
)
def test_every_rule_has_every_sort_of_case(rule: Rule | StackRule, cases: list[Case]) -> None:
    assert rule.id in {case.rule for case in cases}


def test_every_case_is_of_a_registered_rule() -> None:
    cases: tuple[Case, ...] = (*VIOLATING, *COMPLIANT, *NOT_APPLICABLE)
    assert {case.rule for case in cases} == {rule.id for rule in REGISTERED}


def test_an_id_names_one_rule() -> None:
    ids = [rule.id for rule in REGISTERED]
    assert sorted(set(ids)) == sorted(ids)


@pytest.mark.parametrize("rule", REGISTERED, ids=lambda rule: rule.id)
def test_a_rule_says_what_why_and_how_in_sentences(rule: Rule | StackRule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.id)
    assert rule.what.endswith(".")
    assert rule.why.endswith(".")
    assert not rule.remedy.endswith(".")
    assert rule.remedy[0].islower()
    assert rule.kinds


def test_every_check_has_a_rule_or_a_reason_why_manifests_cannot_decide_it() -> None:
    made = {check for rule in (*REGISTERED, *WAIVER_RULES) for check in rule.covers}
    undecidable = {name for name, check in CHECKS.items() if check.undecidable}
    assert made | undecidable == set(CHECKS)
    assert not made & undecidable
    assert len(CHECKS) == 77


@pytest.mark.parametrize("rule", REGISTERED, ids=lambda rule: rule.id)
def test_a_rule_points_only_to_guides_whose_source_is_named(rule: Rule | StackRule) -> None:
    assert rule.covers
    assert all(any(f.startswith(name) for name in SOURCES) for f in rule.frameworks)
