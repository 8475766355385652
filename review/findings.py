"""Policy violations, and the waivers that apply."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from base.problems import Problem
from policies.checking import check
from policies.rules.model import NO_FACTS, UNKNOWN, Facts, Finding, Managed, Resource
from policies.waivers import Waivers
from review import redact
from review.changes import Change
from review.events import Violation
from review.report import PolicyFinding, Waiver

_RULE = re.compile(r"^\[([\w-]+)\]\s*", re.MULTILINE)
_PROBLEM = re.compile(
    r"(?P<path>.+)\n\s+got: +(?P<got>.+)\n\s+allowed: +(?P<allowed>.+)\n\s+change: +(?P<change>.+)"
)
"""The text of `base.problems.Problem`."""


def findings(violations: Iterable[Violation], changes: Iterable[Change]) -> list[PolicyFinding]:
    """Each violation once, mandatory ones first."""
    known = {change.urn: change for change in changes}
    found = {_finding(violation, known): None for violation in violations}
    return sorted(found, key=lambda f: (f.level != "mandatory", f.rule, f.component, f.resource))


def waivers(changes: Iterable[Change], known: Waivers, facts: Facts = NO_FACTS) -> list[Waiver]:
    """The waivers that let findings through on the planned objects, with what each let through.

    *facts* are those of the stack. The pack reports the waivers that are expired, invalid, or let
    nothing through, and gaps: these are findings.
    """
    planned = {change.urn: change for change in changes if change.after}
    in_force = [waiver for waiver in known.waivers if waiver.in_force(known.today)]
    passed: dict[str, list[Finding]] = {waiver.location: [] for waiver in in_force}
    resources = [_resource(change, facts) for change in planned.values()]
    for finding in check(resources, waivers=Waivers([], known.today)):
        # The first that applies, as in the pack.
        waiver = next((w for w in in_force if w.applies_to(finding)), None)
        if waiver and not waiver.gap and not finding.unreadable:
            passed[waiver.location].append(finding)
    found = [
        Waiver(
            rule=waiver.rule,
            reason=waiver.reason,
            owner=waiver.owner,
            expires=str(waiver.expires),
            findings=len(passed[waiver.location]),
            objects=sorted(
                {planned[f.resource.urn].label for f in passed[waiver.location] if f.resource}
            ),
        )
        for waiver in in_force
        if passed[waiver.location]
    ]
    return sorted(found, key=lambda w: (w.rule, w.reason))


def _resource(change: Change, facts: Facts) -> Resource:
    """The planned object as the pack gets it."""
    secret = frozenset(key for key, value in change.after.items() if _holds_secret(value))
    protected = bool(change.new and change.new.protect)
    managed = Managed(protected, secret)
    return Resource(change.kind, _unknown(change.after), change.urn, managed, facts)


def _unknown(value: Any) -> Any:  # noqa: ANN401 - JSON
    """*value* with the pack's own mark where a report says that it is not known yet."""
    if isinstance(value, Mapping):
        return {key: _unknown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unknown(item) for item in value]
    return UNKNOWN if value == redact.UNKNOWN else value


def _holds_secret(value: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping):
        return any(map(_holds_secret, value.values()))
    if isinstance(value, list):
        return any(map(_holds_secret, value))
    return value == redact.SECRET


def _finding(violation: Violation, known: Mapping[str, Change]) -> PolicyFinding:
    # The engine puts the policy's description on a line before the message.
    text = violation.message.strip()
    start = _RULE.search(text)
    rule, message = (start[1], text[start.end() :]) if start else (violation.policy_name, text)
    problem = _PROBLEM.fullmatch(message)
    change = known.get(violation.resource_urn)
    level: Literal["mandatory", "advisory"] = (
        "mandatory" if violation.enforcement_level == "mandatory" else "advisory"
    )
    return PolicyFinding(
        rule=rule,
        level=level,
        resource=change.label if change else violation.resource_urn.rsplit("::", 1)[-1] or "stack",
        component=change.component if change else "stack",
        problem=Problem(**problem.groupdict()) if problem else None,
        message="" if problem else " ".join(message.split()),
    )
