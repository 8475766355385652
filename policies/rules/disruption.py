"""PodDisruptionBudgets: replicas survive node drains without blocking them."""

import math
from collections.abc import Iterator, Sequence

from policies.rules.frameworks import NSA_UPGRADES, RGPD_32
from policies.rules.model import UNKNOWN, Finding, Node, Resource, Severity, StackRule
from policies.rules.pods import SERVING, pod_labels
from policies.rules.reading import Decision, every, get, namespace, same, selects, shown

_REPLICATED = 2
_BUDGET = "PodDisruptionBudget.policy"


def _protects(budget: Resource, workload: Resource, labels: Node) -> Decision:
    return every(
        [
            same(namespace(budget), namespace(workload)),
            selects(get(budget.props, "spec", "selector"), labels),
        ]
    )


def _replicas(workload: Resource) -> int | None:
    """Its number of replicas; None if not known."""
    replicas = get(workload.props, "spec", "replicas", default=1)
    return None if replicas is UNKNOWN else int(replicas)


def _unprotected(resources: Sequence[Resource]) -> Iterator[Finding]:
    budgets = [resource for resource in resources if resource.kind == _BUDGET]
    for workload in resources:
        replicas = _replicas(workload) if workload.kind in SERVING else None
        if replicas is None or replicas < _REPLICATED:
            continue
        for labels in pod_labels(workload):
            if all(_protects(budget, workload, labels) is False for budget in budgets):
                yield Finding(
                    "spec.replicas",
                    f"{replicas} replicas without a PodDisruptionBudget",
                    "a PodDisruptionBudget in the namespace that selects the pods",
                    resource=workload,
                )


PROTECTED = StackRule(
    "disruption-budget-for-replicas",
    "A Deployment or StatefulSet with two or more replicas has a PodDisruptionBudget.",
    "Draining several nodes for an upgrade may otherwise evict all replicas at once.",
    "add a PodDisruptionBudget with maxUnavailable 1",
    SERVING,
    Severity.MEDIUM,
    _unprotected,
    also_reads=frozenset({_BUDGET}),
    covers=("disruption-budget",),
    frameworks=(RGPD_32,),
)


def _count(value: Node, replicas: int) -> int | None:
    """Pods in a number or percentage, rounded up as the API does; None if unset."""
    if value is None or value is UNKNOWN:
        return None
    if isinstance(value, str):
        return math.ceil(float(value.rstrip("%")) * replicas / 100)
    return int(value)


def _blocking(resources: Sequence[Resource]) -> Iterator[Finding]:
    workloads = [resource for resource in resources if resource.kind in SERVING]
    for budget in resources:
        if budget.kind != _BUDGET:
            continue
        most = get(budget.props, "spec", "maxUnavailable")
        if _count(most, 100) == 0:
            yield Finding("spec.maxUnavailable", shown(most), "1 or more pods", resource=budget)
        for workload in workloads:
            yield from _unevictable(budget, workload)


def _unevictable(budget: Resource, workload: Resource) -> Iterator[Finding]:
    """Findings where *budget* allows no eviction of *workload*."""
    replicas = _replicas(workload)
    least = get(budget.props, "spec", "minAvailable")
    needed = _count(least, replicas or 0)
    if not replicas or needed is None or needed < replicas:
        return
    for labels in pod_labels(workload):
        if _protects(budget, workload, labels) is True:
            yield Finding(
                "spec.minAvailable",
                f"{shown(least)} of {replicas} replica(s)",
                "fewer than the replicas",
                resource=budget,
            )


PASSABLE = StackRule(
    "disruption-budget-passable",
    "A PodDisruptionBudget allows at least one eviction.",
    "One that allows none blocks node drains, and with them security updates.",
    "set maxUnavailable 1, or remove the budget of a single replica",
    frozenset({_BUDGET}),
    Severity.MEDIUM,
    _blocking,
    also_reads=SERVING,
    covers=("disruption-budget-valid",),
    frameworks=(NSA_UPGRADES,),
)

STACK_RULES = (PROTECTED, PASSABLE)
