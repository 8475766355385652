"""Every rule of the pack: pure functions over plain manifests, registered here and nowhere else."""

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
"""About one resource each."""

STACK_RULES: tuple[StackRule, ...] = (
    *network.RULES,
    *openings.STACK_RULES,
    *exposure.STACK_RULES,
    *accounts.STACK_RULES,
    *namespaces.STACK_RULES,
    *gpus.STACK_RULES,
    *disruption.RULES,
    *availability.STACK_RULES,
    *wiring.STACK_RULES,
    *rollout.STACK_RULES,
    *data.STACK_RULES,
)
"""About all resources together."""

STACK_KINDS = frozenset(kind for rule in STACK_RULES for kind in rule.reads)
"""The kinds that a stack rule may need to see."""
