"""The pods and containers inside any kind of resource that makes pods."""

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
"""Where the pod template of a kind lies."""

WORKLOADS = frozenset(_TEMPLATE)
SERVING = frozenset({"Deployment.apps", "StatefulSet.apps"})
"""Kinds whose pods answer others for as long as they live."""

OPERATED: Mapping[str, str] = {
    "Tenant.minio.min.io": "v1.min.io/tenant",
    "Cluster.postgresql.cnpg.io": "cnpg.io/cluster",
}
"""Custom resources whose operator makes pods, and the label it gives them: the object's name."""


@dataclass(frozen=True)
class Container:
    """One container, or init container, of a pod template."""

    path: str
    spec: Manifest


@dataclass(frozen=True)
class Pod:
    """One pod template. *labels* and *annotations* are mappings or `UNKNOWN`."""

    path: str
    """Of its spec."""
    spec: Node
    labels: Node
    annotations: Node

    def containers(self, *, init: bool = True) -> Iterator[Container]:
        """Its containers, the init containers first unless left out."""
        for field in ("initContainers", "containers") if init else ("containers",):
            for index, spec in entries(self.spec, field):
                yield Container(f"{self.path}.{field}[{label(spec, index)}]", spec)


def pods(resource: Resource) -> Iterator[Pod]:
    """The pod templates of *resource*; none if its kind has none, or if they are unknown."""
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
    """The containers of every pod template of *resource*."""
    for pod in pods(resource):
        yield from pod.containers(init=init)


_GROUPS = "leaderworkerset.sigs.k8s.io"


def _added(resource: Resource, pod: Pod) -> Mapping[str, Node]:
    """The labels that a controller adds to the template's, where others select by them.

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
    """The labels of each sort of pod that *resource* makes, itself or through an operator."""
    for pod in pods(resource):
        known = isinstance(pod.labels, Mapping)
        yield {**pod.labels, **_added(resource, pod)} if known else pod.labels
    if resource.kind in OPERATED:
        name = get(resource.props, "metadata", "name", default=UNKNOWN)
        yield {OPERATED[resource.kind]: name}
