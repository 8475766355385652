"""Privileges of containers: user, capabilities, file system, API token."""

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
            profile = _effective(own, shared, "seccompProfile", "type")
            if profile not in ("RuntimeDefault", "Localhost", UNKNOWN):
                yield Finding(
                    f"{path}.seccompProfile.type",
                    shown(profile),
                    "RuntimeDefault or Localhost, on the pod or the container",
                    "set seccompProfile.type RuntimeDefault on the pod",
                    subject="seccompProfile",
                )


def _effective(own: Node, shared: Node, *path: str) -> Node:
    """The container's value, else the pod's, as the kubelet resolves them."""
    got = get(own, *path)
    return get(shared, *path) if got is None else got


def _user(path: str, own: Node, shared: Node) -> Iterator[Finding]:
    must = _effective(own, shared, "runAsNonRoot")
    if must not in (True, UNKNOWN):
        yield Finding(
            f"{path}.runAsNonRoot",
            shown(must),
            "true, on the pod or the container",
            "set runAsNonRoot true and the image's numeric user",
            subject="runAsNonRoot",
        )
    if _effective(own, shared, "runAsUser") == 0:
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
            f"{len(drop)} capabilities, without ALL",
            "[ALL]",
            "drop ALL and add back only NET_BIND_SERVICE if needed",
            subject="capabilities",
        )
    for _, added in entries(own, "capabilities", "add"):
        if added != "NET_BIND_SERVICE":
            yield Finding(
                f"{path}.capabilities.add",
                shown(added),
                "NET_BIND_SERVICE only",
                "remove the capability",
                subject=f"capabilities.add:{added}",
            )


RESTRICTED = Rule(
    "restricted-security-context",
    "Containers meet the Pod Security Standard `restricted`: no root, no escalation, no "
    "capabilities, the runtime's seccomp profile.",
    "Namespaces enforce it: the API server would reject the pods in the middle of a rollout.",
    "set the field on the pod or the container",
    WORKLOADS,
    Severity.HIGH,
    _unrestricted,
    covers=(
        "no-privilege-escalation",
        "run-as-non-root",
        "drop-all-capabilities",
        "added-capabilities",
        "seccomp-profile",
        "security-context-present",
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
    "Containers have a read-only root file system.",
    "An attacker could write and run programs there, and a program could fill the node's disk.",
    "set readOnlyRootFilesystem true and mount an emptyDir where the program writes",
    WORKLOADS,
    Severity.MEDIUM,
    _writable_root,
    level=Level.ADVISORY,
    covers=("read-only-root-filesystem",),
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
        "false, or true with a dedicated serviceAccountName",
    )


def _tokens(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        yield from _token(pod)


TOKEN = Rule(
    "no-service-account-token",
    "A pod mounts an API token only if it asks for it and names its own ServiceAccount.",
    "A token is mounted by default, and an attacker in the pod can use it.",
    "set automountServiceAccountToken false",
    WORKLOADS,
    Severity.MEDIUM,
    _tokens,
    covers=("no-automounted-token",),
    frameworks=(
        *cis("5.1.6"),
        NSA_PODS,
    ),
)

RULES = (RESTRICTED, READ_ONLY_ROOT, TOKEN)
