"""Create or update one comment or issue per stack, safely with concurrent runs.

Forges have no locks, so two runs may both find nothing and both create. After each creation the
list is therefore read again: the oldest entry is kept and gets the text, newer ones are deleted. If
the outcome of a creation is not known, the list is read before any retry.
"""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Literal, TypeVar

from base.problems import Problem
from review.forge.errors import ForgeError, GoneError, UncertainError
from review.forge.repository import Comment, Issue, Repository

Outcome = Literal["created", "updated", "unchanged"]
T = TypeVar("T", Comment, Issue)

_ROUNDS = 6
_log = logging.getLogger(__name__)
"""Without a handler, its warnings are lines on standard error."""
_LAG = 2.0
"""Seconds, doubling, to wait for a created entry to be listed: forges read from replicas."""


def upsert_comment(
    repository: Repository,
    pull: int,
    mark: str,
    body: str,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Make *body* the only comment on *pull* that starts with *mark*.

    Only comments of the token's account count: other users could copy the mark.
    """
    me = repository.me()

    def found() -> list[Comment]:
        return sorted(_own(repository.comments(pull), me, mark), key=lambda c: c.id)

    def settle(first: Comment, newer: list[Comment]) -> bool:
        changed = not _same(first.body, body)
        if changed:
            repository.edit_comment(pull, first.id, body)
        for other in newer:
            with suppress(GoneError):  # a concurrent run deleted it
                repository.delete_comment(pull, other.id)
        return changed

    return _upsert(found, lambda: repository.add_comment(pull, body), settle, sleep)


def upsert_issue(
    repository: Repository,
    mark: str,
    title: str,
    body: str,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Make *title* and *body* the only open issue of the account that starts with *mark*."""
    me = repository.me()

    def found() -> list[Issue]:
        return sorted(_own(repository.issues(), me, mark), key=lambda i: i.number)

    def settle(first: Issue, newer: list[Issue]) -> bool:
        changed = first.title != title or not _same(first.body, body)
        if changed:
            repository.edit_issue(first.number, title, body)
        for other in newer:
            repository.close_issue(other.number, f"{mark}\nDuplicate of #{first.number}.")
        return changed

    return _upsert(found, lambda: repository.add_issue(title, body), settle, sleep)


def close_issues(repository: Repository, mark: str, body: str) -> int:
    """Close all open issues of the account that start with *mark*; returns their number."""
    me = repository.me()
    own = list(_own(repository.issues(), me, mark))
    for issue in own:
        repository.close_issue(issue.number, body)
    return len(own)


def _upsert(
    found: Callable[[], list[T]],
    create: Callable[[], None],
    settle: Callable[[T, list[T]], bool],
    sleep: Callable[[float], None],
) -> Outcome:
    """Create an entry if none is found; else update the oldest and remove the others."""
    created = tried = False
    for round_ in range(_ROUNDS):
        if own := found():
            with suppress(GoneError):  # deleted meanwhile: read the list again
                changed = settle(own[0], own[1:])
                return "created" if tried else "updated" if changed else "unchanged"
            created = False
        elif created:
            _wait(_LAG * 2**round_, "posted, and not listed yet", sleep)
        else:
            tried = True
            try:
                create()
                created = True
            except UncertainError:
                _wait(_LAG * 2**round_, "no answer to what was posted", sleep)
    if created:
        return "created"  # confirmed by the forge, but not listed yet
    raise ForgeError(
        Problem(
            path="posting to the forge",
            got=f"no entry after {_ROUNDS} attempts",
            allowed="an entry that is listed after it was posted",
            change="check the status of the forge, and run the command again",
        )
    )


def _wait(seconds: float, why: str, sleep: Callable[[float], None]) -> None:
    _log.warning("%s; the forge is asked again in %.0f s", why, seconds)
    sleep(seconds)


def _own(things: Iterable[T], me: str, mark: str) -> list[T]:
    return [t for t in things if t.author == me and t.body.lstrip().startswith(mark)]


def _same(before: str, after: str) -> bool:
    """Whether two texts are equal; forges change line ends and trim trailing blanks."""
    return before.replace("\r\n", "\n").strip() == after.strip()
