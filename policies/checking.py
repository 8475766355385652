"""Run the rules over resources, without an engine."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from policies.exemptions import EXEMPTIONS
from policies.rules import RULES, STACK_RULES
from policies.rules.model import UNKNOWN, Finding, Resource, Rule, StackRule
from policies.rules.pods import annotations, pod_labels
from policies.rules.reading import get

_NAME = "app.kubernetes.io/name"


def check(
    resources: Sequence[Resource],
    rules: Iterable[Rule] = RULES,
    stack_rules: Iterable[StackRule] = STACK_RULES,
) -> list[Finding]:
    """All findings of the rules over *resources*, in the order of the resources."""
    chosen = tuple(rules)
    found = [finding for resource in resources for finding in check_one(resource, chosen)]
    return [*found, *check_stack(resources, stack_rules)]


def check_one(resource: Resource, rules: Iterable[Rule] = RULES) -> Iterator[Finding]:
    """The findings of the rules that read one resource at a time."""
    for rule in rules:
        if resource.kind in rule.kinds:
            for finding in rule.check(resource):
                yield from _kept(rule, replace(finding, resource=resource))


def check_stack(
    resources: Sequence[Resource], rules: Iterable[StackRule] = STACK_RULES
) -> Iterator[Finding]:
    """The findings of the rules that read all resources together."""
    for rule in rules:
        for finding in rule.check(resources):
            yield from _kept(rule, finding)


def _kept(rule: Rule | StackRule, finding: Finding) -> Iterator[Finding]:
    """*finding* completed, unless it is exempt or waived."""
    change = finding.change or rule.remedy
    if finding.resource is not None:
        if _exempt(rule.id, finding.resource, finding.subject):
            return
        if rule.waiver:
            if _waived(rule.waiver, finding.resource):
                return
            change += f'; or annotate the object {rule.waiver}: "<why not>"'
    yield replace(finding, rule=rule.id, change=change)


def _exempt(rule: str, resource: Resource, subject: str) -> bool:
    names = [get(labels, _NAME) for labels in pod_labels(resource)]
    return any(
        exemption.covers(rule, name, subject)
        for exemption in EXEMPTIONS
        for name in names
        if isinstance(name, str)
    )


def _waived(annotation: str, resource: Resource) -> bool:
    """Whether the object gives a reason; a reason not known yet is judged at the update."""
    for found in annotations(resource):
        reason = get(found, annotation)
        if reason is UNKNOWN or (isinstance(reason, str) and reason.strip()):
            return True
    return False
