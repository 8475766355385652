"""Kernel-level settings of pods: user ids, sysctls, security profiles, volume types."""

from collections.abc import Iterator, Mapping

from policies.rules.frameworks import ANSSI, NSA_PODS, PSS_BASELINE, PSS_RESTRICTED, cis
from policies.rules.model import UNKNOWN, Finding, Level, Node, Resource, Rule, Severity
from policies.rules.pods import WORKLOADS, Container, Pod, containers, pods
from policies.rules.reading import entries, get, label, mapping, shown

_FIRST_ID = 10_000
"""Ids below may belong to node users; kube-score and checkov use the same threshold."""


def _identity(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        for container in pod.containers():
            user = _id(container, pod, "runAsUser")
            if user == 0:  # restricted-security-context reports it
                continue
            own = _image_user(container, resource.facts.image_users)
            for field, got in (
                ("runAsUser", user),
                ("runAsGroup", _id(container, pod, "runAsGroup")),
            ):
                if got is UNKNOWN or (isinstance(got, int | float) and got >= _FIRST_ID):
                    continue
                if own is UNKNOWN or (own is not None and got == own):
                    continue
                path = f"{container.path}.securityContext.{field}"
                allowed = (
                    f"{_FIRST_ID} or above{f', or {own}, the own user of the image' if own else ''}"
                )
                yield Finding(path, shown(got), allowed, subject=shown(got))


def _id(container: Container, pod: Pod, field: str) -> Node:
    """The container's value, else the pod's, as the kubelet resolves them."""
    got = get(container.spec, "securityContext", field)
    return get(pod.spec, "securityContext", field) if got is None else got


def _image_user(container: Container, users: Mapping[str, int]) -> Node:
    """The user that owns the files of its image; None if no such user is known."""
    image = get(container.spec, "image")
    if not isinstance(image, str):
        return image
    path = image.partition("@")[0]
    path = path[: path.rfind(":")] if ":" in path.rsplit("/", 1)[-1] else path
    # A mirror puts its own host and folders before the repository.
    return next((u for name, u in users.items() if f"/{path}".endswith(f"/{name}")), None)


IDENTITY = Rule(
    "high-user-and-group",
    "Containers run as a user and a group of 10000 or above, or as the user that owns the files of"
    " the image (`catalog/images.yaml`).",
    "Lower ids may belong to node users: a process that escapes the container would act as one.",
    "set runAsUser and runAsGroup, if the file ownership in the image allows it",
    WORKLOADS,
    Severity.LOW,
    _identity,
    covers=("high-user-and-group-ids",),
    frameworks=(ANSSI,),
    level=Level.ADVISORY,
)

_VOLUMES = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image"),
        *("persistentVolumeClaim", "projected", "secret"),
    }
)
"""Types that the Pod Security Standard `restricted` allows, and the newer image volumes."""


def _volumes(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        for i, volume in entries(pod.spec, "volumes"):
            for source in mapping(volume):
                if source not in _VOLUMES | {"name", "hostPath"}:  # no-host-path reports it
                    path = f"{pod.path}.volumes[{label(volume, i)}].{source}"
                    allowed = "a claim, emptyDir, configMap, secret, projected, csi or ephemeral"
                    yield Finding(path, f"a volume of type {source}", allowed, subject=source)


VOLUMES = Rule(
    "volume-types",
    "Pods mount only the volume types of the Pod Security Standard `restricted`.",
    "Other types (nfs, iscsi, rbd, …) bypass storage classes, their quotas and their encryption.",
    "use a PersistentVolumeClaim",
    WORKLOADS,
    Severity.HIGH,
    _volumes,
    covers=("volume-types",),
    frameworks=(PSS_RESTRICTED,),
)

_SYSCTLS = frozenset(
    {
        *("kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range"),
        *("net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies"),
        *("net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports"),
        *("net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout"),
        *("net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes"),
    }
)
"""Sysctls that the Pod Security Standard `baseline` allows."""


def _kernel(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        for i, sysctl in entries(pod.spec, "securityContext", "sysctls"):
            name = get(sysctl, "name")
            if isinstance(name, str) and name not in _SYSCTLS:
                path = f"{pod.path}.securityContext.sysctls[{i}]"
                yield Finding(path, shown(name), "a sysctl that affects only the pod", subject=name)
    for container in containers(resource):
        mount = get(container.spec, "securityContext", "procMount")
        if mount not in (None, "Default", UNKNOWN):
            yield Finding(f"{container.path}.securityContext.procMount", shown(mount), "Default")


KERNEL = Rule(
    "safe-kernel-settings",
    "Pods keep /proc masked and set only sysctls that affect themselves.",
    "An unsafe sysctl changes the node for all its pods; an unmasked /proc exposes the node.",
    "remove it, or set it on the node",
    WORKLOADS,
    Severity.HIGH,
    _kernel,
    covers=("proc-mount-and-sysctls",),
    frameworks=(PSS_BASELINE, ANSSI),
)

_APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
_SELINUX = (None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")


def _loosened(context: Node, path: str) -> Iterator[Finding]:
    profile = get(context, "appArmorProfile", "type")
    if profile not in (None, "RuntimeDefault", "Localhost", UNKNOWN):
        allowed = "RuntimeDefault or Localhost"
        yield Finding(f"{path}.appArmorProfile.type", shown(profile), allowed, subject="AppArmor")
    for field in ("type", "user", "role"):
        got = get(context, "seLinuxOptions", field)
        if got is not UNKNOWN and got not in (_SELINUX if field == "type" else (None, "")):
            allowed = "a container type" if field == "type" else "no value"
            yield Finding(f"{path}.seLinuxOptions.{field}", shown(got), allowed, subject="SELinux")
    if get(context, "windowsOptions", "hostProcess") is True:
        at = f"{path}.windowsOptions.hostProcess"
        yield Finding(at, "true", "false", subject="hostProcess")


def _confinement(resource: Resource) -> Iterator[Finding]:
    for pod in pods(resource):
        yield from _loosened(get(pod.spec, "securityContext"), f"{pod.path}.securityContext")
        for key, profile in mapping(pod.annotations).items():
            named = isinstance(profile, str) and profile.startswith(
                ("runtime/default", "localhost/")
            )
            if key.startswith(_APPARMOR) and not named and profile is not UNKNOWN:
                at = f"annotation {key}"
                yield Finding(at, shown(profile), "runtime/default", subject="AppArmor")
        for container in pod.containers():
            path = f"{container.path}.securityContext"
            yield from _loosened(get(container.spec, "securityContext"), path)


CONFINEMENT = Rule(
    "mandatory-access-control",
    "Pods do not weaken AppArmor or SELinux, and no Windows container is HostProcess.",
    "These controls still hold after a process in a container has become root.",
    "remove the field to use the runtime's default",
    WORKLOADS,
    Severity.HIGH,
    _confinement,
    covers=("apparmor-selinux-host-process",),
    frameworks=(PSS_BASELINE, *cis("5.2.11"), NSA_PODS, ANSSI),
)

RULES = (IDENTITY, VOLUMES, KERNEL, CONFINEMENT)
