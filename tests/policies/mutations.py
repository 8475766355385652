"""For each rule the one way to break production that it forbids, and no other rule does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from policies import Resource
from policies.rules.model import Managed
from tests.policies.manifests import (
    CANARY,
    REMOVED,
    Manifest,
    Path,
    autoscaler,
    change,
    gateway,
    ingress,
    job,
    monitor,
    pod,
    role,
    route,
    service_account,
)

Mutation = Callable[[Sequence[Resource]], list[Resource]]

_POD: Path = ("spec", "template", "spec")
_BOX: Path = (*_POD, "containers", 0)
_OWN: Path = (*_BOX, "securityContext")
_KEYCLOAK, _CHAT, _REDIS = (
    "Deployment.apps/keycloak",
    "Deployment.apps/chat",
    "StatefulSet.apps/redis",
)
_GRANT = "Job.batch/qdrant-collections"
_DENY = "NetworkPolicy.networking.k8s.io/models-deny"
_LABELS = {"app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": "chat"}


def _edit(where: str, *paths_and_values: Any) -> Mutation:
    """Other values at some paths of the resource `KIND/NAME`."""

    def mutate(resources: Sequence[Resource]) -> list[Resource]:
        at = _index(resources, where)
        spoilt = replace(resources[at], props=change(dict(resources[at].props), *paths_and_values))
        return [*resources[:at], spoilt, *resources[at + 1 :]]

    return mutate


def _managed(where: str, managed: Managed) -> Mutation:
    def mutate(resources: Sequence[Resource]) -> list[Resource]:
        at = _index(resources, where)
        return [*resources[:at], replace(resources[at], managed=managed), *resources[at + 1 :]]

    return mutate


def _add(manifest: Manifest, namespace: str, *paths_and_values: Any) -> Mutation:
    """One more object, in *namespace*."""
    placed = change(manifest, ("metadata", "namespace"), namespace, *paths_and_values)
    return lambda resources: [*resources, Resource.of(placed)]


def _both(one: Mutation, other: Mutation) -> Mutation:
    return lambda resources: other(one(resources))


def _remove(where: str) -> Mutation:
    def mutate(resources: Sequence[Resource]) -> list[Resource]:
        at = _index(resources, where)
        return [*resources[:at], *resources[at + 1 :]]

    return mutate


def _insert(where: str, path: Path, value: Any) -> Mutation:
    """One more item at the end of the list at *path*."""

    def mutate(resources: Sequence[Resource]) -> list[Resource]:
        listed: Any = resources[_index(resources, where)].props
        for step in path:
            listed = listed.get(step, []) if isinstance(step, str) else listed[step]
        return _edit(where, path, [*listed, value])(resources)

    return mutate


def _index(resources: Sequence[Resource], where: str) -> int:
    kind, _, name = where.rpartition("/")
    [at] = [
        i
        for i, resource in enumerate(resources)
        if resource.kind == kind and resource.urn.endswith(f"::{name}")
    ]
    return at


def _policy(spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "more"},
        "spec": {"podSelector": {"matchLabels": _LABELS}, **spec},
    }


_EVERYWHERE = {"ipBlock": {"cidr": "0.0.0.0/0"}}
_SERVED = change(ingress(), ("spec", "rules", 0, "http"), {"paths": []})
_LONE = change(
    job(),
    *((*_POD, "serviceAccountName"), "chat"),
    *(("spec", "template", "metadata", "labels"), {"app": "lone"}),
)

BACKUP = Resource.of(
    {
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "ScheduledBackup",
        "metadata": {"name": "nightly", "namespace": "llm-data"},
        "spec": {"cluster": {"name": "keycloak-db"}},
    },
    "::nightly",
)
"""What production does not have yet, to be taken away."""

MUTATIONS: Mapping[str, Mutation] = {
    "requests-and-limits": _edit(_KEYCLOAK, (*_BOX, "resources", "limits", "memory"), REMOVED),
    "gpu-request-equals-limit": _edit(
        _CHAT, (*_BOX, "resources", "requests", "nvidia.com/gpu"), "1"
    ),
    "scratch-size-limit": _insert(_KEYCLOAK, (*_POD, "volumes"), {"name": "x", "emptyDir": {}}),
    "gpu-placement": _edit(_CHAT, (*_POD, "nodeSelector"), REMOVED),
    "shared-memory": _edit(_CHAT, (*_BOX, "volumeMounts"), []),
    "tls-ingress": _add(change(_SERVED, ("spec", "tls"), []), "kong"),
    "tls-port": _edit("Service/keycloak", ("spec", "ports", 0, "name"), "http"),
    "tls-url": _insert(_KEYCLOAK, (*_BOX, "args"), "--proxy-url=http://proxy:3128"),
    "tls-listener": _insert(
        _KEYCLOAK, (*_BOX, "env"), {"name": "KC_HTTP_ENABLED", "value": "true"}
    ),
    "tls-gateway": _add(change(gateway(), ("spec", "listeners", 0, "protocol"), "HTTP"), "kong"),
    "tls-probe": _edit(_KEYCLOAK, (*_BOX, "readinessProbe", "httpGet", "scheme"), "HTTP"),
    "tls-scrape": _add(change(monitor(), ("spec", "endpoints", 0, "scheme"), "http"), "monitoring"),
    "tls-object-store": _edit(
        "Tenant.minio.min.io/llm-storage", ("spec", "externalCertSecret"), []
    ),
    "no-privileged": _edit(_KEYCLOAK, (*_OWN, "privileged"), True),
    "no-host-namespaces": _edit(_KEYCLOAK, (*_POD, "hostPID"), True),
    "no-host-port": _edit(_KEYCLOAK, (*_BOX, "ports", 0, "hostPort"), 8443),
    "no-host-path": _insert(
        _KEYCLOAK, (*_POD, "volumes"), {"name": "x", "hostPath": {"path": "/var/run/docker.sock"}}
    ),
    "restricted-security-context": _edit(_KEYCLOAK, (*_OWN, "allowPrivilegeEscalation"), True),
    "read-only-root-filesystem": _edit(_KEYCLOAK, (*_OWN, "readOnlyRootFilesystem"), False),
    "no-service-account-token": _edit(_KEYCLOAK, (*_POD, "automountServiceAccountToken"), REMOVED),
    "high-user-and-group": _edit(_GRANT, (*_POD, "securityContext", "runAsGroup"), 1),
    "volume-types": _insert(
        _KEYCLOAK, (*_POD, "volumes"), {"name": "x", "nfs": {"server": "nas", "path": "/"}}
    ),
    "safe-kernel-settings": _edit(_KEYCLOAK, (*_OWN, "procMount"), "Unmasked"),
    "mandatory-access-control": _edit(
        _KEYCLOAK, (*_OWN, "appArmorProfile"), {"type": "Unconfined"}
    ),
    "own-service-account": _edit(_KEYCLOAK, (*_POD, "serviceAccountName"), "default"),
    "no-remote-shell": _edit(_KEYCLOAK, (*_BOX, "command"), ["sudo", "kc.sh"]),
    "no-wildcard-role": _add(role(verbs=["*"]), "auth"),
    "no-escalating-role": _add(role(resources=["pods/exec"], verbs=["create"]), "auth"),
    "no-broad-secret-access": _add(role(resources=["secrets"]), "auth"),
    "image-tag": _edit(_CHAT, (*_BOX, "image"), "docker.io/vllm/vllm-openai:latest"),
    "image-source": _edit(_GRANT, (*_BOX, "image"), "minio/mc:RELEASE.1@sha256:ab"),
    "image-digest": _edit(_KEYCLOAK, (*_BOX, "image"), "quay.io/keycloak/keycloak:26.7.4"),
    "image-registry": _edit(_GRANT, (*_BOX, "image"), "public.ecr.aws/a/b:1@sha256:ab"),
    "image-pull-policy": _edit(_KEYCLOAK, (*_BOX, "imagePullPolicy"), "Never"),
    "no-secret-in-env": _insert(_KEYCLOAK, (*_BOX, "env"), {"name": "API_KEY", "value": CANARY}),
    "no-secret-in-args": _insert(_KEYCLOAK, (*_BOX, "args"), f"--db-password={CANARY}"),
    "no-secret-in-config-map": _edit(
        "ConfigMap/prometheus", ("data", "more.yaml"), f"password: {CANARY}\n"
    ),
    "protected-data": _managed(
        "PersistentVolumeClaim/chat-weights", Managed(protected=False, secret_inputs=frozenset())
    ),
    "encrypted-storage": _edit(
        "PersistentVolumeClaim/chat-weights", ("spec", "storageClassName"), "slow"
    ),
    "marked-secrets": _managed("Secret/redis", Managed(protected=False, secret_inputs=frozenset())),
    "offline-switches": _edit(_CHAT, (*_BOX, "env", 0, "value"), "0"),
    "model-revision": _edit(_CHAT, (*_BOX, "args", 1), "mistralai/Mistral-7B-v0.1"),
    "startup-budget": _edit(_CHAT, ("spec", "progressDeadlineSeconds"), 600),
    "drain-time": _edit(_CHAT, (*_POD, "terminationGracePeriodSeconds"), 60),
    "liveness-probe": _edit(_KEYCLOAK, (*_BOX, "livenessProbe"), REMOVED),
    "readiness-probe": _edit(_KEYCLOAK, (*_BOX, "readinessProbe"), REMOVED),
    "liveness-more-patient": _edit(_CHAT, (*_BOX, "livenessProbe", "failureThreshold"), 1),
    "replicas-spread": _edit(_KEYCLOAK, (*_POD, "topologySpreadConstraints"), REMOVED),
    "rolling-update": _edit(_KEYCLOAK, ("spec", "strategy"), {"type": "Recreate"}),
    "priority-class": _edit(_KEYCLOAK, (*_POD, "priorityClassName"), REMOVED),
    "selector-matches-template": _edit(
        _KEYCLOAK, ("spec", "selector", "matchLabels", "app"), "other"
    ),
    "no-duplicate-env": _insert(
        _CHAT, (*_BOX, "env"), {"name": "VLLM_NO_USAGE_STATS", "value": "1"}
    ),
    "no-naked-pod": _add(
        pod(),
        "llm-data",
        *(("spec", "serviceAccountName"), "qdrant-auto"),
        *(("metadata", "labels", "app.kubernetes.io/part-of"), "private-ai"),
    ),
    "pod-template": _edit(_GRANT, (*_POD, "initContainers"), "none"),
    "job-bounded": _edit(_GRANT, ("spec", "activeDeadlineSeconds"), REMOVED),
    "stable-api-version": _edit(
        "PodDisruptionBudget.policy/chat", ("apiVersion",), "policy/v1beta1"
    ),
    "custom-resource-awaited": _edit(
        "Cluster.postgresql.cnpg.io/keycloak-db", ("metadata", "annotations"), {}
    ),
    "network-policy-names-peers": _add(_policy({"ingress": [{"ports": []}]}), "llm-production"),
    "no-node-port": _edit("Service/keycloak", ("spec", "type"), "NodePort"),
    "no-load-balancer": _edit("Service/keycloak", ("spec", "type"), "LoadBalancer"),
    "no-nginx-ingress": _add(change(_SERVED, ("spec", "ingressClassName"), "nginx"), "kong"),
    "not-default-namespace": _add(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}}, "default"
    ),
    "pod-security-label": _edit(
        "Namespace/models", ("metadata", "labels", "pod-security.kubernetes.io/enforce"), "baseline"
    ),
    "recommended-labels": _edit(
        _KEYCLOAK, ("metadata", "labels", "app.kubernetes.io/part-of"), REMOVED
    ),
    "network-policy-for-every-pod": _both(
        _add(_LONE, "elsewhere"), _add(service_account(), "elsewhere")
    ),
    "default-deny": _edit(
        _DENY, ("spec", "egress"), [{"to": [{"podSelector": {"matchLabels": {"a": "b"}}}]}]
    ),
    "network-policy-selects-pods": _add(
        change(
            _policy({"policyTypes": ["Ingress"]}),
            ("spec", "podSelector"),
            {"matchLabels": {"a": "b"}},
        ),
        "llm-production",
    ),
    "no-open-egress": _add(_policy({"egress": [{"to": [_EVERYWHERE]}]}), "llm-production"),
    "route-hosts": _add(change(route(), ("spec", "hostnames"), ["*.example.org"]), "kong"),
    "inference-behind-gateway": _add(
        _policy({"ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}), "llm-production"
    ),
    "service-account-exists": _remove("ServiceAccount/keycloak"),
    "namespace-quota": _remove("LimitRange/models"),
    "gpu-capacity": _edit("ResourceQuota/models", ("spec", "hard", "requests.nvidia.com/gpu"), "1"),
    "disruption-budget-for-replicas": _remove("PodDisruptionBudget.policy/chat"),
    "disruption-budget-passable": _edit(
        "PodDisruptionBudget.policy/chat", ("spec", "maxUnavailable"), 0
    ),
    "replicas-behind-service": _edit(_KEYCLOAK, ("spec", "replicas"), 1),
    "autoscaler-sound": _add(autoscaler(), "auth"),
    "service-selects-pods": _edit("Service/keycloak", ("spec", "selector", "app"), "other"),
    "service-port-declared": _edit("Service/keycloak", ("spec", "ports", 0, "targetPort"), 9999),
    "stateful-set-service": _edit(_REDIS, ("spec", "serviceName"), "other"),
    "config-rolls-pods": _edit("Secret/redis", ("metadata", "annotations"), {}),
    "backup-declared": _remove("ScheduledBackup.postgresql.cnpg.io/nightly"),
}
