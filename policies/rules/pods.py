"""Pod templates and containers of all kinds of workloads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.rules.model import UNKNOWN, Manifest, Node, Resource
from policies.rules.reading import entries, get, label

_TEMPLATE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "Pod": ((),),
    "Deployment.apps": (("spec", "template"),),
    "StatefulSet.apps": (("spec", "template"),),
    "DaemonSet.apps": (("spec", "template"),),
    "ReplicaSet.apps": (("spec", "template"),),
    "Job.batch": (("spec", "template"),),
    "CronJob.batch": (("spec", "jobTemplate", "spec", "template"),),
    "LeaderWorkerSet.leaderworkerset.x-k8s.io": (
        ("spec", "leaderWorkerTemplate", "leaderTemplate"),
        ("spec", "leaderWorkerTemplate", "workerTemplate"),
    ),
}
"""Paths of the pod templates, by kind."""

WORKLOADS = frozenset(_TEMPLATE)
SERVING = frozenset({"Deployment.apps", "StatefulSet.apps"})
"""Kinds whose pods serve requests."""

OPERATED: Mapping[str, str] = {
    "Tenant.minio.min.io": "v1.min.io/tenant",
    "Cluster.postgresql.cnpg.io": "cnpg.io/cluster",
}
"""Custom resources whose operator creates pods, with the pod label that holds the object's name."""


@dataclass(frozen=True)
class Container:
    """One container, or init container, of a pod template."""

    path: str
    spec: Manifest


@dataclass(frozen=True)
class Pod:
    """One pod template. *labels* and *annotations* are mappings or `UNKNOWN`."""

    path: str
    """Path of its spec."""
    spec: Node
    labels: Node
    annotations: Node

    def containers(self, *, init: bool = True) -> Iterator[Container]:
        """Its containers; init containers first, if *init*."""
        for field in ("initContainers", "containers") if init else ("containers",):
            for index, spec in entries(self.spec, field):
                yield Container(f"{self.path}.{field}[{label(spec, index)}]", spec)


def pods(resource: Resource) -> Iterator[Pod]:
    """The known pod templates of *resource*."""
    for steps in _TEMPLATE.get(resource.kind, ()):
        template = get(resource.props, *steps)
        spec = get(template, "spec")
        if isinstance(spec, Mapping):
            yield Pod(
                ".".join((*steps, "spec")),
                spec,
                get(template, "metadata", "labels", default={}),
                get(template, "metadata", "annotations", default={}),
            )


def containers(resource: Resource, *, init: bool = True) -> Iterator[Container]:
    """The containers of all pod templates of *resource*."""
    for pod in pods(resource):
        yield from pod.containers(init=init)


_GROUPS = "leaderworkerset.sigs.k8s.io"


def _added(resource: Resource, pod: Pod) -> Mapping[str, Node]:
    """Labels that the LeaderWorkerSet controller adds to its pods.

    https://lws.sigs.k8s.io/docs/reference/labels-annotations-and-environment-variables/
    """
    if not resource.kind.startswith("LeaderWorkerSet."):
        return {}
    name = get(resource.props, "metadata", "name", default=UNKNOWN)
    index: Node = "0" if "leaderTemplate" in pod.path else UNKNOWN
    return {
        f"{_GROUPS}/name": name,
        f"{_GROUPS}/worker-index": index,
        f"{_GROUPS}/group-index": UNKNOWN,
    }


def pod_labels(resource: Resource) -> Iterator[Node]:
    """Labels of each kind of pod that *resource* creates, itself or through an operator."""
    for pod in pods(resource):
        known = isinstance(pod.labels, Mapping)
        yield {**pod.labels, **_added(resource, pod)} if known else pod.labels
    if resource.kind in OPERATED:
        name = get(resource.props, "metadata", "name", default=UNKNOWN)
        yield {OPERATED[resource.kind]: name}
