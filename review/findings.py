"""Policy violations, and the waivers that apply."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from base.problems import Problem
from policies.rules import RULES, STACK_RULES
from policies.rules.model import Resource
from policies.waivers import Waivers
from review.changes import Change
from review.events import Violation
from review.report import PolicyFinding, Waiver

_RULE = re.compile(r"^\[([\w-]+)\]\s*", re.MULTILINE)
_PROBLEM = re.compile(
    r"(?P<path>.+)\n\s+got: +(?P<got>.+)\n\s+allowed: +(?P<allowed>.+)\n\s+change: +(?P<change>.+)"
)
"""The text of `base.problems.Problem`."""
_KINDS = {rule.id: rule.kinds for rule in (*RULES, *STACK_RULES)}
"""Kinds that each rule checks; the pattern of a waiver may match objects of other kinds."""


def findings(violations: Iterable[Violation], changes: Iterable[Change]) -> list[PolicyFinding]:
    """Each violation once, mandatory ones first."""
    known = {change.urn: change for change in changes}
    found = {_finding(violation, known): None for violation in violations}
    return sorted(found, key=lambda f: (f.level != "mandatory", f.rule, f.component, f.resource))


def waivers(changes: Iterable[Change], known: Waivers) -> list[Waiver]:
    """The waivers in force, for each planned object they match.

    The pack itself reports expired and invalid waivers.
    """
    in_force = [w for w in known.waivers if w.in_force(known.today)]
    found = [
        Waiver(
            rule=waiver.rule,
            resource=change.label,
            component=change.component,
            reason=waiver.reason,
            owner=waiver.owner,
            expires=str(waiver.expires),
        )
        for change in changes
        if change.after
        for waiver in in_force
        if change.kind in _KINDS.get(waiver.rule, ())
        and waiver.matches(Resource(change.kind, change.after, change.urn))
    ]
    return sorted(found, key=lambda w: (w.rule, w.component, w.resource, w.reason))


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
