"""What the policies say, and what they were told to be silent about."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from policies.rules import RULES, STACK_RULES
from policies.rules.model import Resource
from policies.waivers import Waivers
from review.changes import Change
from review.events import Violation
from review.report import Finding, Waiver

_RULE = re.compile(r"^\[([\w-]+)\]\s*")
_KINDS = {rule.id: rule.kinds for rule in (*RULES, *STACK_RULES)}
"""The kinds that each rule reads: a pattern may match more objects than its rule is about."""


def findings(violations: Iterable[Violation], changes: Iterable[Change]) -> list[Finding]:
    """Each finding once, the mandatory first."""
    known = {change.urn: change for change in changes}
    found = {_finding(violation, known): None for violation in violations}
    return sorted(found, key=lambda f: (f.level != "mandatory", f.rule, f.component, f.resource))


def waivers(changes: Iterable[Change], known: Waivers) -> list[Waiver]:
    """Those of the *known* that hold today, for each object they are about that will be there.

    One that has run out, or is not sound, is a finding of the pack.
    """
    held = [w for w in known.waivers if w.in_force(known.today)]
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
        for waiver in held
        if change.kind in _KINDS.get(waiver.rule, ())
        and waiver.matches(Resource(change.kind, change.after, change.urn))
    ]
    return sorted(found, key=lambda w: (w.rule, w.component, w.resource, w.reason))


def _finding(violation: Violation, known: Mapping[str, Change]) -> Finding:
    # The engine puts the policy's description on a line before the message.
    lines = violation.message.strip().splitlines()
    start = next((i for i, line in enumerate(lines) if _RULE.match(line)), 0)
    message = " ".join(lines[start:])
    rule = _RULE.match(message)
    change = known.get(violation.resource_urn)
    level: Literal["mandatory", "advisory"] = (
        "mandatory" if violation.enforcement_level == "mandatory" else "advisory"
    )
    return Finding(
        rule=rule[1] if rule else violation.policy_name,
        level=level,
        resource=change.label if change else violation.resource_urn.rsplit("::", 1)[-1] or "stack",
        component=change.component if change else "stack",
        message=message[rule.end() :] if rule else message,
    )
