"""Cases of the rules about users, kernels, accounts and roles."""

from typing import Any

from tests.policies.cases import Case, Compliant, NotApplicable, Violating
from tests.policies.manifests import (
    BOX,
    POD,
    REMOVED,
    Path,
    change,
    namespace,
    role,
    service,
    service_account,
    workload,
)

_SECURITY, _OWN = (*POD, "securityContext"), (*BOX, "securityContext")


def _refused(rule: str, sentence: str, path: Path, value: Any, at: str) -> Violating:
    """A workload with *value* at *path*, which a preview may not know."""
    return Violating(rule, sentence, [change(workload(), path, value)], at, (0, path))


KERNEL: tuple[Case, ...] = (
    _refused(
        "high-user-and-group",
        "a user of the node's range",
        (*_SECURITY, "runAsUser"),
        999,
        "containers[server].securityContext.runAsUser",
    ),
    Violating(
        "high-user-and-group",
        "a container whose own group is the node's",
        [change(workload(), (*_OWN, "runAsGroup"), 0)],
        "containers[server].securityContext.runAsGroup",
    ),
    Violating(
        "high-user-and-group",
        "a pod that leaves the group to the image",
        [change(workload(), (*_SECURITY, "runAsGroup"), REMOVED)],
        "securityContext.runAsGroup",
    ),
    Compliant("high-user-and-group", "the pod's user and group for all", [workload()]),
    NotApplicable("high-user-and-group", "a Service", [service()]),
    _refused(
        "volume-types",
        "a volume from NFS",
        (*POD, "volumes"),
        [{"name": "docs", "nfs": {"server": "nas", "path": "/"}}],
        "volumes[docs].nfs",
    ),
    Compliant(
        "volume-types",
        "a claim and a projection",
        [
            change(
                workload(),
                (*POD, "volumes"),
                [
                    {"name": "a", "persistentVolumeClaim": {"claimName": "a"}},
                    {"name": "b", "projected": {"sources": []}},
                ],
            )
        ],
    ),
    NotApplicable("volume-types", "a Namespace", [namespace()]),
    _refused(
        "safe-kernel-settings",
        "a sysctl of the node",
        (*_SECURITY, "sysctls"),
        [{"name": "kernel.msgmax", "value": "65536"}],
        "securityContext.sysctls[0]",
    ),
    _refused(
        "safe-kernel-settings",
        "an open /proc",
        (*_OWN, "procMount"),
        "Unmasked",
        "containers[server].securityContext.procMount",
    ),
    Compliant(
        "safe-kernel-settings",
        "a sysctl of the pod's own",
        [
            change(
                workload(),
                (*_SECURITY, "sysctls"),
                [{"name": "net.ipv4.tcp_keepalive_time", "value": "60"}],
            )
        ],
    ),
    NotApplicable("safe-kernel-settings", "a Service", [service()]),
    *(
        _refused("mandatory-access-control", sentence, (*where, *path), value, at)
        for sentence, where, path, value, at in (
            (
                "no AppArmor",
                _SECURITY,
                ("appArmorProfile", "type"),
                "Unconfined",
                "appArmorProfile.type",
            ),
            (
                "an SELinux type of the node",
                _OWN,
                ("seLinuxOptions", "type"),
                "spc_t",
                "containers[server].securityContext.seLinuxOptions.type",
            ),
            ("an SELinux user", _OWN, ("seLinuxOptions", "user"), "root", "seLinuxOptions.user"),
            (
                "a HostProcess container",
                _OWN,
                ("windowsOptions", "hostProcess"),
                True,
                "windowsOptions.hostProcess",
            ),
        )
    ),
    Violating(
        "mandatory-access-control",
        "the annotation that turned AppArmor off before there was a field",
        [
            change(
                workload(),
                ("spec", "template", "metadata", "annotations"),
                {"container.apparmor.security.beta.kubernetes.io/server": "unconfined"},
            )
        ],
        "annotation container.apparmor",
    ),
    Compliant(
        "mandatory-access-control",
        "the runtime's profile by name",
        [change(workload(), (*_SECURITY, "appArmorProfile", "type"), "RuntimeDefault")],
    ),
    NotApplicable("mandatory-access-control", "a Service", [service()]),
)

