"""GitHub's REST API, and GitHub Enterprise Server's.

github/rest-api-description, version 2022-11-28. A pull request is an issue there: its comments are
issue comments.
"""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from pydantic import BaseModel

from review.forge.client import Client
from review.forge.repository import Comment, Issue

PUBLIC_API = "https://api.github.com"
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_PAGE = 100
"""The most that a page holds."""


class _User(BaseModel):
    login: str


class _Comment(BaseModel):
    id: int
    user: _User | None
    """None for an account that is gone."""
    body: str = ""


class _Issue(BaseModel):
    number: int
    title: str
    user: _User | None
    body: str | None = None
    pull_request: object = None


class _Created(BaseModel):
    id: int


class _Commit(BaseModel):
    sha: str


class _Pull(BaseModel):
    head: _Commit


class _Viewer(BaseModel):
    viewer: _User


class _Data(BaseModel):
    data: _Viewer


class GitHub:
    """One repository."""

    def __init__(
        self, api: str, repository: str, token: str, sleep: Callable[[float], None]
    ) -> None:
        """*repository* as `owner/name`, below the API at *api*."""
        self._client = Client(api, token, _HEADERS, sleep)
        self._at = f"/repos/{repository}"
        self._graphql = graphql_of(api)

    def me(self) -> str:
        """The login. GraphQL: a workflow's own token may not read `GET /user`."""
        return self._client.query(_Data, self._graphql, "{ viewer { login } }").data.viewer.login

    def head(self, pull: int) -> str:
        """The commit that *pull* proposes."""
        return self._client.get(_Pull, f"{self._at}/pulls/{pull}").head.sha

    def comments(self, pull: int) -> Iterator[Comment]:
        """The comments of the conversation, not those on lines."""
        path = f"{self._at}/issues/{pull}/comments"
        for c in self._client.pages(_Comment, path, {"per_page": _PAGE}):
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
        """The open issues; GitHub lists pull requests among them."""
        options: dict[str, str | int] = {"state": "open", "per_page": _PAGE}
        for i in self._client.pages(_Issue, f"{self._at}/issues", options):
            if i.pull_request is None:
                yield Issue(i.number, i.user.login if i.user else "", i.title, i.body or "")

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


def graphql_of(api: str) -> str:
    """Beside the REST API: `/graphql` on github.com, `/api/graphql` of an Enterprise Server."""
    parts = urlsplit(api)
    path = parts.path.rstrip("/").removesuffix("/v3") + "/graphql"
    return f"{parts.scheme}://{parts.netloc}{path}"
