"""Objects in a namespace of others that have a name which the stack's own objects need.

In a namespace that the stack created nothing else has a name; in one that it has adopted, or that
is an operator's, and cluster-wide, each fixed name is looked up. Some names are not the program's
but of what a controller creates for one of its objects.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pulumi import ResourceTransformationArgs

from base.problems import Problem
from components.common.component import Component
from components.existing.owner import is_part_of_a_stack, labels, owner
from components.existing.reader import Object, Reader
from config.settings.platform import TIERS, PlatformSettings

_PREFIX = "kubernetes:"


@dataclass(frozen=True, order=True)
class Named:
    """An object of the program with a fixed name."""

    api_version: str
    kind: str
    namespace: str
    """Empty: it is cluster-wide."""
    name: str


@dataclass
class FixedNames:
    """Every object with a fixed name, as the program constructs it: a transformation."""

    settings: PlatformSettings
    found: list[Named] = field(default_factory=list[Named])

    def __call__(self, asked: ResourceTransformationArgs) -> None:
        """Note the object, if its name is fixed. Namespaces are foreign_namespaces' own."""
        metadata = cast("Mapping[str, Any]", asked.props.get("metadata") or {})
        if not asked.type_.startswith(_PREFIX) or "name" not in metadata:
            return
        api_version, kind = asked.type_.removeprefix(_PREFIX).rsplit(":", 1)
        if kind == "Namespace":
            return
        namespace = metadata.get("namespace", "")
        if not isinstance(namespace, str):
            parent = asked.opts.parent
            if not isinstance(parent, Component) or namespace is not parent.tier.namespace:
                message = f"{kind} {metadata['name']}: a fixed name in a namespace not known"
                raise TypeError(message)
            namespace = getattr(self.settings.namespaces, parent.tier.name)
        name = Named(api_version.removeprefix("core/"), kind, namespace, metadata["name"])
        self.found.append(name)


_Claim = tuple[str, str, str]
"""`apiVersion` and kind of an object, and a regular expression of its name."""

_CREATED: Mapping[str, tuple[_Claim, ...]] = {
    # https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-storage
    "StatefulSet": (("v1", "PersistentVolumeClaim", r".+-{}-\d+"),),
    # MinIO's operator 7.1.1, pkg/apis/minio.min.io/v2/names.go.
    "Tenant": (
        ("v1", "Service", r"minio|{}-hl|{}-console"),
        ("apps/v1", "StatefulSet", r"{}-.+"),
        ("v1", "PersistentVolumeClaim", r".+-{}-.+-\d+"),
    ),
    # CloudNativePG 1.27.0, api/v1/cluster_types.go.
    "Cluster": (
        ("v1", "Service", r"{}-(rw|ro|r|any)"),
        ("v1", "Secret", r"{}-(ca|server|replication|app|superuser)"),
        ("v1", "PersistentVolumeClaim", r"{}-\d+(-wal)?"),
    ),
    # LeaderWorkerSet 0.8.0, pkg/controllers/: leaderworkerset_controller.go:194 and :760, and
    # pod_controller.go:392 for the pods beside a leader.
    "LeaderWorkerSet": (("v1", "Service", r"{}"), ("apps/v1", "StatefulSet", r"{}(-\d+)?")),
}
"""What the controller of a kind creates for an object of it, whose name stands for `{}`."""
_MARKS: Mapping[str, str] = {
    "Tenant": "v1.min.io/tenant",
    "Cluster": "cnpg.io/cluster",
    "LeaderWorkerSet": "leaderworkerset.sigs.k8s.io/name",
}
"""Label by which its controller knows the objects that it created, by kind; its value is the name.

A StatefulSet's claims carry the labels of its selector.
"""


def clashes(
    cluster: Reader, named: Iterable[Named], settings: PlatformSettings
) -> Iterator[Problem]:
    """A problem for each object that has a name of *named* and is not the stack's.

    Raises UnreadableError.
    """
    tiers = {getattr(settings.namespaces, tier): tier for tier in TIERS}
    own = {name for name, tier in tiers.items() if tier not in settings.adopt_namespaces}
    there = _Collections(cluster)
    for each in sorted(set(named)):
        if each.namespace in own:
            continue
        for api_version, kind, names in _claims(each):
            for found in there.list(api_version, kind, each.namespace):
                if not re.fullmatch(names, found["name"]) or _is_own(found, each):
                    continue
                itself = (kind, found["name"]) == (each.kind, each.name)
                needed = "" if itself else f"; the {each.kind} {each.name} needs its name"
                tier = tiers.get(each.namespace)
                place = f"{each.namespace}/" if each.namespace else ""
                another = f"; or choose another name for platform.namespaces.{tier}" if tier else ""
                yield Problem(
                    path=f"platform.namespaces.{tier}" if tier else f"{each.kind} {each.name}",
                    got=f"{kind} {place}{found['name']}, which this stack did not create"
                    f" ({owner(found)}){needed}",
                    allowed="no object of others with a name of the stack's own, which it would"
                    " take over",
                    change=f"remove the {kind}, or give it another name{another}",
                )


def _claims(each: Named) -> Iterator[_Claim]:
    yield each.api_version, each.kind, re.escape(each.name)
    for api_version, kind, names in _CREATED.get(each.kind, ()):
        yield api_version, kind, names.replace("{}", re.escape(each.name))


def _is_own(found: Object, each: Named) -> bool:
    owners: Collection[Object] = found.get("ownerReferences") or []
    return (
        is_part_of_a_stack(found)
        or any((o["kind"], o["name"]) == (each.kind, each.name) for o in owners)
        or labels(found).get(_MARKS.get(each.kind, "")) == each.name
    )


@dataclass
class _Collections:
    """Collections of the cluster, each read once and as metadata alone."""

    cluster: Reader
    plurals: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    read: dict[str, list[Object]] = field(default_factory=dict[str, list[Object]])

    def list(self, api_version: str, kind: str, namespace: str) -> list[Object]:
        """The metadata of all objects of a kind; none where it is not served."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if root not in self.plurals:
            served = (self.cluster.get(root) or {}).get("resources") or []
            # Subresources, `pods/exec`, have kinds too.
            self.plurals[root] = {r["kind"]: r["name"] for r in served if "/" not in r["name"]}
        plural = self.plurals[root].get(kind)
        if plural is None:
            return []
        path = f"{root}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{plural}"
        if path not in self.read:
            self.read[path] = self.cluster.metadata(path)
        return self.read[path]
