"""Namespaces of the stack's names that are somebody else's: found before anything changes.

The provider creates with server-side apply, which takes over what is there (pulumi-kubernetes
4.24): the default deny, the Pod Security labels and, in the end, `destroy` would hit them too.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from base.problems import Problem
from components.common.labels import PART_OF, STACK
from config.settings.platform import TIERS, PlatformSettings

Object = Mapping[str, Any]

_WORKLOADS = {
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "apis/apps/v1/namespaces/{}/daemonsets",
    "Job": "apis/batch/v1/namespaces/{}/jobs",
    "Pod": "api/v1/namespaces/{}/pods",
}
_NAMED = 5
"""Workloads that are listed by name."""


class Reader(Protocol):
    """What reads a cluster: components.cluster_reader.ClusterReader, or a test's."""

    def get(self, path: str) -> Object | None:
        """The object at *path*, or None if there is none."""
        ...

    def items(self, path: str) -> list[Object]:
        """The objects of the collection at *path*."""
        ...


def foreign_namespaces(
    cluster: Reader, settings: PlatformSettings, stack: str
) -> Iterator[Problem]:
    """A problem for each namespace that exists and that *stack* neither created nor adopts.

    Raises UnreadableError.
    """
    for tier in TIERS:
        if tier in settings.adopt_namespaces:
            continue
        name: str = getattr(settings.namespaces, tier)
        found = cluster.get(f"/api/v1/namespaces/{name}")
        if found is None or _is_own(found, stack):
            continue
        yield Problem(
            path=f"platform.namespaces.{tier}",
            got=f"{name}, which {_owner(found)}; in it: {_content(cluster, name)}",
            allowed="a name that is free, or a namespace that this stack created",
            change=f"choose another name for platform.namespaces.{tier}; or add {tier} to"
            f" platform.adopt_namespaces: {name} is then closed to all other traffic, restricted to"
            " the Pod Security Standard of the tier, and kept by `pulumi destroy`",
        )


def _is_own(namespace: Object, stack: str) -> bool:
    labels = _labels(namespace)
    # Before there was a label for the stack, a namespace said only what it is part of.
    return labels.get(PART_OF) == "private-ai" and labels.get(STACK, stack) == stack


def _owner(namespace: Object) -> str:
    labels = _labels(namespace)
    if labels.get(PART_OF) == "private-ai":
        return f"belongs to the stack {labels[STACK]}"
    shown = {k: v for k, v in labels.items() if k != "kubernetes.io/metadata.name"}
    listed = ", ".join(f"{key}={value}" for key, value in sorted(shown.items()))
    return f"this stack did not create (labels: {listed or 'none'})"


def _content(cluster: Reader, name: str) -> str:
    found = [
        f"{kind} {item['metadata']['name']}"
        for kind, path in _WORKLOADS.items()
        for item in cluster.items("/" + path.format(name))
        if not item["metadata"].get("ownerReferences")
    ]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more if found else "no workload"


def _labels(namespace: Object) -> Mapping[str, str]:
    return namespace["metadata"].get("labels") or {}
