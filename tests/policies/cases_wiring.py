"""Cases of the rules about replicas, references, kinds and namespaces."""

from typing import Any

from tests.policies.cases import Case, Compliant, NotApplicable, Violating
from tests.policies.manifests import (
    BOX,
    LABELS,
    NAMESPACE,
    POD,
    REMOVED,
    Manifest,
    Path,
    autoscaler,
    change,
    config_map,
    cron_job,
    database,
    job,
    limit_range,
    namespace,
    pod,
    quota,
    service,
    worker_set,
    workload,
)

_SELECTING: Manifest = change(service(), ("spec", "selector"), dict(LABELS))
_REPLICAS: Path = ("spec", "replicas")
_SCALED: Manifest = change(workload(), _REPLICAS, REMOVED)

AVAILABILITY: tuple[Case, ...] = (
    Violating(
        "replicas-behind-service",
        "a single pod behind a Service",
        [workload(), _SELECTING],
        "spec.replicas",
        (0, _REPLICAS),
    ),
    Compliant(
        "replicas-behind-service",
        "two, one that an autoscaler multiplies, and one that nobody calls",
        [
            workload(replicas=2),
            _SELECTING,
            change(_SCALED, ("metadata", "name"), "scaled"),
            autoscaler(scaleTargetRef={"kind": "Deployment", "name": "scaled"}),
            change(workload(), ("metadata", "namespace"), "other"),
            change(_SCALED, ("metadata", "name"), "woken"),
            {
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject",
                "metadata": {"name": "woken", "namespace": NAMESPACE},
                "spec": {"scaleTargetRef": {"name": "woken"}},
            },
        ],
    ),
    NotApplicable("replicas-behind-service", "a Job", [job()]),
    Violating(
        "replicas-spread",
        "two replicas on whichever node",
        [workload(replicas=2)],
        "topologySpreadConstraints",
        (0, _REPLICAS),
    ),
    Compliant(
        "replicas-spread",
        "constraints, anti-affinity, and a single one",
        [
            change(
                workload(replicas=2),
                (*POD, "topologySpreadConstraints"),
                [{"topologyKey": "kubernetes.io/hostname"}],
            ),
            change(workload(replicas=2), (*POD, "affinity"), {"podAntiAffinity": {"x": []}}),
            workload(),
        ],
    ),
    NotApplicable("replicas-spread", "a Job", [job()]),
    Violating(
        "autoscaler-sound",
        "an autoscaler that goes down to one",
        [_SCALED, autoscaler(minReplicas=1)],
        "spec.minReplicas",
        (1, ("spec", "minReplicas")),
    ),
    Violating(
        "autoscaler-sound",
        "one that ends below its start",
        [_SCALED, autoscaler(maxReplicas=1)],
        "spec.maxReplicas",
        (1, ("spec", "maxReplicas")),
    ),
    Violating(
        "autoscaler-sound",
        "one of a workload that there is not",
        [_SCALED, autoscaler(scaleTargetRef={"kind": "Deployment", "name": "other"})],
        "spec.scaleTargetRef.name",
        (1, ("spec", "scaleTargetRef", "name")),
    ),
    Violating(
        "autoscaler-sound",
        "one beside a fixed number",
        [workload(), autoscaler()],
        "spec.replicas",
        (0, _REPLICAS),
    ),
    Compliant("autoscaler-sound", "two to four of a workload", [_SCALED, autoscaler()]),
    NotApplicable("autoscaler-sound", "a Deployment", [workload()]),
    Violating(
        "rolling-update",
        "a Deployment that stops before it starts",
        [change(workload(), ("spec", "strategy", "type"), "Recreate")],
        "spec.strategy.type",
        (0, ("spec", "strategy")),
    ),
    Compliant("rolling-update", "the default", [workload()]),
    NotApplicable("rolling-update", "a StatefulSet", [workload("StatefulSet")]),
    Violating(
        "priority-class",
        "a pod of no priority",
        [change(workload(), (*POD, "priorityClassName"), REMOVED)],
        "priorityClassName",
        (0, POD),
    ),
    Compliant("priority-class", "a pod with one", [workload()]),
    NotApplicable("priority-class", "a Service", [service()]),
)

_SELECTOR: Path = ("spec", "selector")
_PORT: Path = ("spec", "ports", 0, "targetPort")
_HEADLESS: Manifest = change(service(), ("spec", "clusterIP"), "None")
_MEMBERS: Manifest = change(workload("StatefulSet"), ("spec", "serviceName"), "chat")

