"""GitLab's REST API, version 4.

docs.gitlab.com/api/notes, /merge_requests, /issues: a comment is a note, a pull request a merge
request, and both are numbered within their project.
"""

from collections.abc import Callable, Iterator
from urllib.parse import quote

from pydantic import BaseModel

from review.forge.client import Client
from review.forge.repository import Comment, Issue

PUBLIC_API = "https://gitlab.com/api/v4"
_PAGE = 100
"""Maximum page size: docs.gitlab.com/api/rest, pagination."""


class _User(BaseModel):
    id: int


class _Note(BaseModel):
    id: int
    author: _User
    body: str
    system: bool = False
    """Written by GitLab itself, such as `added 1 commit`."""


class _Issue(BaseModel):
    iid: int
    title: str
    author: _User
    description: str | None = None


class _Created(BaseModel):
    id: int


class _Merge(BaseModel):
    sha: str


class GitLab:
    """One project."""

    def __init__(
        self, api: str, repository: str, token: str, sleep: Callable[[float], None]
    ) -> None:
        """*repository* as its full path, `group/subgroup/name`, below the API at *api*."""
        self._client = Client(api, token, sleep=sleep)
        self._at = f"/projects/{quote(repository, safe='')}"

    def me(self) -> str:
        """The user id; for a project access token, that of its bot user."""
        return str(self._client.get(_User, "/user").id)

    def head(self, pull: int) -> str:
        """The commit that *pull* proposes."""
        return self._client.get(_Merge, f"{self._at}/merge_requests/{pull}").sha

    def comments(self, pull: int) -> Iterator[Comment]:
        """Notes by users, without those of GitLab itself."""
        # Oldest first: notes added meanwhile do not shift later pages.
        options: dict[str, str | int] = {
            "sort": "asc",
            "order_by": "created_at",
            "per_page": _PAGE,
        }
        for note in self._client.pages(_Note, self._notes(pull), options):
            if not note.system:
                yield Comment(note.id, str(note.author.id), note.body)

    def add_comment(self, pull: int, body: str) -> None:
        """Add a comment."""
        self._client.post(_Created, self._notes(pull), {"body": body})

    def edit_comment(self, pull: int, comment: int, body: str) -> None:
        """Replace the text of a comment."""
        self._client.change("PUT", f"{self._notes(pull)}/{comment}", {"body": body})

    def delete_comment(self, pull: int, comment: int) -> None:
        """Delete a comment."""
        self._client.change("DELETE", f"{self._notes(pull)}/{comment}")

    def issues(self) -> Iterator[Issue]:
        """The open issues."""
        options: dict[str, str | int] = {"state": "opened", "scope": "all", "per_page": _PAGE}
        for i in self._client.pages(_Issue, f"{self._at}/issues", options):
            yield Issue(i.iid, str(i.author.id), i.title, i.description or "")

    def add_issue(self, title: str, body: str) -> None:
        """Open an issue."""
        self._client.post(_Created, f"{self._at}/issues", {"title": title, "description": body})

    def edit_issue(self, number: int, title: str, body: str) -> None:
        """Replace title and text of an issue."""
        self._client.change(
            "PUT", f"{self._at}/issues/{number}", {"title": title, "description": body}
        )

    def close_issue(self, number: int, body: str) -> None:
        """Close an issue."""
        self._client.change(
            "PUT", f"{self._at}/issues/{number}", {"state_event": "close", "description": body}
        )

    def _notes(self, pull: int) -> str:
        return f"{self._at}/merge_requests/{pull}/notes"
