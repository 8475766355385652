"""Failures of a batch against hosts: those of one host and reason are one problem."""

from collections.abc import Iterable
from dataclasses import dataclass

from base.problems import Problem


@dataclass(frozen=True)
class Failure:
    """What one of many requests met."""

    subject: str
    """What it was for, such as the key of an image."""
    host: str
    got: str
    allowed: str
    """What was wanted of the host for this subject alone."""
    change: str
    whole_host: bool = False
    """Whether the host would answer every other request in the same way."""
    transient: bool = False
    """Whether the same request may succeed soon."""


class FailedError(Exception):
    """One request of a batch failed; the others may go on."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.got)
        self.failure = failure


def grouped(failures: Iterable[Failure], wanted: str) -> list[Problem]:
    """A problem for each host and reason; *wanted* begins what is allowed of several subjects."""
    groups: dict[tuple[str, str, str], list[Failure]] = {}
    for failure in sorted(failures, key=lambda f: f.host):
        groups.setdefault((failure.host, failure.got, failure.change), []).append(failure)
    return [_problem(group, wanted) for group in groups.values()]


def _problem(group: list[Failure], wanted: str) -> Problem:
    first = group[0]
    if len(group) == 1:
        return Problem(first.subject, first.got, first.allowed, first.change)
    subjects = ", ".join(failure.subject for failure in group)
    return Problem(first.host, first.got, f"{wanted} {len(group)}: {subjects}", first.change)
