"""Forgejo's REST API, version 1, also of Gitea (templates/swagger/v1_json.tmpl)."""

from collections.abc import Callable, Iterator

from pydantic import BaseModel

from review.forge.client import Client
from review.forge.pulls_as_issues import IssueComment, PullsAsIssues, User
from review.forge.repository import Comment, Issue

_PAGE = 50
"""Default maximum page size: [api] MAX_RESPONSE_ITEMS."""


class _Issue(BaseModel):
    number: int
    title: str
    user: User | None
    body: str


class Forgejo(PullsAsIssues):
    """One repository."""

    def __init__(
        self, api: str, repository: str, token: str, sleep: Callable[[float], None]
    ) -> None:
        """*repository* as `owner/name`, below the API at *api*."""
        super().__init__(Client(api, token, sleep=sleep), repository)

    def me(self) -> str:
        """The login; `forgejo-actions` for a workflow's own token."""
        return self._client.get(User, "/user").login

    def comments(self, pull: int) -> Iterator[Comment]:
        """All comments; this API has no pages."""
        for c in self._client.get(list[IssueComment], f"{self._at}/issues/{pull}/comments"):
            yield Comment(c.id, c.user.login if c.user else "", c.body)

    def issues(self) -> Iterator[Issue]:
        """The open issues."""
        options: dict[str, str | int] = {"state": "open", "type": "issues", "limit": _PAGE}
        for i in self._client.pages(_Issue, f"{self._at}/issues", options):
            yield Issue(i.number, i.user.login if i.user else "", i.title, i.body)
