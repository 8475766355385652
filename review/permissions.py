"""Cluster permissions for previews and drift checks: manifests for the kinds of a stack.

A preview of an update sends dry runs, which need write permission because RBAC does not know dry
runs. An admission policy therefore rejects all writes that are not dry runs. Without write
permission the provider computes the diff itself and finds less.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from review.render import Render

PREVIEWS: Final = "pai:previews"
"""Group for previews; OIDC maps CI jobs to it."""
DRIFT: Final = "pai:drift"
"""Group for drift checks, which read Secrets because a refresh does."""
_SECRETS = ("", "secrets")


def manifests(render: Render) -> list[dict[str, Any]]:
    """Roles, bindings and the admission policy for the kinds in *render*."""
    kinds = sorted(_kinds(render))
    writes = _rules(kinds, ["create", "patch"])
    reads = _rules([kind for kind in kinds if kind != _SECRETS], ["get", "list", "watch"])
    return [
        _role("pai-previews", [*reads, *writes]),
        _binding("pai-previews", PREVIEWS),
        _role("pai-drift", _rules(kinds, ["get", "list", "watch"])),
        _binding("pai-drift", DRIFT),
        _dry_run_only(),
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "pai-previews-write-nothing"},
            "spec": {"policyName": "pai-previews-write-nothing", "validationActions": ["Deny"]},
        },
    ]


def _kinds(render: Render) -> set[tuple[str, str]]:
    """API group and plural of each Kubernetes kind."""
    found: set[tuple[str, str]] = set()
    for planned in render.resources:
        package, _, rest = planned.type.partition(":")
        if package == "kubernetes":
            version, _, kind = rest.partition(":")
            group = version.partition("/")[0]
            found.add(("" if group == "core" else group, plural(kind)))
    return found


def plural(kind: str) -> str:
    """The resource name of *kind*: k8s.io/apimachinery, meta.UnsafeGuessKindToResource."""
    singular = kind.lower()
    if singular.endswith("s"):
        return f"{singular}es"
    if singular.endswith("y") and singular[-2] not in "aeiou":
        return f"{singular[:-1]}ies"
    return f"{singular}s"


def _rules(kinds: Iterable[tuple[str, str]], verbs: Sequence[str]) -> list[dict[str, Any]]:
    by_group: dict[str, list[str]] = {}
    for group, resource in kinds:
        by_group.setdefault(group, []).append(resource)
    return [
        {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}
        for group, resources in by_group.items()
    ]


def _role(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }


def _binding(role: str, group: str) -> dict[str, Any]:
    api = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": api, "kind": "Group", "name": group}],
    }


def _dry_run_only() -> dict[str, Any]:
    everything = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "resources": ["*/*"],
        "operations": ["*"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "pai-previews-write-nothing"},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [everything]},
            "matchConditions": [
                {"name": "previews", "expression": f'"{PREVIEWS}" in request.userInfo.groups'}
            ],
            "validations": [
                {
                    "expression": "has(request.dryRun) && request.dryRun",
                    "message": "previews may only send dry runs",
                    "reason": "Forbidden",
                }
            ],
        },
    }
