"""What a pod may do to its node and to the API server."""

from collections.abc import Iterator

from policies.rules.frameworks import ANSSI, NSA_PODS, PSS_BASELINE, PSS_RESTRICTED, cis
from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS, Pod, containers, pods
from policies.rules.reading import entries, get, is_list, label, shown


def _privileged(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        if get(container.spec, "securityContext", "privileged") is True:
            yield Finding(f"{container.path}.securityContext.privileged", "true", "false")


PRIVILEGED = Rule(
    "no-privileged",
    "No container is privileged.",
    "A privileged container is root on its node, and so on every pod there.",
    "remove privileged; add the one capability or device that is needed",
    WORKLOADS,
    Severity.CRITICAL,
    _privileged,
    rows=(1,),
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
    "No pod shares the node's network, processes or IPC.",
    "NetworkPolicies do not apply to the node's network, and its processes can be read.",
    "remove the field; shared memory between GPUs of one pod is an emptyDir in memory",
    WORKLOADS,
    Severity.CRITICAL,
    _host_namespaces,
    rows=(
        9,
        10,
    ),
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
                yield Finding(path, shown(got), "nothing")


HOST_PORT = Rule(
    "no-host-port",
    "No container takes a port of its node.",
    "It is reachable past every Service and NetworkPolicy, and keeps a second pod off the node.",
    "remove hostPort and put a Service in front",
    WORKLOADS,
    Severity.HIGH,
    _host_ports,
    rows=(11,),
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
    "No pod mounts a directory of its node.",
    "Files of the node outlive the pod's limits: sockets, credentials, other pods' data.",
    "mount a claim; waive it for a driver that needs the node",
    WORKLOADS,
    Severity.CRITICAL,
    _host_paths,
    rows=(
        12,
        14,
    ),
    frameworks=(
        PSS_BASELINE,
        *cis("5.2.12"),
        NSA_PODS,
        ANSSI,
    ),
)


def _unrestricted(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        shared = get(pod.spec, "securityContext", default={})
        for container in pod.containers():
            own = get(container.spec, "securityContext", default={})
            path = f"{container.path}.securityContext"
            yield from _user(path, own, shared)
            yield from _privileges(path, own)
            profile = _either(own, shared, "seccompProfile", "type")
            if profile not in ("RuntimeDefault", "Localhost", UNKNOWN):
                yield Finding(
                    f"{path}.seccompProfile.type",
                    shown(profile),
                    "RuntimeDefault or Localhost, on the pod or the container",
                    "set seccompProfile.type RuntimeDefault on the pod",
                    subject="seccompProfile",
                )


def _either(own: Node, shared: Node, *path: str) -> Node:
    """The container's word, else the pod's, as the kubelet reads them."""
    got = get(own, *path)
    return get(shared, *path) if got is None else got


def _user(path: str, own: Node, shared: Node) -> Iterator[Finding]:
    must = _either(own, shared, "runAsNonRoot")
    if must not in (True, UNKNOWN):
        yield Finding(
            f"{path}.runAsNonRoot",
            shown(must),
            "true, on the pod or the container",
            "set runAsNonRoot true and the image's numeric user",
            subject="runAsNonRoot",
        )
    if _either(own, shared, "runAsUser") == 0:
        yield Finding(
            f"{path}.runAsUser",
            "0",
            "any other user",
            "set the image's unprivileged user",
            subject="runAsNonRoot",
        )


def _privileges(path: str, own: Node) -> Iterator[Finding]:
    escalation = get(own, "allowPrivilegeEscalation")
    if escalation not in (False, UNKNOWN):
        yield Finding(
            f"{path}.allowPrivilegeEscalation",
            shown(escalation),
            "false",
            "set allowPrivilegeEscalation false",
            subject="allowPrivilegeEscalation",
        )
    drop = get(own, "capabilities", "drop", default=[])
    if is_list(drop) and UNKNOWN not in list(drop) and "ALL" not in list(drop):
        yield Finding(
            f"{path}.capabilities.drop",
            f"{len(drop)} capabilities, not ALL",
            "[ALL]",
            "drop ALL and add back what is needed",
            subject="capabilities",
        )
    for _, added in entries(own, "capabilities", "add"):
        if added != "NET_BIND_SERVICE":
            yield Finding(
                f"{path}.capabilities.add",
                shown(added),
                "NET_BIND_SERVICE or nothing",
                "remove the capability",
                subject=f"capabilities.add:{added}",
            )


RESTRICTED = Rule(
    "restricted-security-context",
    "Containers meet the Pod Security Standard `restricted`: no root, no escalation, no "
    "capabilities, the runtime's seccomp profile.",
    "The namespaces enforce it: the API server refuses the pods after the release has begun.",
    "set the field on the pod or the container",
    WORKLOADS,
    Severity.HIGH,
    _unrestricted,
    rows=(
        2,
        3,
        5,
        6,
        7,
        17,
    ),
    frameworks=(
        PSS_RESTRICTED,
        *cis("5.2.6", "5.2.7", "5.2.8", "5.2.9", "5.2.10", "5.7.2", "5.7.3"),
        NSA_PODS,
        ANSSI,
    ),
)


def _writable_root(resource: Resource) -> Iterator[Finding]:
    for container in containers(resource):
        got = get(container.spec, "securityContext", "readOnlyRootFilesystem")
        if got not in (True, UNKNOWN):
            path = f"{container.path}.securityContext.readOnlyRootFilesystem"
            named = get(container.spec, "name")
            yield Finding(path, shown(got), "true", subject=str(named or ""))


READ_ONLY_ROOT = Rule(
    "read-only-root-filesystem",
    "Containers cannot write to their image.",
    "What an intruder writes there runs; what a program writes there fills the node's disk.",
    "set readOnlyRootFilesystem true and mount an emptyDir where the program writes",
    WORKLOADS,
    Severity.MEDIUM,
    _writable_root,
    level=Level.ADVISORY,
    rows=(8,),
    frameworks=(
        NSA_PODS,
        ANSSI,
    ),
)


def _token(pod: Pod) -> Iterator[Finding]:
    mounted = get(pod.spec, "automountServiceAccountToken")
    account = get(pod.spec, "serviceAccountName")
    if mounted in (False, UNKNOWN) or account is UNKNOWN:
        return
    if mounted is True and account not in (None, "", "default"):
        return
    yield Finding(
        f"{pod.path}.automountServiceAccountToken",
        shown(mounted),
        "false; or true with a serviceAccountName of the pod's own",
    )


def _tokens(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        yield from _token(pod)


TOKEN = Rule(
    "no-service-account-token",
    "A pod gets a token of the API server only if it says so and names its ServiceAccount.",
    "A token is mounted unless refused, and whoever takes over the pod takes it over too.",
    "set automountServiceAccountToken false",
    WORKLOADS,
    Severity.MEDIUM,
    _tokens,
    rows=(18,),
    frameworks=(
        *cis("5.1.6"),
        NSA_PODS,
    ),
)

RULES = (
    *(PRIVILEGED, HOST_NAMESPACES, HOST_PORT, HOST_PATH),
    *(RESTRICTED, READ_ONLY_ROOT, TOKEN),
)
