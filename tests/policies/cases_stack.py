"""Cases of the rules about all resources together."""

from tests.policies.cases import Case, Compliant, NotApplicable, Violating
from tests.policies.manifests import (
    LABELS,
    NAMESPACE,
    REMOVED,
    budget,
    change,
    cron_job,
    database,
    job,
    network_policy,
    pod,
    service,
    tenant,
    workload,
)

_RULE = "network-policy-for-every-pod"
_SELECTED = {"matchLabels": LABELS}
_OTHER = {"matchLabels": {"app.kubernetes.io/name": "qdrant"}}

NETWORK: tuple[Case, ...] = (
    Violating(_RULE, "a pod under no policy", [workload()], "ingress of the pods"),
    Violating(
        _RULE,
        "a pod whose policies say nothing about egress",
        [workload(), network_policy(types=["Ingress"])],
        "egress of the pods",
        (1, ("spec", "policyTypes")),
    ),
    Violating(
        _RULE,
        "a pod whose policy leaves the types to the default",
        [workload(), change(network_policy(), ("spec", "policyTypes"), REMOVED)],
        "egress of the pods",
    ),
    Violating(
        _RULE,
        "a pod that the namespace's policies do not select",
        [workload(), network_policy(_OTHER)],
        "ingress of the pods",
        (1, ("spec", "podSelector")),
    ),
    Violating(
        _RULE,
        "a pod that an expression of the selector leaves out",
        [
            workload(),
            network_policy(
                {
                    "matchExpressions": [
                        {"key": "app.kubernetes.io/name", "operator": "NotIn", "values": ["vllm"]}
                    ]
                }
            ),
        ],
        "ingress of the pods",
        (0, ("spec", "template", "metadata", "labels")),
    ),
    Violating(
        _RULE,
        "a pod whose policy is in another namespace",
        [workload(), change(network_policy(), ("metadata", "namespace"), "data")],
        "ingress of the pods",
        (0, ("metadata", "namespace")),
    ),
    Violating(
        _RULE,
        "a Tenant whose pods no policy selects",
        [tenant(), network_policy(_OTHER)],
        "egress of the pods",
    ),
    Compliant(
        _RULE,
        "every kind of pod under a default-deny policy",
        [workload(), job(), cron_job(), pod(), tenant(), database(), network_policy()],
    ),
    Compliant(
        _RULE,
        "one policy for each direction",
        [
            workload(),
            network_policy(_SELECTED, ["Ingress"]),
            network_policy(
                {"matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "Exists"}]},
                ["Egress"],
            ),
        ],
    ),
    Compliant(
        _RULE,
        "a policy whose types follow from its rules",
        [
            workload(),
            change(
                network_policy(),
                *(("spec", "policyTypes"), []),
                *(("spec", "egress"), [{"to": [{"podSelector": {}}]}]),
            ),
        ],
    ),
    Compliant(
        _RULE,
        "an operator's pods selected by the operator's label",
        [
            database(),
            network_policy({"matchLabels": {"cnpg.io/cluster": "chat"}}),
        ],
    ),
    NotApplicable(_RULE, "a Service", [service()]),
)

_BUDGETED = "disruption-budget-for-replicas"
_PASSABLE = "disruption-budget-passable"

DISRUPTION: tuple[Case, ...] = (
    Violating(
        _BUDGETED,
        "two replicas without a budget",
        [workload(replicas=2)],
        "spec.replicas",
        (0, ("spec", "replicas")),
    ),
    Violating(
        _BUDGETED,
        "replicas whose budget selects others",
        [workload("StatefulSet", 3), budget(selector=_OTHER, maxUnavailable=1)],
        "spec.replicas",
        (1, ("spec", "selector")),
    ),
    Violating(
        _BUDGETED,
        "replicas whose budget is in another namespace",
        [
            workload(replicas=2),
            change(budget(maxUnavailable=1), ("metadata", "namespace"), f"not-{NAMESPACE}"),
        ],
        "spec.replicas",
        (1, ("metadata", "namespace")),
    ),
    Compliant(
        _BUDGETED,
        "replicas with a budget, and a single replica without",
        [workload(replicas=2), budget(maxUnavailable=1)],
    ),
    Compliant(_BUDGETED, "a single replica", [workload()]),
    NotApplicable(_BUDGETED, "DaemonSets and Jobs", [workload("DaemonSet"), job()]),
    Violating(
        _PASSABLE,
        "a budget that lets none go",
        [budget(maxUnavailable=0)],
        "spec.maxUnavailable",
        (0, ("spec", "maxUnavailable")),
    ),
    Violating(
        _PASSABLE,
        "a budget that lets no percent go",
        [budget(maxUnavailable="0%")],
        "spec.maxUnavailable",
    ),
    Violating(
        _PASSABLE,
        "a budget that wants as many as there are",
        [workload(replicas=2), budget(minAvailable=2)],
        "spec.minAvailable",
        (1, ("spec", "minAvailable")),
    ),
    Violating(
        _PASSABLE,
        "a percentage that rounds up to all",
        [workload(replicas=3), budget(minAvailable="90%")],
        "spec.minAvailable",
        (0, ("spec", "replicas")),
    ),
    Violating(
        _PASSABLE,
        "a budget that wants the single replica",
        [workload(), budget(minAvailable=1)],
        "spec.minAvailable",
        (1, ("metadata", "namespace")),
    ),
    Compliant(
        _PASSABLE,
        "budgets that let one go",
        [
            workload(replicas=3),
            budget(minAvailable=2),
            budget(minAvailable="50%"),
            budget(maxUnavailable=1),
        ],
    ),
    NotApplicable(_PASSABLE, "a Deployment without a budget", [workload()]),
)
