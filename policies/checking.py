"""Run the rules over resources, without an engine."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from policies import waivers as waiving
from policies.rules import RULES, STACK_RULES
from policies.rules.model import Described, Finding, Resource, Rule, StackRule
from policies.waivers import Waivers

WAIVABLE = frozenset(rule.id for rule in (*RULES, *STACK_RULES))
"""The ids that a waiver can name."""
BY_ID: Mapping[str, Described] = {r.id: r for r in (*RULES, *STACK_RULES, *waiving.RULES)}
"""Every rule, those about waivers too."""


def check(
    resources: Sequence[Resource],
    rules: Iterable[Rule] = RULES,
    stack_rules: Iterable[StackRule] = STACK_RULES,
    waivers: Waivers | None = None,
) -> list[Finding]:
    """All findings of the rules over *resources*, in the order of the resources.

    *waivers* are those of `policies.waivers.load()` unless given.
    """
    chosen, leave = tuple(rules), waiving.load() if waivers is None else waivers
    found = [f for resource in resources for f in check_one(resource, leave, chosen)]
    return [*found, *check_stack(resources, leave, stack_rules)]


def check_one(
    resource: Resource, waivers: Waivers, rules: Iterable[Rule] = RULES
) -> Iterator[Finding]:
    """The findings of the rules that read one resource at a time."""
    for rule in rules:
        if resource.kind in rule.kinds:
            for finding in rule.check(resource):
                yield from _kept(rule, replace(finding, resource=resource), waivers)


def check_stack(
    resources: Sequence[Resource], waivers: Waivers, rules: Iterable[StackRule] = STACK_RULES
) -> Iterator[Finding]:
    """The findings of the rules that read all resources together."""
    for rule in rules:
        for finding in rule.check(resources):
            yield from _kept(rule, finding, waivers)


def check_waivers(resources: Sequence[Resource], waivers: Waivers) -> Iterator[Finding]:
    """The findings about the waivers themselves; to be asked last."""
    yield from waivers.unsound(WAIVABLE)
    yield from waivers.idle(resources)


def _kept(rule: Rule | StackRule, finding: Finding, waivers: Waivers) -> Iterator[Finding]:
    """*finding* completed, unless it is waived."""
    change = finding.change or rule.remedy
    completed = replace(finding, rule=rule.id, change=change, level=rule.level)
    if not waivers.let_through(completed):
        yield completed
