"""Changes that will not happen as asked: fields that cannot change, steps between versions."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from catalog.upgrades.differences import HIDDEN
from catalog.upgrades.judge import judge
from catalog.upgrades.judgement import Judgement
from review.changes import Change
from review.redact import SECRET, UNKNOWN
from review.report import Upgrade


def upgrades(changes: Iterable[Change]) -> list[Upgrade]:
    """What the tables of `catalog.upgrades` say of *changes*, refused ones first."""
    known = list(changes)
    kept = any(state.protect for change in known for state in (change.old, change.new) if state)
    found = [_upgrade(change, each) for change in known for each in _judged(change, kept=kept)]
    return sorted(found, key=lambda upgrade: upgrade.effect != "refused")


def _judged(change: Change, *, kept: bool) -> Iterator[Judgement]:
    """Judgements on *change*; *kept*: whether the stack keeps data (it is not `disposable`)."""
    if change.op not in ("update", "replace"):
        return
    protected = bool(change.old and change.old.protect and change.new and change.new.protect)
    for each in judge(
        change.kind, _visible(change.before), _visible(change.after), protected=protected
    ):
        yield replace(each, effect="steps") if each.data and not kept else each


def _upgrade(change: Change, judged: Judgement) -> Upgrade:
    return Upgrade(
        resource=change.label,
        component=change.component,
        effect=judged.effect,
        problem=judged.problem,
        steps=list(judged.steps),
        source=judged.source,
    )


def _visible(value: Any) -> Any:  # noqa: ANN401 - JSON
    """*value* with a mark where the report knows none."""
    if isinstance(value, Mapping):
        return {key: _visible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_visible(item) for item in value]
    return HIDDEN if value in (SECRET, UNKNOWN) else value
