"""Data that must not be lost, or read by whoever finds the disk."""

from collections.abc import Iterator, Sequence

from policies.rules.frameworks import RGPD_32, SNC_CRYPTO, SNC_OPERATION
from policies.rules.model import UNKNOWN, Finding, Node, Resource, Rule, Severity, StackRule
from policies.rules.pods import OPERATED
from policies.rules.reading import (
    entries,
    every,
    get,
    label,
    mapping,
    name,
    namespace,
    same,
    shown,
)

_CLAIM, _SET = "PersistentVolumeClaim", "StatefulSet.apps"
_CLUSTER, _TENANT = "Cluster.postgresql.cnpg.io", "Tenant.minio.min.io"
_SCHEDULE = "ScheduledBackup.postgresql.cnpg.io"
_HOLDERS = frozenset({_CLAIM, _SET}) | frozenset(OPERATED)


def _holds(resource: Resource) -> bool:
    """Whether it does, for certain."""
    claims = get(resource.props, "spec", "volumeClaimTemplates")
    return resource.kind != _SET or (claims is not UNKNOWN and bool(claims))


def _unprotected(resource: Resource) -> Iterator[Finding]:
    if resource.managed and not resource.managed.protected and _holds(resource):
        yield Finding("the resource option protect", "false", "true")


PROTECTED = Rule(
    "protected-data",
    "What holds data is protected in Pulumi: claims, StatefulSets with claims, databases, stores.",
    "A rename, or a change that forces a replacement, deletes the data with the object.",
    "set protect=True on the resource; waive it for what can be made again",
    _HOLDERS,
    Severity.HIGH,
    _unprotected,
    rows=(70,),
    frameworks=(SNC_OPERATION, RGPD_32),
)


def _unsaved(resources: Sequence[Resource]) -> Iterator[Finding]:
    schedules = [r for r in resources if r.kind == _SCHEDULE]
    for cluster in resources:
        if cluster.kind != _CLUSTER:
            continue
        of_it = (
            every(
                [
                    same(get(s.props, "spec", "cluster", "name"), name(cluster)),
                    same(namespace(s), namespace(cluster)),
                ]
            )
            for s in schedules
        )
        if all(decision is False for decision in of_it):
            allowed = "a ScheduledBackup of the cluster"
            yield Finding("the backup", "nothing", allowed, resource=cluster)


BACKUP = StackRule(
    "backup-declared",
    "A PostgreSQL cluster has a ScheduledBackup.",
    "Replicas copy a mistake within a second; only a backup remembers what was there.",
    "configure spec.backup, or the backup plugin, and add a ScheduledBackup",
    frozenset({_CLUSTER}),
    Severity.HIGH,
    _unsaved,
    rows=(70,),
    frameworks=(SNC_OPERATION, RGPD_32),
    beside=frozenset({_SCHEDULE}),
)


def _classes(resource: Resource) -> Iterator[tuple[str, Node]]:
    """Path and value of each storage class that it asks for."""
    spec = get(resource.props, "spec")
    if resource.kind == _CLAIM:
        yield "spec.storageClassName", get(spec, "storageClassName")
    elif resource.kind == _SET:
        for i, claim in entries(spec, "volumeClaimTemplates"):
            named = get(claim, "metadata")
            path = f"spec.volumeClaimTemplates[{label(named, i)}].spec.storageClassName"
            yield path, get(claim, "spec", "storageClassName")
    elif resource.kind == _CLUSTER:
        yield "spec.storage.storageClass", get(spec, "storage", "storageClass")
    else:
        for i, pool in entries(spec, "pools"):
            path = f"spec.pools[{label(pool, i)}].volumeClaimTemplate.spec.storageClassName"
            yield path, get(pool, "volumeClaimTemplate", "spec", "storageClassName")


def _clear(resource: Resource) -> Iterator[Finding]:
    for path, found in _classes(resource):
        if found is not UNKNOWN:
            allowed = "a class that the waivers declare encrypted"
            yield Finding(path, shown(found), allowed, subject=str(found or "default"))


ENCRYPTED = Rule(
    "encrypted-storage",
    "Volumes are of a storage class that somebody declares to be encrypted.",
    "A class says nothing of its disks; documents and prompts are read from one that is replaced.",
    "declare the class with a waiver of this rule: subjects, who answers for it, and until when",
    _HOLDERS,
    Severity.HIGH,
    _clear,
    rows=(71,),
    frameworks=(SNC_CRYPTO, RGPD_32),
)

_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type, filled in by the cluster


def _unmarked(resource: Resource) -> Iterator[Finding]:
    if resource.managed is None or get(resource.props, "type") == _TOKEN:
        return
    for field in ("data", "stringData"):
        if mapping(resource.props, field) and field not in resource.managed.marked:
            yield Finding(field, "values that are not marked secret", "pulumi.Output.secret(…)")


MARKED = Rule(
    "marked-secrets",
    "The contents of a Secret are marked secret in the program.",
    "Pulumi otherwise writes them in clear into its state, its previews and its logs.",
    "wrap the value in pulumi.Output.secret, or read it from a resource that marks it",
    frozenset({"Secret"}),
    Severity.CRITICAL,
    _unmarked,
    rows=(72,),
    frameworks=(SNC_CRYPTO, RGPD_32),
)

RULES = (PROTECTED, ENCRYPTED, MARKED)
STACK_RULES = (BACKUP,)
