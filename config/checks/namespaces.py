"""Checks that each tier has a namespace of its own, which the stack may close."""

from collections.abc import Iterator
from typing import Final

from base.problems import Problem
from config.settings.node_sources import ClusterApiNodes
from config.stack import StackConfig

_CLUSTERS_OWN: Final = {
    "default": "the cluster's own",
    "cnpg-system": "CloudNativePG's",
    "minio-operator": "the MinIO operator's",
    "keda": "KEDA's",
}
"""Owners of namespaces that every cluster of the stack has. All traffic to a tier is denied, and
what is not admitted there would stop: the cluster's DNS, the operators' webhooks."""
_RESERVED: Final = "kube-"
"""Prefix that Kubernetes keeps for itself
(https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/)."""


def namespace_problems(config: StackConfig) -> Iterator[Problem]:
    """Every tier in a namespace of another tier, of the cluster, or of an operator."""
    owners = {**_CLUSTERS_OWN, **dict(_operators(config))}
    first: dict[str, str] = {}
    for tier, namespace in config.platform.namespaces.model_dump().items():
        path = f"platform.namespaces.{tier}"
        owner = "Kubernetes' own" if namespace.startswith(_RESERVED) else owners.get(namespace)
        if owner:
            yield Problem(
                path,
                namespace,
                f"a namespace that the stack creates and closes; {namespace} is {owner}",
                f"Change {path}.",
            )
        elif namespace in first:
            yield Problem(
                path,
                namespace,
                f"a namespace of its own; that of tier {first[namespace]} has another quota,"
                " security standard and NetworkPolicies",
                f"Change {path} or platform.namespaces.{first[namespace]}.",
            )
        first.setdefault(namespace, tier)


def _operators(config: StackConfig) -> Iterator[tuple[str, str]]:
    for name, pool in config.pools.items():
        if pool.operator == "already-there":
            yield pool.operator_namespace, f"the GPU operator's (pools.{name}.operator_namespace)"
        if isinstance(pool.nodes_from, ClusterApiNodes):
            yield pool.nodes_from.namespace, f"Cluster API's (pools.{name}.nodes_from.namespace)"
