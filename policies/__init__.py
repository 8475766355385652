"""The policy pack: rules that every deployment of the stack must meet before it starts.

`check` runs the rules on plain manifests; `__main__.py` serves the same rules to Pulumi.
"""

from policies.checking import check
from policies.rules import RULES, STACK_RULES
from policies.rules.model import UNKNOWN, Finding, Level, Resource, Rule, Severity, StackRule

__all__ = [
    "RULES",
    "STACK_RULES",
    "UNKNOWN",
    "Finding",
    "Level",
    "Resource",
    "Rule",
    "Severity",
    "StackRule",
    "check",
]
