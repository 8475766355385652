"""Fields that cannot change: what the API server, or the operator of a kind, refuses or ignores."""

from collections.abc import Iterator, Mapping
from typing import Any

from base.problems import Problem
from catalog.upgrades.differences import (
    MISSING,
    Difference,
    amount,
    below,
    differences,
    shown,
)
from catalog.upgrades.judgement import Judgement, Subject
from catalog.upgrades.table import Kind

_SET = "StatefulSet.apps"
_HOLDS_TEXT = frozenset({"Secret", "ConfigMap"})


def judge_fields(
    kind: Kind,
    subject: Subject,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    protected: bool,
) -> Iterator[Judgement]:
    """One judgement for each field of *kind* that differs and cannot, or only grows.

    Of an object that is not *protected*, what Pulumi replaces is none: it is replaced.
    """
    for each in differences(old, new):
        default = kind.defaults.get(each.field, MISSING)
        change = each._replace(
            old=default if each.old is MISSING else each.old,
            new=default if each.new is MISSING else each.new,
        )
        if change.old == change.new:
            continue
        found = _judge(kind, subject, change, old, protected=protected)
        if found:
            yield found


def _judge(
    kind: Kind, subject: Subject, change: Difference, old: Mapping[str, Any], *, protected: bool
) -> Judgement | None:
    before, after = amount(change.old), amount(change.new)
    sized = change.field in kind.grows and before is not None and after is not None
    if sized and before == after:
        return None
    if below(change.field, kind.replaced) and not protected:
        return None
    if sized:
        grows = (after or 0) > (before or 0)
        return _grown(kind, subject, change, old) if grows else _shrunk(kind, subject, change)
    if below(change.field, kind.fixed) and not below(change.field, kind.but):
        return _fixed(kind, subject, change)
    ignored = next((field for field in kind.ignored if below(change.field, [field])), None)
    return _ignored(kind, subject, change, kind.ignored[ignored]) if ignored else None


def _grown(kind: Kind, subject: Subject, change: Difference, old: Mapping[str, Any]) -> Judgement:
    expands = (
        "see that the storage class expands volumes: `kubectl get storageclass -o custom-columns="
        "NAME:.metadata.name,EXPANDS:.allowVolumeExpansion`; if not, move the data to a new object"
    )
    if subject.kind != _SET:
        problem = _problem(
            subject,
            change,
            allowed="a larger size, where the storage class expands volumes",
            change="see first that it does, then deploy",
        )
        return Judgement(problem, "steps", (expands,), kind.sources[0])
    claims = " ".join(_claims(subject, change, old))
    patch = f'{{"spec":{{"resources":{{"requests":{{"storage":"{shown(change.new)}"}}}}}}}}'
    grow = (
        f"grow the claims: `for claim in {claims}; do kubectl -n {subject.namespace} patch pvc"
        f" $claim --type merge -p '{patch}'; done`"
    )
    return Judgement(
        _problem(
            subject,
            change,
            allowed="the size that it was created with: claim templates cannot change",
            change="grow the claims by hand and let Pulumi create the StatefulSet again; its pods"
            " and claims stay",
        ),
        "refused",
        (
            expands,
            grow,
            f"`kubectl delete {subject.kubectl} --cascade=orphan`: its pods go on",
            "`pulumi up --refresh`: Pulumi finds it gone, and creates it; it adopts its pods",
        ),
        kind.sources[0],
    )


def _claims(subject: Subject, change: Difference, old: Mapping[str, Any]) -> Iterator[str]:
    """Names of the claims: template, set, number of the member."""
    template = change.path.partition("[")[2].partition("]")[0]
    spec = old.get("spec")
    replicas = spec.get("replicas", 1) if isinstance(spec, Mapping) else 1
    for member in range(int(replicas) if isinstance(replicas, int | float) else 1):
        yield f"{template}-{subject.name}-{member}"


def _shrunk(kind: Kind, subject: Subject, change: Difference) -> Judgement:
    return Judgement(
        _problem(
            subject,
            change,
            allowed=f"{shown(change.old)} or more: a volume never shrinks",
            change="keep the size; or move the data to a new object of the smaller size",
        ),
        "refused",
        (
            f"keep {shown(change.old)}",
            "or back up the data, remove the object in a change of its own, and restore",
        ),
        kind.sources[0],
    )


def _fixed(kind: Kind, subject: Subject, change: Difference) -> Judgement:
    keep = "keep the value" if subject.kind in _HOLDS_TEXT else f"keep {shown(change.old)}"
    again = tuple(step.format(kubectl=subject.kubectl) for step in kind.again)
    return Judgement(
        _problem(
            subject,
            change,
            allowed="the value that it was created with",
            change="keep it; or take the steps",
        ),
        "refused",
        (keep, *again),
        kind.sources[0],
    )


def _ignored(kind: Kind, subject: Subject, change: Difference, steps: list[str]) -> Judgement:
    return Judgement(
        _problem(
            subject,
            change,
            allowed="the value that it was created with: its operator does nothing about another",
            change="keep it; or take the steps",
        ),
        "steps",
        tuple(steps),
        kind.sources[-1],
    )


def _problem(subject: Subject, difference: Difference, *, allowed: str, change: str) -> Problem:
    old, new = (
        ("a value", "another")
        if subject.kind in _HOLDS_TEXT
        else (shown(difference.old), shown(difference.new))
    )
    return Problem(
        path=f"{subject.label}: {difference.path}",
        got=f"{new}, after {old}",
        allowed=allowed,
        change=change,
    )
