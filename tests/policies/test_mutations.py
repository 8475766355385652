"""Mutation run: production broken in the one way that a rule forbids, and exactly it speaks.

What the waivers let through today is on both sides of the comparison.
"""

from collections import Counter
from collections.abc import Sequence

import pytest

from policies import RULES, STACK_RULES, Resource, check
from tests.policies.manifests import no_waivers
from tests.policies.mutations import BACKUP, MUTATIONS
from tests.policies.production import resources

_Told = Counter[tuple[str, str, str, str]]


def told(found: Sequence[Resource]) -> _Told:
    """Rule, resource, field and subject of each finding, waived or not."""
    return Counter(
        (f.rule, f.resource.id if f.resource else "", f.path, f.subject)
        for f in check(found, waivers=no_waivers())
    )


def production() -> list[Resource]:
    return [*resources("prod"), BACKUP]


@pytest.fixture(scope="module")
def unspoilt() -> _Told:
    return told(production())


@pytest.mark.parametrize("rule", MUTATIONS)
def test_exactly_the_rule_that_forbids_it_speaks(rule: str, unspoilt: _Told) -> None:
    more = told(MUTATIONS[rule](production())) - unspoilt
    assert {name for name, *_ in more} == {rule}, list(more)


def test_every_rule_has_its_mutation() -> None:
    assert set(MUTATIONS) == {rule.id for rule in (*RULES, *STACK_RULES)}
