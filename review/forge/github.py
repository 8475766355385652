"""GitHub's REST API, and GitHub Enterprise Server's.

github/rest-api-description, version 2022-11-28. A pull request is an issue there: its comments are
issue comments.
"""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from pydantic import BaseModel

from review.forge.client import Client
from review.forge.pulls_as_issues import IssueComment, PullsAsIssues, User
from review.forge.repository import Comment, Issue

PUBLIC_API = "https://api.github.com"
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_PAGE = 100
"""Maximum page size."""


class _Issue(BaseModel):
    number: int
    title: str
    user: User | None
    body: str | None = None
    pull_request: object = None


class _Viewer(BaseModel):
    viewer: User


class _Data(BaseModel):
    data: _Viewer


class GitHub(PullsAsIssues):
    """One repository."""

    def __init__(
        self, api: str, repository: str, token: str, sleep: Callable[[float], None]
    ) -> None:
        """*repository* as `owner/name`, below the API at *api*."""
        super().__init__(Client(api, token, _HEADERS, sleep), repository)
        self._graphql = graphql_of(api)

    def me(self) -> str:
        """The login, by GraphQL: a workflow's own token may not read `GET /user`."""
        return self._client.query(_Data, self._graphql, "{ viewer { login } }").data.viewer.login

    def comments(self, pull: int) -> Iterator[Comment]:
        """Comments of the conversation, without those on lines."""
        path = f"{self._at}/issues/{pull}/comments"
        for c in self._client.pages(IssueComment, path, {"per_page": _PAGE}):
            yield Comment(c.id, c.user.login if c.user else "", c.body)

    def issues(self) -> Iterator[Issue]:
        """The open issues; GitHub lists pull requests among them."""
        options: dict[str, str | int] = {"state": "open", "per_page": _PAGE}
        for i in self._client.pages(_Issue, f"{self._at}/issues", options):
            if i.pull_request is None:
                yield Issue(i.number, i.user.login if i.user else "", i.title, i.body or "")


def graphql_of(api: str) -> str:
    """The GraphQL URL: `/graphql` on github.com, `/api/graphql` on an Enterprise Server."""
    parts = urlsplit(api)
    path = parts.path.rstrip("/").removesuffix("/v3") + "/graphql"
    return f"{parts.scheme}://{parts.netloc}{path}"
