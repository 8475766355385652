"""Resource requests and limits: CPU, memory, disk, GPUs."""

from collections.abc import Iterator

from policies.rules.frameworks import ANSSI, NSA_NETWORK
from policies.rules.model import UNKNOWN, Finding, Node, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS, containers, pods
from policies.rules.reading import entries, get, label, mapping, quantity, shown

_COMPUTE = ("cpu", "memory", "ephemeral-storage")
GPU_PREFIXES = ("nvidia.com/", "amd.com/", "gpu.intel.com/")
_OPERATED = frozenset(
    {
        "Tenant.minio.min.io",
        "Cluster.postgresql.cnpg.io",
        "Prometheus.monitoring.coreos.com",
        "Alertmanager.monitoring.coreos.com",
    }
)


def _resources(resource: Resource) -> Iterator[tuple[str, Node]]:
    """Path and value of each `resources` field."""
    for container in containers(resource):
        yield f"{container.path}.resources", get(container.spec, "resources", default={})
    if resource.kind == "Tenant.minio.min.io":
        for index, pool in entries(resource.props, "spec", "pools"):
            yield f"spec.pools[{label(pool, index)}].resources", get(pool, "resources", default={})
    elif resource.kind in _OPERATED:
        yield "spec.resources", get(resource.props, "spec", "resources", default={})


def _unbounded(resource: Resource) -> Iterator[Finding]:
    for path, resources in _resources(resource):
        for bound in ("requests", "limits"):
            for amount in _COMPUTE:
                got = get(resources, bound, amount)
                if got is None or quantity(got) == 0:
                    yield Finding(
                        f"{path}.{bound}.{amount}",
                        shown(got),
                        "a quantity above zero, such as 500m or 2Gi",
                        f"set {bound}.{amount}",
                        subject=f"{bound}.{amount}",
                    )


REQUESTS_AND_LIMITS = Rule(
    "requests-and-limits",
    "Every container has requests and limits for CPU, memory and ephemeral storage.",
    "Without requests the scheduler overcommits nodes; without limits one pod starves the others.",
    "set requests and limits for cpu, memory and ephemeral-storage",
    WORKLOADS | _OPERATED,
    Severity.HIGH,
    _unbounded,
    covers=("cpu-and-memory-requests", "memory-limit", "cpu-limit", "ephemeral-storage"),
    frameworks=(
        NSA_NETWORK,
        ANSSI,
    ),
)


def _uneven_gpus(resource: Resource) -> Iterator[Finding]:
    for path, resources in _resources(resource):
        requests, limits = mapping(resources, "requests"), mapping(resources, "limits")
        for name in sorted({*requests, *limits}):
            if not name.startswith(GPU_PREFIXES):
                continue
            request, limit = get(requests, name), get(limits, name)
            # The API server copies a limit into a request that is left out, never the other way.
            if request is None or UNKNOWN in (request, limit):
                continue
            if quantity(request) != quantity(limit):
                yield Finding(
                    f"{path}.limits.{name}",
                    shown(limit),
                    f"the requested number, {shown(request)}",
                    "set the same number of GPUs in requests and limits",
                )


GPU_REQUEST_EQUALS_LIMIT = Rule(
    "gpu-request-equals-limit",
    "GPU requests equal GPU limits.",
    "GPUs cannot be overcommitted: the API server would reject the pod in the middle of a rollout.",
    "set the same number of GPUs in requests and limits",
    WORKLOADS | _OPERATED,
    Severity.HIGH,
    _uneven_gpus,
    covers=("gpu-requests-and-placement",),
)


def _boundless(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        for i, volume in entries(pod.spec, "volumes"):
            scratch = get(volume, "emptyDir")
            if scratch is None or UNKNOWN in (scratch, get(scratch, "sizeLimit")):
                continue
            if not get(scratch, "sizeLimit"):
                path = f"{pod.path}.volumes[{label(volume, i)}].emptyDir.sizeLimit"
                yield Finding(path, "missing", "a quantity, such as 1Gi")


SCRATCH = Rule(
    "scratch-size-limit",
    "Every emptyDir has a size limit.",
    "An emptyDir that fills the disk or memory of the node gets other pods evicted.",
    "set emptyDir.sizeLimit",
    WORKLOADS,
    Severity.MEDIUM,
    _boundless,
    covers=("ephemeral-storage",),
    frameworks=(NSA_NETWORK,),
)

RULES = (REQUESTS_AND_LIMITS, GPU_REQUEST_EQUALS_LIMIT, SCRATCH)
