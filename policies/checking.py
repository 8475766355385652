"""Run the rules on resources, without a Pulumi engine."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from policies.rules import RULES, STACK_KINDS, STACK_RULES
from policies.rules.model import Described, Finding, Resource, Rule, StackRule
from policies.rules.pods import WORKLOADS, may_embed, pods
from policies.waivers import WAIVER_RULES, Waivers, load

WAIVABLE = frozenset(rule.id for rule in (*RULES, *STACK_RULES))
"""Ids of the rules that a waiver can name."""
_READ = frozenset().union(*(rule.kinds for rule in RULES), STACK_KINDS)
BY_ID: Mapping[str, Described] = {r.id: r for r in (*RULES, *STACK_RULES, *WAIVER_RULES)}
"""All rules by id, including those about waivers."""


def check(
    resources: Sequence[Resource],
    rules: Iterable[Rule] = RULES,
    stack_rules: Iterable[StackRule] = STACK_RULES,
    waivers: Waivers | None = None,
) -> list[Finding]:
    """All findings on *resources*, those of single resources first.

    *waivers* default to those of `policies.waivers.load()`.
    """
    chosen = tuple(rules)
    in_force = load() if waivers is None else waivers
    found = [f for resource in resources for f in check_one(resource, in_force, chosen)]
    return [*found, *check_stack(resources, in_force, stack_rules)]


def check_one(
    resource: Resource, waivers: Waivers, rules: Iterable[Rule] = RULES
) -> Iterator[Finding]:
    """Findings of the rules that check one resource at a time."""
    embeds = embeds_pods(resource)
    for rule in rules:
        if resource.kind in rule.kinds or (embeds and rule.kinds >= WORKLOADS):
            for finding in _judged(rule, partial(rule.check, resource), resource.id):
                yield from _unwaived(rule, replace(finding, resource=resource), waivers)


def embeds_pods(resource: Resource) -> bool:
    """Whether it holds pod templates though it is no workload; the rules about pods judge these."""
    return may_embed(resource.kind) and any(pods(resource))


def is_read(resource: Resource) -> bool:
    """Whether any rule reads *resource*."""
    return resource.kind in _READ or embeds_pods(resource)


def check_stack(
    resources: Sequence[Resource], waivers: Waivers, rules: Iterable[StackRule] = STACK_RULES
) -> Iterator[Finding]:
    """Findings of the rules that check all resources together."""
    for rule in rules:
        for finding in _judged(rule, partial(rule.check, resources), "all objects together"):
            yield from _unwaived(rule, finding, waivers)


def check_waivers(resources: Sequence[Resource], waivers: Waivers) -> Iterator[Finding]:
    """Findings about the waivers themselves, and their gaps; call it after the other checks."""
    yield from waivers.invalid(WAIVABLE)
    yield from waivers.unused(resources)
    yield from waivers.gaps()


def _judged(
    rule: Described, check: Callable[[], Iterable[Finding]], checked: str
) -> Iterator[Finding]:
    """The findings of *check*; where a manifest has a shape that no API server takes, that.

    So one odd field neither ends the preview nor hides what the other rules find.
    """
    try:
        yield from check()
    except Exception as error:  # noqa: BLE001 - YAML can be anything
        yield Finding(
            path=checked,
            # Without the error's text, which may quote a secret.
            got=f"a field that {rule.id} cannot read ({type(error).__name__})",
            allowed="fields of the types that the Kubernetes API has",
            change="correct the manifest: `kubectl apply --dry-run=server` names the field",
            unreadable=True,
        )


def _unwaived(rule: Rule | StackRule, finding: Finding, waivers: Waivers) -> Iterator[Finding]:
    """*finding* with the fields of its rule filled in; nothing if it is waived."""
    change = finding.change or rule.remedy
    completed = replace(finding, rule=rule.id, change=change, level=rule.level)
    if finding.unreadable or not waivers.suppresses(completed):
        yield completed
