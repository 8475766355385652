"""GPU workloads: placement, capacity, shared memory."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from policies.rules.frameworks import NSA_NETWORK
from policies.rules.model import UNKNOWN, Finding, Node, Resource, Rule, Severity, StackRule
from policies.rules.pods import WORKLOADS, Container, Pod, pods
from policies.rules.reading import entries, get, mapping, missing, namespace, quantity, shown
from policies.rules.servers import GPU, gpus, option

_QUOTA = "ResourceQuota"


def _uses_gpus(pod: Pod) -> bool:
    return any(gpus(container) for container in pod.containers())


def _unplaced(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        if not _uses_gpus(pod):
            continue
        if missing(pod.spec, "nodeSelector") and missing(pod.spec, "affinity", "nodeAffinity"):
            allowed = "a label of the intended GPU nodes"
            yield Finding(f"{pod.path}.nodeSelector", "missing", allowed)
        if missing(pod.spec, "tolerations"):
            allowed = "a toleration of the GPU nodes' taint"
            yield Finding(f"{pod.path}.tolerations", "missing", allowed)


PLACED = Rule(
    "gpu-placement",
    "A pod with GPUs selects its nodes by label and tolerates their taint.",
    "A model sized for one GPU otherwise starts on another, or stays Pending.",
    "set nodeSelector and tolerations for the pool",
    WORKLOADS,
    Severity.MEDIUM,
    _unplaced,
    covers=("gpu-requests-and-placement",),
)

_SHM = "/dev/shm"  # noqa: S108 - a path inside the container
_SPLIT = ("--tensor-parallel-size", "-tp", "--tp-size", "--tp", "--num-shard")


def _several(container: Container) -> bool:
    split = option(container, *_SPLIT)
    if split is not None and split.isdigit():
        return int(split) > 1
    return any((quantity(count) or 0) > 1 for count in gpus(container).values())


def _cramped(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        for container in pod.containers(init=False):
            if _several(container):
                yield from _shared(pod, container)


def _shared(pod: Pod, container: Container) -> Iterator[Finding]:
    mounts, volumes = get(container.spec, "volumeMounts"), get(pod.spec, "volumes")
    if UNKNOWN in (mounts, volumes):
        return
    path = f"{container.path}.volumeMounts[{_SHM}]"
    names = [get(m, "name") for _, m in entries(mounts) if get(m, "mountPath") == _SHM]
    found = [v for _, v in entries(volumes) if get(v, "name") in names]
    if UNKNOWN in names or (isinstance(mounts, list) and UNKNOWN in mounts):
        return
    if not found:
        yield Finding(path, "the runtime's 64 MiB", "an emptyDir with medium Memory")
        return
    scratch = get(found[0], "emptyDir")
    if scratch is UNKNOWN:
        return
    size, medium = get(scratch, "sizeLimit"), get(scratch, "medium")
    if UNKNOWN in (size, medium):
        return
    if medium != "Memory":
        yield Finding(path, f"an emptyDir with medium {shown(medium)}", "medium Memory")
    limit = quantity(get(container.spec, "resources", "limits", "memory"))
    if limit and (quantity(size) or 0) >= limit:
        allowed = "less than the container's memory limit, which includes it"
        yield Finding(path, f"sizeLimit {shown(size)}", allowed)


SHARED_MEMORY = Rule(
    "shared-memory",
    "A multi-GPU server mounts its own /dev/shm, smaller than its memory limit.",
    "NCCL communicates over /dev/shm; with the default 64 MiB the server fails to start.",
    "mount an emptyDir with medium Memory and a sizeLimit at /dev/shm",
    WORKLOADS,
    Severity.HIGH,
    _cramped,
    covers=("shared-memory",),
)


def _pod_count(resource: Resource) -> Node:
    """Pods that *resource* runs at a time; `UNKNOWN` if nodes or an autoscaler decide."""
    if resource.kind in ("Deployment.apps", "StatefulSet.apps", "ReplicaSet.apps"):
        return get(resource.props, "spec", "replicas", default=1)
    if resource.kind == "Job.batch":
        return get(resource.props, "spec", "parallelism", default=1)
    return 1 if resource.kind == "Pod" else UNKNOWN


def _overdrawn(resources: Sequence[Resource]) -> Iterator[Finding]:
    wanted: dict[tuple[str, str], float] = defaultdict(float)
    for resource in resources:
        where = namespace(resource)
        times = quantity(_pod_count(resource)) if resource.kind in WORKLOADS else None
        if where is UNKNOWN or times is None:
            continue
        for pod in pods(resource):
            for container in pod.containers(init=False):
                for name, count in gpus(container).items():
                    wanted[str(where), name] += (quantity(count) or 0) * times
    for quota in resources:
        if quota.kind != _QUOTA:
            continue
        for key, hard in mapping(quota.props, "spec", "hard").items():
            name = key.removeprefix("requests.")
            most = quantity(hard)
            sum_ = wanted.get((str(namespace(quota)), name), 0)
            if GPU.fullmatch(name) and most is not None and sum_ > most:
                allowed = f"{sum_:g} or more, or fewer replicas"
                path = f"spec.hard[{key}]"
                yield Finding(
                    path, f"{most:g}, but the pods request {sum_:g}", allowed, resource=quota
                )


CAPACITY = StackRule(
    "gpu-capacity",
    "The pods of a namespace request no more GPUs than its ResourceQuota allows.",
    "The last pods never start, and the deployment only fails at its timeout.",
    "lower the replicas, or raise the quota if the GPUs exist",
    frozenset({_QUOTA}),
    Severity.HIGH,
    _overdrawn,
    covers=("gpu-capacity",),
    frameworks=(NSA_NETWORK,),
    also_reads=WORKLOADS,
)

RULES = (PLACED, SHARED_MEMORY)
STACK_RULES = (CAPACITY,)
