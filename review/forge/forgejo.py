"""Forgejo's REST API, version 1, which is Gitea's too (templates/swagger/v1_json.tmpl)."""

from collections.abc import Callable, Iterator

from pydantic import BaseModel

from review.forge.client import Client
from review.forge.repository import Comment, Issue

_PAGE = 50
"""The most that a page holds unless the site says otherwise: [api] MAX_RESPONSE_ITEMS."""


class _User(BaseModel):
    login: str


class _Comment(BaseModel):
    id: int
    user: _User | None
    body: str


class _Issue(BaseModel):
    number: int
    title: str
    user: _User | None
    body: str


class _Created(BaseModel):
    id: int


class _Commit(BaseModel):
    sha: str


class _Pull(BaseModel):
    head: _Commit


class Forgejo:
    """One repository."""

    def __init__(
        self, api: str, repository: str, token: str, sleep: Callable[[float], None]
    ) -> None:
        """*repository* as `owner/name`, below the API at *api*."""
        self._client = Client(api, token, sleep=sleep)
        self._at = f"/repos/{repository}"

    def me(self) -> str:
        """The login; `forgejo-actions` for a workflow's own token."""
        return self._client.get(_User, "/user").login

    def head(self, pull: int) -> str:
        """The commit that *pull* proposes."""
        return self._client.get(_Pull, f"{self._at}/pulls/{pull}").head.sha

    def comments(self, pull: int) -> Iterator[Comment]:
        """The comments: all of them at once, the API has no pages here."""
        for c in self._client.get(list[_Comment], f"{self._at}/issues/{pull}/comments"):
            yield Comment(c.id, c.user.login if c.user else "", c.body)

    def add_comment(self, pull: int, body: str) -> None:
        """Comment."""
        self._client.post(_Created, f"{self._at}/issues/{pull}/comments", {"body": body})

    def edit_comment(self, pull: int, comment: int, body: str) -> None:  # noqa: ARG002 - of the protocol
        """Give a comment another text."""
        self._client.change("PATCH", f"{self._at}/issues/comments/{comment}", {"body": body})

    def delete_comment(self, pull: int, comment: int) -> None:  # noqa: ARG002 - of the protocol
        """Delete a comment."""
        self._client.change("DELETE", f"{self._at}/issues/comments/{comment}")

    def issues(self) -> Iterator[Issue]:
        """The open issues."""
        options: dict[str, str | int] = {"state": "open", "type": "issues", "limit": _PAGE}
        for i in self._client.pages(_Issue, f"{self._at}/issues", options):
            yield Issue(i.number, i.user.login if i.user else "", i.title, i.body)

    def add_issue(self, title: str, body: str) -> None:
        """Open an issue."""
        self._client.post(_Created, f"{self._at}/issues", {"title": title, "body": body})

    def edit_issue(self, number: int, title: str, body: str) -> None:
        """Give an issue another title and text."""
        self._client.change("PATCH", f"{self._at}/issues/{number}", {"title": title, "body": body})

    def close_issue(self, number: int, body: str) -> None:
        """Close an issue."""
        self._client.change(
            "PATCH", f"{self._at}/issues/{number}", {"state": "closed", "body": body}
        )
