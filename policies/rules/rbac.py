"""Permissions that roles grant."""

from collections.abc import Iterator

from policies.rules.frameworks import NSA_ACCESS, cis
from policies.rules.model import UNKNOWN, Finding, Node, Resource, Rule, Severity
from policies.rules.reading import entries, get, is_list, shown

_GROUP = "rbac.authorization.k8s.io"
_ROLES = frozenset({f"Role.{_GROUP}", f"ClusterRole.{_GROUP}"})
_BINDINGS = frozenset({f"RoleBinding.{_GROUP}", f"ClusterRoleBinding.{_GROUP}"})
_ANY = "*"


def _listed(rule: Node, field: str) -> frozenset[str]:
    found = get(rule, field)
    return frozenset(i for i in found if isinstance(i, str)) if is_list(found) else frozenset()


def _wildcards(resource: Resource) -> Iterator[Finding]:
    role = get(resource.props, "roleRef", "name")
    if resource.kind in _BINDINGS and role == "cluster-admin":
        yield Finding("roleRef.name", shown(role), "a role with only the permissions needed")
    for i, rule in entries(resource.props, "rules"):
        for field in ("apiGroups", "resources", "verbs", "nonResourceURLs"):
            if _ANY in _listed(rule, field):
                yield Finding(f"rules[{i}].{field}", "everything (`*`)", "a list of names")


WILDCARD = Rule(
    "no-wildcard-role",
    "No role uses wildcards, and no binding refers to cluster-admin.",
    "A wildcard also grants access to resources that later versions add.",
    "list the groups, resources and verbs that the program uses",
    _ROLES | _BINDINGS,
    Severity.CRITICAL,
    _wildcards,
    covers=("no-wildcard-role",),
    frameworks=(*cis("5.1.1", "5.1.3"), NSA_ACCESS),
)

_GRANTS: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (
        frozenset({"roles", "clusterroles", "rolebindings", "clusterrolebindings"}),
        frozenset({"escalate", "bind"}),
    ),
    (frozenset({"users", "groups", "serviceaccounts", "uids"}), frozenset({"impersonate"})),
    (
        frozenset({"pods/exec", "pods/attach", "pods/portforward", "serviceaccounts/token"}),
        frozenset({"create", "get"}),
    ),
    (frozenset({"nodes/proxy"}), frozenset({"get", "create"})),
    (
        frozenset({"validatingwebhookconfigurations", "mutatingwebhookconfigurations"}),
        frozenset({"create", "update", "patch"}),
    ),
    (
        frozenset({"certificatesigningrequests/approval", "certificatesigningrequests/status"}),
        frozenset({"update", "patch"}),
    ),
    (frozenset({"persistentvolumes"}), frozenset({"create"})),
)
"""Permissions from which a subject can gain any other."""


def _escalations(resource: Resource) -> Iterator[Finding]:
    for i, rule in entries(resource.props, "rules"):
        resources, verbs = _listed(rule, "resources"), _listed(rule, "verbs")
        for of, to in _GRANTS:
            for one in sorted(resources & of):
                if granted := sorted(verbs & to):
                    path, got = f"rules[{i}]", f"{', '.join(granted)} on {one}"
                    yield Finding(path, got, "permissions that cannot be escalated", subject=one)


ESCALATION = Rule(
    "no-escalating-role",
    "No role allows escalate, bind, impersonate, exec into pods, access to kubelets, changes of"
    " admission webhooks, approval of certificates, or creation of tokens or PersistentVolumes.",
    "Each of these permissions is enough to become cluster-admin.",
    "remove the permission, or move it to an operator that administrators control",
    _ROLES,
    Severity.CRITICAL,
    _escalations,
    covers=("no-escalating-role",),
    frameworks=(*cis("5.1.8", "5.1.9", "5.1.10", "5.1.11", "5.1.12", "5.1.13"), NSA_ACCESS),
)


def _secrets(resource: Resource) -> Iterator[Finding]:
    for i, rule in entries(resource.props, "rules"):
        if "secrets" not in _listed(rule, "resources"):
            continue
        read = sorted(_listed(rule, "verbs") & {"get", "list", "watch"})
        names = get(rule, "resourceNames")
        if read and names is not UNKNOWN and not names:
            yield Finding(f"rules[{i}]", f"{', '.join(read)} on every Secret", "resourceNames")


SECRETS = Rule(
    "no-broad-secret-access",
    "A role that reads Secrets lists their names.",
    "list and watch return the contents of all Secrets, including future ones.",
    "list the Secrets in resourceNames, or mount them",
    _ROLES,
    Severity.HIGH,
    _secrets,
    covers=("no-broad-secret-access",),
    frameworks=(*cis("5.1.2"), NSA_ACCESS),
)

RULES = (WILDCARD, ESCALATION, SECRETS)
