"""Digests to compare plans: equal digests are equal plans.

Secrets, generated names and values that a preview cannot know are left out.
"""

import hashlib
import json
from collections.abc import Iterable

from review.changes import Change, Names
from review.report import Report, ResourceChange


def fingerprint(change: Change, names: Names) -> str:
    """sha256 of the planned operation on one resource."""
    planned = {
        "urn": change.urn,
        "op": change.op,
        "delete_first": change.delete_first,
        "replacing": sorted(change.replacing),
        "inputs": names.settled(change.after),
    }
    return sha256(planned)


def combined(resources: Iterable[ResourceChange]) -> str:
    """sha256 of the fingerprints of all changed resources, in any order."""
    return sha256(sorted((r.urn, r.fingerprint) for r in resources))


def differences(approved: Report, today: Report) -> list[str]:
    """Differences between the *approved* plan and that of *today*; empty if they are equal."""
    if approved.digest == today.digest:
        return []
    old, new = _resources(approved), _resources(today)
    found: list[str] = []
    for urn in [*old, *(urn for urn in new if urn not in old)]:
        before, after = old.get(urn), new.get(urn)
        if after is None and before is not None:
            found.append(f"{before.resource}: {before.op} was approved, and is no longer planned")
        elif before is None and after is not None:
            found.append(f"{after.resource}: {after.op} is planned, and was not approved")
        elif before is not None and after is not None and before.fingerprint != after.fingerprint:
            found.append(_difference(before, after))
    return found


def _difference(before: ResourceChange, after: ResourceChange) -> str:
    if before.op != after.op:
        return f"{after.resource}: {before.op} was approved, {after.op} is planned"
    old = {(p.path, p.after) for p in before.properties if not p.noise}
    new = {(p.path, p.after) for p in after.properties if not p.noise}
    paths = sorted({path for path, _ in old ^ new})
    where = ", ".join(paths) or "its other properties"
    return f"{after.resource}: {where} differs from the approved plan"


def _resources(report: Report) -> dict[str, ResourceChange]:
    return {r.urn: r for component in report.components for r in component.resources}


def sha256(value: object) -> str:
    """sha256 of *value* as canonical JSON."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()
