"""What the three forges have in common: a repository with pull requests and issues."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Comment:
    """A comment on a pull request."""

    id: int
    """It grows: of two the smaller is the elder."""
    author: str
    """Of the same kind as `Repository.me`."""
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
        """Whose the token is."""
        ...

    def head(self, pull: int) -> str:
        """The commit that pull request *pull* proposes now."""
        ...

    def comments(self, pull: int) -> Iterator[Comment]:
        """All comments on *pull*."""
        ...

    def add_comment(self, pull: int, body: str) -> None:
        """Comment. Raises UncertainError where nobody knows whether that happened."""
        ...

    def edit_comment(self, pull: int, comment: int, body: str) -> None:
        """Give a comment another text. Raises GoneError."""
        ...

    def delete_comment(self, pull: int, comment: int) -> None:
        """Delete a comment. Raises GoneError."""
        ...

    def issues(self) -> Iterator[Issue]:
        """All open issues that are no pull requests."""
        ...

    def add_issue(self, title: str, body: str) -> None:
        """Open an issue. Raises UncertainError where nobody knows whether that happened."""
        ...

    def edit_issue(self, number: int, title: str, body: str) -> None:
        """Give an issue another title and text. Raises GoneError."""
        ...

    def close_issue(self, number: int, body: str) -> None:
        """Close an issue with a last text. Raises GoneError."""
        ...