_ACCOUNT = (*POD, "serviceAccountName")
_ELSEWHERE = change(service_account(), ("metadata", "namespace"), "data")

ACCOUNTS: tuple[Case, ...] = (
    _refused(
        "own-service-account",
        "the account that all share",
        _ACCOUNT,
        "default",
        "spec.template.spec.serviceAccountName",
    ),
    Violating(
        "own-service-account",
        "no account",
        [change(workload(), _ACCOUNT, REMOVED)],
        "serviceAccountName",
    ),
    Compliant("own-service-account", "an account of its own", [workload()]),
    NotApplicable("own-service-account", "a Service", [service()]),
    Violating(
        "service-account-exists",
        "an account of another namespace",
        [workload(), _ELSEWHERE],
        "serviceAccountName",
        (0, _ACCOUNT),
    ),
    Violating(
        "service-account-exists",
        "an account that nobody makes",
        [workload(), change(service_account(), ("metadata", "name"), "other")],
        "serviceAccountName",
        (1, ("metadata", "name")),
    ),
    Compliant("service-account-exists", "an account beside it", [workload(), service_account()]),
    NotApplicable("service-account-exists", "an account alone", [service_account()]),
    _refused(
        "no-remote-shell",
        "a probe that starts a shell",
        (*BOX, "livenessProbe"),
        {"exec": {"command": ["/bin/sh", "-c", "true"]}},
        "livenessProbe.exec.command",
    ),
    _refused("no-remote-shell", "sudo", (*BOX, "command"), ["sudo", "serve"], "command"),
    _refused(
        "no-remote-shell", "a port for SSH", (*BOX, "ports"), [{"containerPort": 22}], "ports[0]"
    ),
    Compliant(
        "no-remote-shell",
        "a probe that starts a program, and a command that starts a shell",
        [
            change(
                workload(),
                *((*BOX, "livenessProbe"), {"exec": {"command": ["redis-cli", "ping"]}}),
                *((*BOX, "command"), ["/bin/sh", "-c", "exec serve"]),
            )
        ],
    ),
    NotApplicable("no-remote-shell", "a Service", [service()]),
)

_RULE: Path = ("rules", 0)
_BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "all"},
    "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
}

RBAC: tuple[Case, ...] = (
    *(
        Violating(
            "no-wildcard-role",
            f"every one of the {field}",
            [role(**{field: ["*"]})],
            f"rules[0].{field}",
            (0, (*_RULE, field)),
        )
        for field in ("apiGroups", "resources", "verbs")
    ),
    Violating(
        "no-wildcard-role",
        "a binding to cluster-admin",
        [_BINDING],
        "roleRef.name",
        (0, ("roleRef", "name")),
    ),
    Compliant("no-wildcard-role", "a role that lists what it may", [role()]),
    NotApplicable("no-wildcard-role", "an account", [service_account()]),
    *(
        Violating(
            "no-escalating-role",
            f"{verb} on {resource}",
            [role(resources=[resource], verbs=[verb])],
            "rules[0]",
            (0, (*_RULE, "verbs")),
        )
        for resource, verb in (
            ("roles", "escalate"),
            ("clusterrolebindings", "bind"),
            ("users", "impersonate"),
            ("pods/exec", "create"),
            ("nodes/proxy", "get"),
            ("validatingwebhookconfigurations", "update"),
            ("certificatesigningrequests/approval", "update"),
            ("serviceaccounts/token", "create"),
            ("persistentvolumes", "create"),
        )
    ),
    Compliant("no-escalating-role", "a role that makes pods", [role(resources=["pods"])]),
    NotApplicable("no-escalating-role", "a binding", [_BINDING]),
    Violating(
        "no-broad-secret-access",
        "a role that lists Secrets",
        [role(resources=["secrets"], verbs=["list"])],
        "rules[0]",
        (0, (*_RULE, "resources")),
    ),
    Compliant(
        "no-broad-secret-access",
        "a role that names its Secret, and one that makes Secrets",
        [
            role(resources=["secrets"], resourceNames=["token"]),
            role(resources=["secrets"], verbs=["create"]),
        ],
    ),
    NotApplicable("no-broad-secret-access", "a binding", [_BINDING]),
)
