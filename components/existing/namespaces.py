"""Namespaces of the stack's names that it did not create, with what is in them.

The default deny, the Pod Security labels and, in the end, `destroy` would hit all of it.
"""

from collections.abc import Iterable, Iterator

from base.problems import Problem
from components.common.labels import STACK
from components.existing.owner import is_part_of_a_stack, labels, owner
from components.existing.reader import Object, Reader
from config.settings.platform import TIERS, PlatformSettings, TierName

_CONTENT = {
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "apis/apps/v1/namespaces/{}/daemonsets",
    "Job": "apis/batch/v1/namespaces/{}/jobs",
    "Pod": "api/v1/namespaces/{}/pods",
    # Beside workloads: what would bind the stack's own pods too.
    "NetworkPolicy": "apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "ResourceQuota": "api/v1/namespaces/{}/resourcequotas",
    "LimitRange": "api/v1/namespaces/{}/limitranges",
}
_NAMED = 5
"""Objects that are listed by name."""


def foreign_namespaces(
    cluster: Reader, settings: PlatformSettings, stack: str
) -> Iterator[Problem]:
    """A problem for each namespace that exists and that *stack* may not have.

    What another stack of this product created cannot be adopted. Raises UnreadableError.
    """
    for tier, found in _existing(cluster, settings, stack, TIERS):
        name = found["metadata"]["name"]
        shared = is_part_of_a_stack(found["metadata"])
        if tier in settings.adopt_namespaces and not shared:
            continue
        if shared:
            whose = f"belongs to the stack {labels(found['metadata'])[STACK]}"
            also = ""
        else:
            whose = f"this stack did not create ({owner(found['metadata'])})"
            also = (
                f"; or add {tier} to platform.adopt_namespaces: {name} is then closed to all other"
                " traffic, restricted to the Pod Security Standard of the tier, and kept by"
                " `pulumi destroy`"
            )
        yield Problem(
            path=f"platform.namespaces.{tier}",
            got=f"Namespace {name}, which {whose}; in it: {_content(cluster, name)}",
            allowed="a name that is free, or a namespace that this stack created",
            change=f"choose another name for platform.namespaces.{tier}{also}",
        )


def takeovers(cluster: Reader, settings: PlatformSettings, stack: str) -> Iterator[str]:
    """What the first deployment takes over by `platform.adopt_namespaces`, in words.

    Raises UnreadableError.
    """
    adopted = [tier for tier in TIERS if tier in settings.adopt_namespaces]
    for _, found in _existing(cluster, settings, stack, adopted):
        if not is_part_of_a_stack(found["metadata"]):
            name = found["metadata"]["name"]
            yield (
                f"Takes over Namespace {name} ({owner(found['metadata'])}), closes it to all other"
                f" traffic and restricts it; in it: {_content(cluster, name)}"
            )


def unknown_to_state(
    cluster: Reader, settings: PlatformSettings, stack: str, tiers: Iterable[TierName]
) -> Iterator[Problem]:
    """A problem if *stack* has created namespaces of *tiers*, whose state knows none of them.

    Raises UnreadableError.
    """
    found = [
        f"{name} (being deleted)" if namespace["metadata"].get("deletionTimestamp") else name
        for tier in tiers
        if tier not in settings.adopt_namespaces
        and (namespace := cluster.get(f"/api/v1/namespaces/{getattr(settings.namespaces, tier)}"))
        and is_own(namespace, stack)
        for name in [namespace["metadata"]["name"]]
    ]
    if not found:
        return
    yield Problem(
        path=f"stack {stack}",
        got=f"a state that does not know the namespaces {', '.join(found)}, although the cluster"
        f" has them as those of the stack {stack}",
        allowed="the state that they were deployed with",
        change="use the backend that has it (PULUMI_BACKEND_URL), or restore its backup with"
        " `pulumi stack import --file BACKUP`; or, if all data in them may go, delete them with"
        " `kubectl delete namespace` and wait until they are gone; or, if a stack that adopted them"
        " has left them, name their tiers in platform.adopt_namespaces; or give this stack another"
        " name and other platform.namespaces",
    )


def _existing(
    cluster: Reader, settings: PlatformSettings, stack: str, tiers: Iterable[TierName]
) -> Iterator[tuple[TierName, Object]]:
    """The namespaces of *tiers* that exist and are not those of *stack*."""
    for tier in tiers:
        found = cluster.get(f"/api/v1/namespaces/{getattr(settings.namespaces, tier)}")
        if found is not None and not is_own(found, stack):
            yield tier, found


def is_own(namespace: Object, stack: str) -> bool:
    """Whether *stack* created *namespace*, or has adopted it."""
    # Before there was a label for the stack, a namespace said only what it is part of.
    metadata = namespace["metadata"]
    return is_part_of_a_stack(metadata) and labels(metadata).get(STACK, stack) == stack


def _content(cluster: Reader, name: str) -> str:
    found = [
        f"{kind} {item['name']}"
        for kind, path in _CONTENT.items()
        for item in cluster.metadata("/" + path.format(name))
        if not item.get("ownerReferences") and not is_part_of_a_stack(item)
    ]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more if found else "nothing that was found"
