"""Kinds of workloads and their API versions."""

import re
from collections.abc import Iterator, Mapping

from policies.rules.frameworks import NSA_UPGRADES
from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS, templates
from policies.rules.reading import entries, get, is_list, missing, shown


def _naked(resource: Resource) -> Iterator[Finding]:
    if missing(resource.props, "metadata", "ownerReferences"):
        yield Finding("kind", "`Pod`", "a Deployment, StatefulSet, DaemonSet or Job")


NAKED = Rule(
    "no-naked-pod",
    "Pods are created by a controller, not directly.",
    "A bare Pod is not recreated when its node fails.",
    "use a Deployment or a Job",
    frozenset({"Pod"}),
    Severity.MEDIUM,
    _naked,
    covers=("no-naked-pod",),
)


def _templates(resource: Resource) -> Iterator[Finding]:
    for path, spec in templates(resource):
        if spec is UNKNOWN:
            continue
        if not isinstance(spec, Mapping):
            yield Finding(path, "missing" if spec is None else "not a mapping", "a pod's spec")
            continue
        for field in ("containers", "initContainers"):
            held = get(spec, field)
            if held is UNKNOWN or (held is None and field == "initContainers"):
                continue
            if not is_list(held):
                got = "missing" if held is None else "not a list"
                yield Finding(f"{path}.{field}", got, "a list of containers")
            elif not held and field == "containers":
                yield Finding(f"{path}.{field}", "an empty list", "a list of containers")
            yield from (
                Finding(f"{path}.{field}[{i}]", "not a mapping", "a container")
                for i, container in entries(held)
                if not isinstance(container, Mapping)
            )


TEMPLATE = Rule(
    "pod-template",
    "A workload has a pod template with a list of containers.",
    "Without one the API server refuses the object, and the other rules have nothing to judge.",
    "write spec.containers as a list, one item for each container",
    WORKLOADS,
    Severity.HIGH,
    _templates,
    covers=("pod-template",),
)


def _job(spec: Node, path: str) -> Iterator[Finding]:
    if missing(spec, "activeDeadlineSeconds"):
        yield Finding(f"{path}.activeDeadlineSeconds", "missing", "a number of seconds")
    restart = get(spec, "template", "spec", "restartPolicy")
    if restart not in ("Never", "OnFailure", UNKNOWN):
        at = f"{path}.template.spec.restartPolicy"
        yield Finding(at, shown(restart), "Never or OnFailure")


def _unbounded(resource: Resource) -> Iterator[Finding]:
    spec = get(resource.props, "spec")
    if resource.kind == "Job.batch":
        yield from _job(spec, "spec")
        return
    if get(spec, "concurrencyPolicy") not in ("Forbid", "Replace", UNKNOWN):
        got = shown(get(spec, "concurrencyPolicy"))
        yield Finding("spec.concurrencyPolicy", got, "Forbid or Replace")
    if missing(spec, "startingDeadlineSeconds"):
        yield Finding("spec.startingDeadlineSeconds", "missing", "a number of seconds")
    if not missing(spec, "jobTemplate", "spec"):
        yield from _job(get(spec, "jobTemplate", "spec"), "spec.jobTemplate.spec")


JOB = Rule(
    "job-bounded",
    "A Job has a deadline and a restart policy; a CronJob does not overlap itself.",
    "A hanging Job keeps its resources, and later runs pile up.",
    "set activeDeadlineSeconds and restartPolicy; for a CronJob concurrencyPolicy Forbid and"
    " startingDeadlineSeconds. Set no TTL: objects that Pulumi manages must not delete themselves",
    frozenset({"Job.batch", "CronJob.batch"}),
    Severity.MEDIUM,
    _unbounded,
    covers=("job-bounds",),
    level=Level.ADVISORY,
)

_STABLE = {
    "apps": ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"),
    "extensions": ("Deployment", "DaemonSet", "ReplicaSet", "Ingress", "NetworkPolicy"),
    "batch": ("CronJob", "Job"),
    "autoscaling": ("HorizontalPodAutoscaler",),
    "policy": ("PodDisruptionBudget", "PodSecurityPolicy"),
    "networking.k8s.io": ("Ingress", "IngressClass", "NetworkPolicy"),
    "rbac.authorization.k8s.io": ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"),
    "storage.k8s.io": ("StorageClass", "CSIDriver", "CSINode", "VolumeAttachment"),
    "scheduling.k8s.io": ("PriorityClass",),
    "coordination.k8s.io": ("Lease",),
    "discovery.k8s.io": ("EndpointSlice",),
    "node.k8s.io": ("RuntimeClass",),
    "certificates.k8s.io": ("CertificateSigningRequest",),
    "apiextensions.k8s.io": ("CustomResourceDefinition",),
    "admissionregistration.k8s.io": (
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
    ),
    "flowcontrol.apiserver.k8s.io": ("FlowSchema", "PriorityLevelConfiguration"),
}
"""Built-in kinds that are or were available in a stable version:
https://kubernetes.io/docs/reference/using-api/deprecation-guide/. Custom resources are excluded."""
_UNSTABLE = re.compile(r"v\d+(alpha|beta)\d+")


def _version(resource: Resource) -> Iterator[Finding]:
    version = get(resource.props, "apiVersion")
    if not isinstance(version, str):
        return
    group, _, number = version.rpartition("/")
    if group == "extensions" or resource.kind == "PodSecurityPolicy.policy":
        yield Finding("apiVersion", shown(version), "the API group that replaced it")
    elif _UNSTABLE.fullmatch(number):
        yield Finding("apiVersion", shown(version), "a stable version, such as v1")


API = Rule(
    "stable-api-version",
    "Built-in objects use a stable API version that is still served.",
    "A cluster upgrade can remove alpha and beta versions, and deployments then fail.",
    "use the version that `kubectl explain` shows",
    frozenset(f"{kind}.{group}" for group, kinds in _STABLE.items() for kind in kinds),
    Severity.HIGH,
    _version,
    covers=("stable-api-version",),
    frameworks=(NSA_UPGRADES,),
)

RULES = (NAKED, TEMPLATE, JOB, API)
