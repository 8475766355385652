"""One comment, one issue: what is there is brought to what should be, however often, by whomever.

Nothing locks a forge. Two runs may both find nothing and both create; so after each creation the
list is read again, the eldest is kept and gets the text, and the younger are deleted. A creation of
which nobody knows whether it happened is looked for the same way, and never simply repeated.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Literal, TypeVar

from base.problems import Problem
from review.forge.errors import ForgeError, GoneError, UncertainError
from review.forge.repository import Comment, Issue, Repository

Done = Literal["created", "updated", "unchanged"]
T = TypeVar("T", Comment, Issue)

_ROUNDS = 6
_LAG = 2.0
"""Seconds, doubling, until a list shows what was created: forges read from replicas."""


def keep_comment(
    repository: Repository,
    pull: int,
    mark: str,
    body: str,
    sleep: Callable[[float], None] = time.sleep,
) -> Done:
    """Leave one comment on *pull* that begins with *mark*, and *body* in it.

    Only the token's own comments count: anybody can write a mark, and edit what they wrote.
    """
    me = repository.me()

    def found() -> list[Comment]:
        return sorted(_ours(repository.comments(pull), me, mark), key=lambda c: c.id)

    def settle(first: Comment, younger: list[Comment]) -> bool:
        changed = not _same(first.body, body)
        if changed:
            repository.edit_comment(pull, first.id, body)
        for other in younger:
            with suppress(GoneError):  # another run was faster
                repository.delete_comment(pull, other.id)
        return changed

    return _one(found, lambda: repository.add_comment(pull, body), settle, sleep)


def keep_issue(
    repository: Repository,
    mark: str,
    title: str,
    body: str,
    sleep: Callable[[float], None] = time.sleep,
) -> Done:
    """Leave one open issue of ours whose text begins with *mark*, with *title* and *body*."""
    me = repository.me()

    def found() -> list[Issue]:
        return sorted(_ours(repository.issues(), me, mark), key=lambda i: i.number)

    def settle(first: Issue, younger: list[Issue]) -> bool:
        changed = first.title != title or not _same(first.body, body)
        if changed:
            repository.edit_issue(first.number, title, body)
        for other in younger:
            repository.close_issue(other.number, f"{mark}\nThe same as #{first.number}.")
        return changed

    return _one(found, lambda: repository.add_issue(title, body), settle, sleep)


def close_issues(repository: Repository, mark: str, body: str) -> int:
    """Close every open issue of ours that begins with *mark*; how many there were."""
    me = repository.me()
    ours = list(_ours(repository.issues(), me, mark))
    for issue in ours:
        repository.close_issue(issue.number, body)
    return len(ours)


def _one(
    found: Callable[[], list[T]],
    create: Callable[[], None],
    settle: Callable[[T, list[T]], bool],
    sleep: Callable[[float], None],
) -> Done:
    """Create what is not found; settle the eldest of what is, and whether the others stay."""
    created = tried = False
    for round_ in range(_ROUNDS):
        if ours := found():
            with suppress(GoneError):  # somebody deleted it since: look again
                changed = settle(ours[0], ours[1:])
                return "created" if tried else "updated" if changed else "unchanged"
            created = False
        elif created:
            sleep(_LAG * 2**round_)
        else:
            tried = True
            try:
                create()
                created = True
            except UncertainError:
                sleep(_LAG * 2**round_)
    if created:
        return "created"  # the forge said so; its list does not show it yet
    raise ForgeError(
        Problem(
            path="posting the report",
            got=f"{_ROUNDS} tries of which none left anything behind",
            allowed="what was posted to be there afterwards",
            change="look whether the forge is healthy, and run the command again",
        )
    )


def _ours(things: Iterable[T], me: str, mark: str) -> list[T]:
    return [t for t in things if t.author == me and t.body.lstrip().startswith(mark)]


def _same(before: str, after: str) -> bool:
    """Forges change line ends, and drop what is blank at the end."""
    return before.replace("\r\n", "\n").strip() == after.strip()
