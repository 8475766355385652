"""The common interface of the forges: a repository with pull requests and issues."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Comment:
    """A comment on a pull request."""

    id: int
    """Increases over time: the smaller of two is the older."""
    author: str
    """In the format of `Repository.me`."""
    body: str


@dataclass(frozen=True)
class Issue:
    """An open issue."""

    number: int
    author: str
    title: str
    body: str


class Repository(Protocol):
    """A repository as its forge's API shows it. Every method may raise ForgeError."""

    def me(self) -> str:
        """The account of the token."""
        ...

    def head(self, pull: int) -> str:
        """The commit that pull request *pull* proposes now."""
        ...

    def comments(self, pull: int) -> Iterator[Comment]:
        """All comments on *pull*."""
        ...

    def add_comment(self, pull: int, body: str) -> None:
        """Add a comment. Raises UncertainError if the outcome is not known."""
        ...

    def edit_comment(self, pull: int, comment: int, body: str) -> None:
        """Replace the text of a comment. Raises GoneError."""
        ...

    def delete_comment(self, pull: int, comment: int) -> None:
        """Delete a comment. Raises GoneError."""
        ...

    def issues(self) -> Iterator[Issue]:
        """All open issues, without pull requests."""
        ...

    def add_issue(self, title: str, body: str) -> None:
        """Open an issue. Raises UncertainError if the outcome is not known."""
        ...

    def edit_issue(self, number: int, title: str, body: str) -> None:
        """Replace title and text of an issue. Raises GoneError."""
        ...

    def close_issue(self, number: int, body: str) -> None:
        """Close an issue with a last text. Raises GoneError."""
        ...
