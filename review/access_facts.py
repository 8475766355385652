"""Facts about access, and like ones in one row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from review.changes import Change
from review.report import REACHES, Opening, OpeningKind, Reach

_STACK = "stack"
"""Component of what no object says."""


@dataclass(frozen=True)
class Fact:
    """Somebody may do something."""

    reach: Reach
    what: OpeningKind
    who: str
    may: str


@dataclass
class Facts:
    """The facts of a stack, each with the objects and components that say so."""

    said_by: dict[Fact, set[tuple[str, str]]] = field(
        default_factory=dict[Fact, set[tuple[str, str]]]
    )

    def add(self, facts: Iterable[Fact], change: Change | None) -> None:
        """Add what the object of *change* says; None: what the stack's outputs say."""
        by = {(change.label, change.component)} if change else {("", _STACK)}
        for fact in facts:
            self.said_by.setdefault(fact, set()).update(by)

    def without(self, other: "Facts") -> Mapping[Fact, set[tuple[str, str]]]:
        """Those that *other* lacks."""
        return {fact: by for fact, by in self.said_by.items() if fact not in other.said_by}


def grouped(
    facts: Mapping[Fact, set[tuple[str, str]]], op: Literal["opened", "closed"]
) -> list[Opening]:
    """A row for all who may do the same, the widest reach first.

    Two steps: who may do one thing are gathered (five download Jobs that reach one host); then the
    things that the same ones may do (Prometheus, which reaches every part).
    """
    doers: dict[tuple[Reach, OpeningKind, str], set[str]] = {}
    for fact in facts:
        doers.setdefault((fact.reach, fact.what, fact.may), set()).add(fact.who)
    rows: dict[tuple[Reach, OpeningKind, frozenset[str]], set[str]] = {}
    for (reach, what, may), who in doers.items():
        rows.setdefault((reach, what, frozenset(who)), set()).add(may)
    found = [_opening(op, reach, what, who, may, facts) for (reach, what, who), may in rows.items()]
    return sorted(found, key=lambda o: (REACHES.index(o.reach), o.what, o.who, o.may))


def _opening(  # noqa: PLR0917 - the parts of a row
    op: Literal["opened", "closed"],
    reach: Reach,
    what: OpeningKind,
    who: frozenset[str],
    may: set[str],
    facts: Mapping[Fact, set[tuple[str, str]]],
) -> Opening:
    by = [facts[Fact(reach, what, one, thing)] for one in who for thing in may]
    return Opening(
        op=op,
        what=what,
        reach=reach,
        who=sorted(who),
        may=sorted(may),
        resources=sorted({label for found in by for label, _ in found if label}),
        components=sorted({component for found in by for _, component in found}),
    )
