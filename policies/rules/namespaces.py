"""Namespaces as boundaries, and the labels by which people find things in them."""

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
        yield Finding("metadata.namespace", got, "a namespace of the stack's own")


DEFAULT = Rule(
    "not-default-namespace",
    "Nothing lives in the namespace called default.",
    "Whatever else lands there shares its policies, its quota and its service account.",
    "add a Namespace and name it",
    _NAMED,
    Severity.MEDIUM,
    _default,
    rows=(59,),
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
    "It also holds for pods that this program does not make: an operator's, an intruder's.",
    f"set the label {_ENFORCE}: restricted",
    frozenset({"Namespace"}),
    Severity.HIGH,
    _unenforced,
    rows=(59,),
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
    "One that runs away in a namespace otherwise takes the GPUs and nodes of all others.",
    "add both to the namespace",
    frozenset({"Namespace"}),
    Severity.MEDIUM,
    _unlimited,
    rows=(59,),
    frameworks=(NSA_NETWORK,),
    beside=frozenset({"ResourceQuota", "LimitRange"}),
)

_LABELS = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/part-of")
_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def _labels(resource: Resource) -> Iterator[Finding]:
    labels = get(resource.props, "metadata", "labels")
    for key in _LABELS:
        got = get(labels, key)
        if got is UNKNOWN or (isinstance(got, str) and got and _VALUE.fullmatch(got)):
            continue
        yield Finding(f"metadata.labels[{key}]", shown(got), "a value of 63 characters at most")


LABELS = Rule(
    "recommended-labels",
    "Workloads, Services and claims say what they are, whose, and of which system.",
    "Whoever is called at night finds what belongs together, and who to call, by these.",
    "add the labels that are missing",
    WORKLOADS | frozenset(OPERATED) | {"Service", "PersistentVolumeClaim"},
    Severity.LOW,
    _labels,
    rows=(60,),
    level=Level.ADVISORY,
)

RULES = (DEFAULT, PSA, LABELS)
STACK_RULES = (QUOTA,)
