"""Every rule of the pack: pure functions over plain manifests, registered here and nowhere else."""

from policies.rules import (
    disruption,
    health,
    images,
    isolation,
    leaks,
    network,
    resources,
    tls,
)
from policies.rules.model import Rule, StackRule

RULES: tuple[Rule, ...] = (
    *resources.RULES,
    *tls.RULES,
    *isolation.RULES,
    *images.RULES,
    *leaks.RULES,
    *health.RULES,
)
"""About one resource each."""

STACK_RULES: tuple[StackRule, ...] = (*network.RULES, *disruption.RULES)
"""About all resources together."""

STACK_KINDS = frozenset(kind for rule in STACK_RULES for kind in rule.reads)
"""The kinds that a stack rule may need to see."""
