"""Protection of stored data: deletion, backups, encryption, secret state."""

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
    """Whether it certainly stores data."""
    claims = get(resource.props, "spec", "volumeClaimTemplates")
    return resource.kind != _SET or (claims is not UNKNOWN and bool(claims))


def _unprotected(resource: Resource) -> Iterator[Finding]:
    if resource.managed and not resource.managed.protected and _holds(resource):
        yield Finding("the resource option protect", "false", "true")


PROTECTED = Rule(
    "protected-data",
    "Claims, StatefulSets with claims, databases and object stores have Pulumi's `protect` option.",
    "A rename, or a change that forces a replacement, deletes the data with the object.",
    "set protect=True on the resource; waive the rule for data that can be recreated",
    _HOLDERS,
    Severity.HIGH,
    _unprotected,
    covers=("data-protected",),
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
            yield Finding("the backup", "missing", allowed, resource=cluster)


BACKUP = StackRule(
    "backup-declared",
    "A PostgreSQL cluster has a ScheduledBackup.",
    "Replicas copy a deletion within a second; only a backup can restore the data.",
    "configure spec.backup, or the backup plugin, and add a ScheduledBackup",
    frozenset({_CLUSTER}),
    Severity.HIGH,
    _unsaved,
    covers=("data-protected",),
    frameworks=(SNC_OPERATION, RGPD_32),
    also_reads=frozenset({_SCHEDULE}),
)


def _classes(resource: Resource) -> Iterator[tuple[str, Node]]:
    """Path and value of each storage class it requests."""
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
    declared = resource.facts.encrypted_classes
    for path, found in _classes(resource):
        if found is not UNKNOWN and found not in declared:
            those = f": {', '.join(sorted(declared))}" if declared else ""
            allowed = f"a class with encrypted_by in cluster.storage_classes{those}"
            yield Finding(path, shown(found), allowed, subject=str(found or "default"))


ENCRYPTED = Rule(
    "encrypted-storage",
    "Volumes use a storage class that is declared to be encrypted.",
    "A class does not show whether its disks are encrypted; a discarded disk may expose prompts.",
    "say in cluster.storage_classes of the stack's file how its disks are encrypted, such as"
    " `encrypted_by: LUKS on each disk`; waive the rule for disks that are not, and in programs"
    " without these settings",
    _HOLDERS,
    Severity.HIGH,
    _clear,
    covers=("encrypted-storage",),
    frameworks=(SNC_CRYPTO, RGPD_32),
)

_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105 - a type; the cluster fills in the value


def _unmarked(resource: Resource) -> Iterator[Finding]:
    if resource.managed is None or get(resource.props, "type") == _TOKEN:
        return
    for field in ("data", "stringData"):
        if mapping(resource.props, field) and field not in resource.managed.secret_inputs:
            yield Finding(field, "values that are not marked secret", "pulumi.Output.secret(…)")


MARKED = Rule(
    "marked-secrets",
    "The contents of a Secret are marked secret in the program.",
    "Pulumi otherwise writes them in plaintext to its state, previews and logs.",
    "wrap the value in pulumi.Output.secret, or use an output that is already secret",
    frozenset({"Secret"}),
    Severity.CRITICAL,
    _unmarked,
    covers=("marked-secrets",),
    frameworks=(SNC_CRYPTO, RGPD_32),
)

RULES = (PROTECTED, ENCRYPTED, MARKED)
STACK_RULES = (BACKUP,)
