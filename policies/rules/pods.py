"""Pod templates and containers of all kinds of workloads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from policies.rules.model import UNKNOWN, Manifest, Node, Resource
from policies.rules.reading import entries, get, is_list, label

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


_PATCHED = frozenset(OPERATED) | frozenset(
    f"{kind}.monitoring.coreos.com"
    for kind in ("Prometheus", "PrometheusAgent", "Alertmanager", "ThanosRuler")
)
"""Custom resources whose `containers` are changes to those of the operator, not whole ones."""
_INLINE: Mapping[str, Sequence[str]] = {
    "InferenceService.serving.kserve.io": (
        *("model", "sklearn", "xgboost", "tensorflow", "pytorch", "triton", "onnx"),
        *("huggingface", "pmml", "lightgbm", "paddle"),
    ),
}
"""Keys of containers beside those of a pod (kserve, pkg/apis/serving/v1beta1/predictor.go, of
`PredictorSpec`: each is a `PredictorExtensionSpec`, which inlines a Container)."""
_TEMPLATE_ONLY = frozenset({"ReplicationController", "PodTemplate"})
"""Kinds of the core group that hold a template, and that no rule is about."""


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
    inline: Sequence[str] = ()
    """Keys of its spec that are containers by themselves."""

    def containers(self, *, init: bool = True) -> Iterator[Container]:
        """Its containers; init containers first, if *init*."""
        for field in ("initContainers", "containers") if init else ("containers",):
            for index, spec in entries(self.spec, field):
                yield Container(f"{self.path}.{field}[{label(spec, index)}]", spec)
        for key in self.inline:
            if isinstance(spec := get(self.spec, key), Mapping):
                yield Container(f"{self.path}.{key}", spec)


def templates(resource: Resource) -> Iterator[tuple[str, Node]]:
    """Path and value of each pod spec that the kind of *resource* has, whatever is there."""
    for steps in _TEMPLATE.get(resource.kind, ()):
        yield ".".join((*steps, "spec")), get(resource.props, *steps, "spec")


def pods(resource: Resource) -> Iterator[Pod]:
    """The known pod templates of *resource*."""
    if may_embed(resource.kind):
        yield from _embedded(resource)
        return
    for steps in _TEMPLATE.get(resource.kind, ()):
        template = get(resource.props, *steps)
        if isinstance(get(template, "spec"), Mapping):
            yield _pod(".".join((*steps, "spec")), template)


def may_embed(kind: str) -> bool:
    """Whether objects of *kind* may hold pod templates that only looking finds.

    These are custom resources, such as KServe's InferenceService, KAITO's Workspace, a RayCluster.
    """
    _, _, group = kind.partition(".")
    own = "." in group and not (group.endswith(".k8s.io") and not group.endswith("x-k8s.io"))
    return (own or kind in _TEMPLATE_ONLY) and kind not in WORKLOADS | _PATCHED


def _pod(path: str, template: Node, inline: Sequence[str] = ()) -> Pod:
    return Pod(
        path,
        get(template, "spec"),
        get(template, "metadata", "labels", default={}),
        get(template, "metadata", "annotations", default={}),
        inline,
    )


def _embedded(resource: Resource) -> Iterator[Pod]:
    """Pods anywhere in *resource*: what has a list of containers, or containers by name."""
    inline = _INLINE.get(resource.kind, ())
    waiting: list[tuple[str, Node, Node]] = [("", resource.props, {})]
    while waiting:
        path, node, holder = waiting.pop()
        if isinstance(node, Mapping):
            named = [key for key in inline if isinstance(node.get(key), Mapping)]
            if named or any(isinstance(c, Mapping) for _, c in entries(node, "containers")):
                template = holder if get(holder, "spec") is node else {"spec": node}
                yield _pod(path, template, named)
                continue
            prefix = f"{path}." if path else ""
            # Last in, first out: in the order of the manifest.
            waiting += [(f"{prefix}{key}", value, node) for key, value in reversed([*node.items()])]
        elif is_list(node):
            named_items = [(f"{path}[{label(v, i)}]", v, {}) for i, v in entries(node)]
            waiting += reversed(named_items)


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