WIRING: tuple[Case, ...] = (
    Violating(
        "selector-matches-template",
        "a selector of other labels",
        [change(workload(), _SELECTOR, {"matchLabels": {"app": "other"}})],
        "spec.selector",
        (0, ("spec", "template", "metadata", "labels")),
    ),
    Compliant(
        "selector-matches-template",
        "a selector of some of the labels",
        [change(workload(), _SELECTOR, {"matchLabels": dict(LABELS)})],
    ),
    NotApplicable("selector-matches-template", "a Service", [service()]),
    Violating(
        "service-selects-pods",
        "a Service of no pods",
        [workload(), change(service(), _SELECTOR, {"app": "other"})],
        "spec.selector",
        (1, (*_SELECTOR, "app")),
    ),
    Violating(
        "service-selects-pods",
        "a Service in another namespace",
        [workload(), change(_SELECTING, ("metadata", "namespace"), "data")],
        "spec.selector",
        (0, ("metadata", "namespace")),
    ),
    Compliant(
        "service-selects-pods",
        "Services of pods, of an operator's pods, and of addresses",
        [
            workload(),
            _SELECTING,
            database(),
            change(service(), _SELECTOR, {"cnpg.io/cluster": "chat"}),
            worker_set(),
            change(service(), _SELECTOR, {"leaderworkerset.sigs.k8s.io/worker-index": "0"}),
            service(),
        ],
    ),
    NotApplicable("service-selects-pods", "a Deployment", [workload()]),
    Violating(
        "service-port-declared",
        "a port that no container has",
        [workload(), change(_SELECTING, _PORT, 9999)],
        "spec.ports[https].targetPort",
        (1, _PORT),
    ),
    Violating(
        "service-port-declared",
        "the Service's own number where the pods have another",
        [workload(), _SELECTING],
        "spec.ports[https].targetPort",
        (0, (*BOX, "ports")),
    ),
    Compliant(
        "service-port-declared",
        "a port by name, and by number",
        [
            workload(),
            change(_SELECTING, _PORT, "https"),
            change(_SELECTING, _PORT, 8443.0),
        ],
    ),
    NotApplicable("service-port-declared", "a Deployment", [workload()]),
    Violating(
        "stateful-set-service",
        "members without names",
        [_MEMBERS, service()],
        "spec.serviceName",
        (1, ("spec", "clusterIP")),
    ),
    Violating(
        "stateful-set-service",
        "a Service that there is not",
        [_MEMBERS, change(_HEADLESS, ("metadata", "name"), "other")],
        "spec.serviceName",
        (0, ("spec", "serviceName")),
    ),
    Compliant("stateful-set-service", "a headless Service", [_MEMBERS, _HEADLESS]),
    NotApplicable("stateful-set-service", "a Deployment", [workload()]),
    Violating(
        "no-duplicate-env",
        "a variable with two values",
        [change(workload(), (*BOX, "env"), [{"name": "A", "value": v} for v in "12"])],
        "env[A]",
        (0, (*BOX, "env", 1, "name")),
    ),
    Compliant(
        "no-duplicate-env",
        "two variables",
        [change(workload(), (*BOX, "env"), [{"name": n, "value": "1"} for n in "AB"])],
    ),
    NotApplicable("no-duplicate-env", "a Service", [service()]),
)


def _of(version: str, kind: str) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": NAMESPACE}}


