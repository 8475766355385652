"""Namespaces: isolation, quotas, recommended labels."""

import re
from collections.abc import Iterator, Sequence

from policies.rules.frameworks import NSA_NETWORK, NSA_PODS, PSS_RESTRICTED, cis
from policies.rules.model import UNKNOWN, Finding, Level, Resource, Rule, Severity, StackRule
from policies.rules.pods import OPERATED, WORKLOADS
from policies.rules.reading import get, name, namespace, same, shown

_NAMED = (
    WORKLOADS
    | frozenset(OPERATED)
    | {"Service", "ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount"}
)


def _default(resource: Resource) -> Iterator[Finding]:
    if namespace(resource) == "default":
        got = shown(get(resource.props, "metadata", "namespace"))
        yield Finding("metadata.namespace", got, "a namespace of the stack")


DEFAULT = Rule(
    "not-default-namespace",
    "No object is in the namespace `default`.",
    "Unrelated workloads there share its policies, quota and service account.",
    "add a Namespace and set metadata.namespace",
    _NAMED,
    Severity.MEDIUM,
    _default,
    covers=("namespace-isolation",),
    frameworks=(*cis("5.7.1", "5.7.4"), NSA_NETWORK),
)

_ENFORCE = "pod-security.kubernetes.io/enforce"


def _unenforced(resource: Resource) -> Iterator[Finding]:
    got = get(resource.props, "metadata", "labels", _ENFORCE)
    if got not in ("restricted", UNKNOWN):
        yield Finding(f"metadata.labels[{_ENFORCE}]", shown(got), "restricted", subject=str(got))


PSA = Rule(
    "pod-security-label",
    "A Namespace enforces the Pod Security Standard `restricted`.",
    "It also applies to pods that this program does not create, such as an operator's.",
    f"set the label {_ENFORCE}: restricted",
    frozenset({"Namespace"}),
    Severity.HIGH,
    _unenforced,
    covers=("namespace-isolation",),
    frameworks=(PSS_RESTRICTED, *cis("5.2.1"), NSA_PODS),
)


def _unlimited(resources: Sequence[Resource]) -> Iterator[Finding]:
    for resource in resources:
        if resource.kind != "Namespace":
            continue
        for kind in ("ResourceQuota", "LimitRange"):
            there = (r for r in resources if r.kind == kind)
            if all(same(namespace(r), name(resource)) is False for r in there):
                allowed = f"a {kind} in the namespace"
                yield Finding("the namespace", f"no {kind}", allowed, resource=resource)


QUOTA = StackRule(
    "namespace-quota",
    "Each Namespace has a ResourceQuota and a LimitRange.",
    "Otherwise one workload can take the GPUs and nodes of all other namespaces.",
    "add both to the namespace",
    frozenset({"Namespace"}),
    Severity.MEDIUM,
    _unlimited,
    covers=("namespace-isolation",),
    frameworks=(NSA_NETWORK,),
    also_reads=frozenset({"ResourceQuota", "LimitRange"}),
)

_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/part-of")
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def _labels(resource: Resource) -> Iterator[Finding]:
    labels = get(resource.props, "metadata", "labels")
    for key in _LABELS:
        got = get(labels, key)
        if got is UNKNOWN or (isinstance(got, str) and got and _VALUE.fullmatch(got)):
            continue
        yield Finding(
            f"metadata.labels[{key}]", shown(got), "a label value of at most 63 characters"
        )


LABELS = Rule(
    "recommended-labels",
    "Workloads, Services and claims have the labels name, instance and part-of.",
    "Operators find related objects, and their owner, by these labels.",
    "add the missing labels",
    WORKLOADS | frozenset(OPERATED) | {"Service", "PersistentVolumeClaim"},
    Severity.LOW,
    _labels,
    covers=("recommended-labels",),
    level=Level.ADVISORY,
)

RULES = (DEFAULT, PSA, LABELS)
STACK_RULES = (QUOTA,)
