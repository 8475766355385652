"""A rule in words, for `pai lint --explain`."""

import difflib
from collections.abc import Mapping

from base.problems import Problem, ProblemError
from policies.checking import BY_ID
from policies.coverage import CHECKS
from policies.manifest_rules import FILE_RULES
from policies.rules.model import Described, Level
from policies.waivers import WAIVER_RULES

ALL: Mapping[str, Described] = {**BY_ID, **{rule.id: rule for rule in FILE_RULES}}
"""Every rule that a finding can name, by id."""
_NOT_WAIVABLE = frozenset(rule.id for rule in (*WAIVER_RULES, *FILE_RULES))


class UnknownRuleError(ProblemError):
    """No rule has this id."""


def explain(rule: str) -> str:
    """What the rule with this id demands, why, and how to meet it. Raises UnknownRuleError."""
    found = ALL.get(rule)
    if found is None:
        near = difflib.get_close_matches(rule, ALL, n=3, cutoff=0.4)
        raise UnknownRuleError(
            Problem(
                path="RULE",
                got=repr(rule),
                allowed="the id of a rule, such as those of docs/reference/policies.md",
                change=f"name {' or '.join(near)}" if near else "name one of them",
            )
        )
    effect = "stops a deployment" if found.level is Level.MANDATORY else "stops nothing"
    tools = "; ".join(CHECKS[name].tools for name in found.covers if CHECKS[name].tools)
    lines = [
        f"{found.id}: {found.what}",
        "",
        f"why:       {found.why}",
        f"change:    {found.remedy}",
        f"severity:  {found.severity}; {found.level}: it {effect}",
        f"reads:     {', '.join(sorted(found.kinds)) or 'files'}",
    ]
    if tools:
        lines.append(f"also in:   {tools}")
    if found.frameworks:
        lines.append(f"guides:    {'; '.join(found.frameworks)}")
    if found.id not in _NOT_WAIVABLE:
        lines.append("waivers:   docs/reference/policies.md")
    return "\n".join(lines)