WORKLOADS: tuple[Case, ...] = (
    Violating("no-naked-pod", "a Pod", [pod()], "kind", (0, ("metadata", "ownerReferences"))),
    Compliant(
        "no-naked-pod",
        "a Pod that belongs to somebody",
        [change(pod(), ("metadata", "ownerReferences"), [{"kind": "Job", "name": "x"}])],
    ),
    NotApplicable("no-naked-pod", "a Deployment", [workload()]),
    Violating(
        "pod-template",
        "containers that are no list",
        [change(workload(), (*POD, "containers"), "not a list")],
        "spec.template.spec.containers",
        (0, (*POD, "containers")),
    ),
    Violating(
        "pod-template",
        "a Pod without containers",
        [change(pod(), ("spec", "containers"), [])],
        "spec.containers",
    ),
    Violating(
        "pod-template",
        "a CronJob without a template",
        [change(cron_job(), ("spec", "jobTemplate", "spec", "template"), REMOVED)],
        "spec.jobTemplate.spec.template.spec",
    ),
    Violating(
        "pod-template",
        "a container that is text",
        [change(workload(), (*POD, "initContainers"), ["prepare"])],
        "spec.template.spec.initContainers[0]",
    ),
    Compliant("pod-template", "a Deployment and a CronJob", [workload(), cron_job()]),
    NotApplicable("pod-template", "a Service", [service()]),
    Violating(
        "job-bounded",
        "a Job without an end",
        [change(job(), ("spec", "activeDeadlineSeconds"), REMOVED)],
        "spec.activeDeadlineSeconds",
        (0, ("spec",)),
    ),
    Violating(
        "job-bounded",
        "a Job without a restart policy",
        [change(job(), (*POD, "restartPolicy"), REMOVED)],
        "restartPolicy",
    ),
    Violating(
        "job-bounded",
        "a CronJob that overlaps itself",
        [change(cron_job(), ("spec", "concurrencyPolicy"), "Allow")],
        "spec.concurrencyPolicy",
        (0, ("spec", "concurrencyPolicy")),
    ),
    Violating(
        "job-bounded",
        "a CronJob that catches up for ever",
        [change(cron_job(), ("spec", "startingDeadlineSeconds"), REMOVED)],
        "spec.startingDeadlineSeconds",
    ),
    Violating(
        "job-bounded",
        "a CronJob whose Jobs have no end",
        [change(cron_job(), ("spec", "jobTemplate", "spec", "activeDeadlineSeconds"), REMOVED)],
        "spec.jobTemplate.spec.activeDeadlineSeconds",
    ),
    Compliant("job-bounded", "a Job and a CronJob with ends", [job(), cron_job()]),
    NotApplicable("job-bounded", "a Deployment", [workload()]),
    *(
        Violating(
            "stable-api-version",
            f"{kind} in {version}",
            [_of(version, kind)],
            "apiVersion",
            (0, ("apiVersion",)),
        )
        for version, kind in (
            ("batch/v1beta1", "CronJob"),
            ("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
            ("extensions/v1beta1", "Ingress"),
            ("policy/v1beta1", "PodSecurityPolicy"),
            ("storage.k8s.io/v1alpha1", "StorageClass"),
        )
    ),
    Compliant("stable-api-version", "stable versions", [workload(), cron_job()]),
    NotApplicable(
        "stable-api-version", "what an operator brings", [_of("keda.sh/v1alpha1", "ScaledObject")]
    ),
)

_ENFORCE = "pod-security.kubernetes.io/enforce"

NAMESPACES: tuple[Case, ...] = (
    Violating(
        "not-default-namespace",
        "the namespace that all share",
        [change(workload(), ("metadata", "namespace"), "default")],
        "metadata.namespace",
        (0, ("metadata", "namespace")),
    ),
    Violating(
        "not-default-namespace",
        "no namespace",
        [change(config_map(), ("metadata", "namespace"), REMOVED)],
        "metadata.namespace",
    ),
    Compliant("not-default-namespace", "a namespace of one's own", [workload(), config_map()]),
    NotApplicable("not-default-namespace", "a Namespace", [namespace()]),
    Violating(
        "pod-security-label",
        "a Namespace that enforces less",
        [change(namespace(), ("metadata", "labels", _ENFORCE), "baseline")],
        "metadata.labels",
        (0, ("metadata", "labels", _ENFORCE)),
    ),
    Violating(
        "pod-security-label",
        "a Namespace that enforces nothing",
        [change(namespace(), ("metadata", "labels"), {})],
        "metadata.labels",
    ),
    Compliant("pod-security-label", "a Namespace that enforces it", [namespace()]),
    NotApplicable("pod-security-label", "a Deployment", [workload()]),
    Violating(
        "namespace-quota",
        "a Namespace without limits",
        [namespace(), quota(), change(limit_range(), ("metadata", "namespace"), "other")],
        "the namespace",
        (2, ("metadata", "namespace")),
    ),
    Compliant("namespace-quota", "one with both", [namespace(), quota(), limit_range()]),
    NotApplicable("namespace-quota", "a Deployment", [workload()]),
    Violating(
        "recommended-labels",
        "an object of nobody",
        [change(service(), ("metadata", "labels", "app.kubernetes.io/part-of"), REMOVED)],
        "metadata.labels[app.kubernetes.io/part-of]",
        (0, ("metadata", "labels")),
    ),
    Violating(
        "recommended-labels",
        "a value that the API refuses",
        [change(workload(), ("metadata", "labels", "app.kubernetes.io/name"), "a b")],
        "metadata.labels[app.kubernetes.io/name]",
    ),
    Compliant("recommended-labels", "all three", [workload(), service()]),
    NotApplicable("recommended-labels", "a Namespace", [namespace()]),
)
