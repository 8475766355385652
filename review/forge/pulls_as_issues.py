"""Common parts of the REST APIs of GitHub and Forgejo, where a pull request is an issue."""

from pydantic import BaseModel

from review.forge.client import Client


class User(BaseModel):
    """An account."""

    login: str


class IssueComment(BaseModel):
    """A comment on a pull request's conversation."""

    id: int
    user: User | None
    """None for a deleted account."""
    body: str = ""


class _Created(BaseModel):
    id: int


class _Commit(BaseModel):
    sha: str


class _Pull(BaseModel):
    head: _Commit


class PullsAsIssues:
    """One repository, without its lists, whose paging differs per forge."""

    def __init__(self, client: Client, repository: str) -> None:
        """*repository* as `owner/name`, below the API of *client*."""
        self._client = client
        self._at = f"/repos/{repository}"

    def head(self, pull: int) -> str:
        """The commit that *pull* proposes."""
        return self._client.get(_Pull, f"{self._at}/pulls/{pull}").head.sha

    def add_comment(self, pull: int, body: str) -> None:
        """Add a comment."""
        self._client.post(_Created, f"{self._at}/issues/{pull}/comments", {"body": body})

    def edit_comment(self, pull: int, comment: int, body: str) -> None:  # noqa: ARG002 - of the protocol
        """Replace the text of a comment."""
        self._client.change("PATCH", f"{self._at}/issues/comments/{comment}", {"body": body})

    def delete_comment(self, pull: int, comment: int) -> None:  # noqa: ARG002 - of the protocol
        """Delete a comment."""
        self._client.change("DELETE", f"{self._at}/issues/comments/{comment}")

    def add_issue(self, title: str, body: str) -> None:
        """Open an issue."""
        self._client.post(_Created, f"{self._at}/issues", {"title": title, "body": body})

    def edit_issue(self, number: int, title: str, body: str) -> None:
        """Replace title and text of an issue."""
        self._client.change("PATCH", f"{self._at}/issues/{number}", {"title": title, "body": body})

    def close_issue(self, number: int, body: str) -> None:
        """Close an issue."""
        self._client.change(
            "PATCH", f"{self._at}/issues/{number}", {"state": "closed", "body": body}
        )
