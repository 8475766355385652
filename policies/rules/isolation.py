"""Isolation of pods from their node."""

from collections.abc import Iterator

from policies.rules.frameworks import ANSSI, NSA_PODS, PSS_BASELINE, cis
from policies.rules.model import UNKNOWN, Finding, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS, containers, pods
from policies.rules.reading import entries, get, label, shown


def _privileged(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        if get(container.spec, "securityContext", "privileged") is True:
            yield Finding(f"{container.path}.securityContext.privileged", "true", "false")


PRIVILEGED = Rule(
    "no-privileged",
    "No container is privileged.",
    "A privileged container is root on its node, and can control every pod there.",
    "remove privileged; add only the capability or device that is needed",
    WORKLOADS,
    Severity.CRITICAL,
    _privileged,
    covers=("no-privileged-container",),
    frameworks=(
        PSS_BASELINE,
        *cis("5.2.2"),
        NSA_PODS,
        ANSSI,
    ),
)


def _host_namespaces(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        for field in ("hostNetwork", "hostPID", "hostIPC"):
            if get(pod.spec, field) is True:
                yield Finding(f"{pod.path}.{field}", "true", "false", subject=field)


HOST_NAMESPACES = Rule(
    "no-host-namespaces",
    "No pod uses the node's network, process or IPC namespace.",
    "NetworkPolicies do not apply to the node's network, and its processes can be inspected.",
    "remove the field; use an emptyDir with medium Memory for shared memory between GPUs",
    WORKLOADS,
    Severity.CRITICAL,
    _host_namespaces,
    covers=("no-host-pid-or-ipc", "no-host-network"),
    frameworks=(
        PSS_BASELINE,
        *cis("5.2.3", "5.2.4", "5.2.5"),
        NSA_PODS,
        ANSSI,
    ),
)


def _host_ports(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        for i, port in entries(container.spec, "ports"):
            got = get(port, "hostPort")
            if got not in (None, 0, UNKNOWN):
                path = f"{container.path}.ports[{label(port, i)}].hostPort"
                yield Finding(path, shown(got), "no hostPort")


HOST_PORT = Rule(
    "no-host-port",
    "No container binds a port of its node.",
    "It bypasses Services and NetworkPolicies, and a second replica cannot run on the node.",
    "remove hostPort and add a Service",
    WORKLOADS,
    Severity.HIGH,
    _host_ports,
    covers=("no-host-port",),
    frameworks=(
        PSS_BASELINE,
        *cis("5.2.13"),
    ),
)


def _host_paths(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        for i, volume in entries(pod.spec, "volumes"):
            host_path = get(volume, "hostPath")
            path = get(host_path, "path")
            if host_path is not None and path is not UNKNOWN:
                yield Finding(
                    f"{pod.path}.volumes[{label(volume, i)}].hostPath",
                    shown(path),
                    "emptyDir, a claim, a ConfigMap or a Secret",
                    subject=str(path),
                )


HOST_PATH = Rule(
    "no-host-path",
    "No pod mounts a path of its node.",
    "Node files include sockets, credentials and the data of other pods.",
    "mount a claim; waive the rule for drivers that need node files",
    WORKLOADS,
    Severity.CRITICAL,
    _host_paths,
    covers=("no-host-path", "no-runtime-socket"),
    frameworks=(
        PSS_BASELINE,
        *cis("5.2.12"),
        NSA_PODS,
        ANSSI,
    ),
)

RULES = (PRIVILEGED, HOST_NAMESPACES, HOST_PORT, HOST_PATH)
