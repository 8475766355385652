"""The policy pack: what no deployment of the stack may do, checked before it happens.

`check` runs the rules over plain manifests; `__main__.py` gives the same rules to Pulumi.
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
