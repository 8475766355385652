"""All rules of the pack: pure functions over plain manifests, registered only here."""

from policies.rules import (
    accounts,
    availability,
    data,
    disruption,
    exposure,
    gpus,
    health,
    images,
    isolation,
    kernel,
    leaks,
    namespaces,
    network,
    openings,
    privileges,
    rbac,
    resources,
    rollout,
    serving,
    tls,
    tls_edges,
    wiring,
    workloads,
)
from policies.rules.model import Rule, StackRule

RULES: tuple[Rule, ...] = (
    *resources.RULES,
    *gpus.RULES,
    *tls_edges.RULES,
    *tls.RULES,
    *isolation.RULES,
    *privileges.RULES,
    *kernel.RULES,
    *accounts.RULES,
    *rbac.RULES,
    *images.RULES,
    *leaks.RULES,
    *data.RULES,
    *serving.RULES,
    *health.RULES,
    *availability.RULES,
    *wiring.RULES,
    *workloads.RULES,
    *rollout.RULES,
    *openings.RULES,
    *exposure.RULES,
    *namespaces.RULES,
)
"""Rules that check one resource at a time."""

STACK_RULES: tuple[StackRule, ...] = (
    *network.STACK_RULES,
    *openings.STACK_RULES,
    *exposure.STACK_RULES,
    *accounts.STACK_RULES,
    *namespaces.STACK_RULES,
    *gpus.STACK_RULES,
    *disruption.STACK_RULES,
    *availability.STACK_RULES,
    *wiring.STACK_RULES,
    *rollout.STACK_RULES,
    *data.STACK_RULES,
)
"""Rules that check all resources of a stack together."""

STACK_KINDS = frozenset(kind for rule in STACK_RULES for kind in rule.reads)
"""Kinds that any stack rule reads."""
