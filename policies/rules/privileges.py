"""What a container may do with its user, its image and the API server."""

from collections.abc import Iterator

from policies.rules.frameworks import ANSSI, NSA_PODS, PSS_RESTRICTED, cis
from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS, Pod, containers, pods
from policies.rules.reading import entries, get, is_list, shown


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

RULES = (RESTRICTED, READ_ONLY_ROOT, TOKEN)
