"""A forge on loopback that speaks GitHub's, GitLab's and Forgejo's REST API, and can misbehave.

What it is sent and what it answers are held to the published descriptions. Every dialect works on
the same comments and issues; only their shapes, paths and paging differ.
"""

import json
import re
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from review.forges import Forge
from tests.forge.shapes import sample, wrong

TOKEN = "canary-forge-token"
REPOSITORY = "team/stack"
HEAD = "a" * 40
ME = {Forge.GITHUB: "github-actions[bot]", Forge.GITLAB: "7", Forge.FORGEJO: "forgejo-actions"}
API = {Forge.GITHUB: "/api/v3", Forge.GITLAB: "/api/v4", Forge.FORGEJO: "/api/v1"}
_SOURCE = {
    Forge.GITHUB: ("issue-comment", "issue", "pull-request"),
    Forge.GITLAB: ("Note", "Issue", "MergeRequest"),
    Forge.FORGEJO: ("Comment", "Issue", "PullRequest"),
}


@dataclass
class Thing:
    """A comment or an issue."""

    id: int
    author: str
    body: str
    title: str = ""
    open: bool = True
    pull: bool = False
    """Whether GitHub lists it among issues although it is a pull request."""


@dataclass
class Fault:
    """One misbehaviour, for the next request that it fits."""

    status: int
    """0 ends the connection without an answer."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: str = "{}"
    method: str = ""
    """Of which requests; empty: of any."""
    after: bool = False
    """Whether what was asked for is done all the same."""


@dataclass
class StandIn:
    """One repository with pull request 1, and what the forge does wrong."""

    forge: Forge
    comments: list[Thing] = field(default_factory=list[Thing])
    issues: list[Thing] = field(default_factory=list[Thing])
    faults: list[Fault] = field(default_factory=list[Fault])
    stale: int = 0
    """Lists of comments that do not show the newest one yet."""
    before_create: Callable[[], object] | None = None
    """Called once, before the first creation is carried out: what another run does meanwhile."""
    asked: list[tuple[str, str]] = field(default_factory=list[Any])
    """Method and path of each request."""
    wrong: list[str] = field(default_factory=list[str])
    """Where the client, or this stand-in, left the published description."""
    head: str = HEAD
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _next: int = 100

    @property
    def api(self) -> str:
        """The address to give with `--api`."""
        return self.url + API[self.forge]

    def add(
        self, kind: Literal["comment", "issue"], author: str, body: str, title: str = ""
    ) -> Thing:
        """Put something there."""
        with self.lock:
            self._next += 1
            thing = Thing(self._next, author, body, title)
            (self.comments if kind == "comment" else self.issues).append(thing)
            return thing

    def shown(self, thing: Thing, *, comment: bool) -> dict[str, Any]:
        """*thing* as the API has it, held to its description."""
        name = _SOURCE[self.forge][0 if comment else 1]
        shape = sample(self.forge, name, **self._known(thing, comment=comment))
        self.wrong += wrong(shape, self.forge, "schemas", name)
        return shape

    def _known(self, thing: Thing, *, comment: bool) -> dict[str, Any]:
        if self.forge is Forge.GITLAB:
            author = sample(self.forge, "User", id=int(thing.author))
            if comment:
                return {"id": thing.id, "author": author, "body": thing.body, "system": False}
            state = "opened" if thing.open else "closed"
            known = {"iid": thing.id, "author": author, "description": thing.body}
            return {**known, "title": thing.title, "state": state}
        name = "User" if self.forge is Forge.FORGEJO else "simple-user"
        user = sample(self.forge, name, login=thing.author)
        known = {"id": thing.id, "user": user, "body": thing.body}
        if comment:
            return known
        state = "open" if thing.open else "closed"
        names = ("diff_url", "html_url", "patch_url", "url")
        pull = {"pull_request": dict.fromkeys(names)} if thing.pull else {}
        return {**known, "number": thing.id, "title": thing.title, "state": state, **pull}


class _Handler(BaseHTTPRequestHandler):
    there: ClassVar[StandIn]
    protocol_version = "HTTP/1.1"
    # Else the body waits 40 ms for the acknowledgement of the headers.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_GET  # noqa: N815 - the parent's names
    do_PATCH = do_GET  # noqa: N815
    do_PUT = do_GET  # noqa: N815
    do_DELETE = do_GET  # noqa: N815

    def _answer(self) -> None:
        there = self.there
        length = int(self.headers.get("Content-Length", "0"))
        body = json.loads(self.rfile.read(length)) if length else {}
        parts = urlsplit(self.path)
        with there.lock:
            there.asked.append((self.command, self.path))
            fault = self._fault()
        if fault and not fault.after:
            self._misbehave(fault)
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._send(401, {"message": f"Bad credentials {self.headers.get('Authorization')}"})
            return
        creates = self.command == "POST" and not parts.path.endswith("/graphql")
        if creates and there.before_create:
            meanwhile, there.before_create = there.before_create, None
            meanwhile()
        with there.lock:
            status, answer, headers = self._route(parts.path, parse_qs(parts.query), body)
        if fault:
            self._misbehave(fault)
        else:
            self._send(status, answer, headers)

    def _fault(self) -> Fault | None:
        for fault in self.there.faults:
            if fault.method in ("", self.command):
                self.there.faults.remove(fault)
                return fault
        return None

    def _misbehave(self, fault: Fault) -> None:
        if not fault.status:
            self.close_connection = True
            return
        self._send(fault.status, fault.body, fault.headers)

    def _route(  # noqa: PLR0911 - a table of paths
        self, path: str, query: dict[str, list[str]], body: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        there, forge = self.there, self.there.forge
        if forge is Forge.GITHUB and path == "/api/graphql":
            return 200, {"data": {"viewer": {"login": ME[forge]}}}, {}
        if not path.startswith(API[forge] + "/"):
            return 404, {"message": "Not Found"}, {}
        path = path.removeprefix(API[forge])
        if path == "/user":
            return self._me()
        inside = "/projects/team%2Fstack" if forge is Forge.GITLAB else f"/repos/{REPOSITORY}"
        if not path.startswith(inside):
            return 404, {"message": "Not Found"}, {}
        path = unquote(path.removeprefix(inside))
        pulls = "/merge_requests/1" if forge is Forge.GITLAB else "/pulls/1"
        if path == pulls:
            return 200, self._pull(), {}
        notes = f"{pulls}/notes" if forge is Forge.GITLAB else "/issues/1/comments"
        one = notes if forge is Forge.GITLAB else "/issues/comments"
        if path == notes:
            shown = there.comments[: -1 if there.stale and self.command == "GET" else None]
            there.stale -= bool(there.stale and self.command == "GET")
            return self._collection("comment", shown, query, body)
        if found := re.fullmatch(rf"{re.escape(one)}/(\d+)", path):
            return self._one("comment", there.comments, int(found[1]), body)
        if path == "/issues":
            return self._collection("issue", [i for i in there.issues if i.open], query, body)
        if found := re.fullmatch(r"/issues/(\d+)", path):
            return self._one("issue", there.issues, int(found[1]), body)
        return 404, {"message": "Not Found"}, {}

    def _me(self) -> tuple[int, Any, dict[str, str]]:
        match self.there.forge:
            case Forge.GITHUB:  # what a workflow's own token gets
                return 403, {"message": "Resource not accessible by integration"}, {}
            case Forge.GITLAB:
                return 200, sample(Forge.GITLAB, "User", id=int(ME[Forge.GITLAB])), {}
            case Forge.FORGEJO:
                return 200, sample(Forge.FORGEJO, "User", login=ME[Forge.FORGEJO]), {}

    def _pull(self) -> dict[str, Any]:
        forge, sha = self.there.forge, self.there.head
        name = _SOURCE[forge][2]
        if forge is Forge.GITLAB:
            shape = sample(forge, name, sha=sha)
        else:
            shape = sample(forge, name, head={"sha": sha, "ref": "topic"})
        self.there.wrong += wrong(shape, forge, "schemas", name)
        return shape

    def _collection(
        self,
        kind: Literal["comment", "issue"],
        things: list[Thing],
        query: dict[str, list[str]],
        body: dict[str, Any],
    ) -> tuple[int, Any, dict[str, str]]:
        there = self.there
        if self.command == "POST":
            there.wrong += wrong(body, there.forge, "requests", f"POST {kind}")
            text = body["description"] if self._described(kind) else body["body"]
            made = there.add(kind, ME[there.forge], text, body.get("title", ""))
            return 201, there.shown(made, comment=kind == "comment"), {}
        if there.forge is Forge.GITLAB and kind == "comment" and query.get("sort") != ["asc"]:
            things = sorted(things, key=lambda thing: -thing.id)
        if there.forge is Forge.FORGEJO and kind == "comment":  # the API has no pages here
            return 200, [there.shown(t, comment=True) for t in things], {}
        size = int((query.get("per_page") or query.get("limit") or ["20"])[0])
        page = int(query.get("page", ["1"])[0])
        size = min(size, 50 if there.forge is Forge.FORGEJO else 100)
        part = things[(page - 1) * size : page * size]
        links = {}
        if page * size < len(things):
            # Behind a proxy it may name the forge as others know it.
            address = f"https://elsewhere.test{self.path.partition('?')[0]}?page={page + 1}"
            links = {"Link": f'<{address}>; rel="next", <{address}>; rel="last"'}
        return 200, [there.shown(t, comment=kind == "comment") for t in part], links

    def _one(
        self, kind: Literal["comment", "issue"], things: list[Thing], id_: int, body: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        there = self.there
        thing = next((t for t in things if t.id == id_), None)
        if thing is None:
            return 404, {"message": "Not Found"}, {}
        if self.command == "DELETE":
            things.remove(thing)
            return 204, None, {}
        there.wrong += wrong(body, there.forge, "requests", f"{self.command} {kind}")
        thing.body = body["description" if self._described(kind) else "body"]
        thing.title = body.get("title", thing.title)
        closed = body.get("state") == "closed" or body.get("state_event") == "close"
        thing.open = thing.open and not closed
        return 200, there.shown(thing, comment=kind == "comment"), {}

    def _described(self, kind: str) -> bool:
        return self.there.forge is Forge.GITLAB and kind == "issue"

    def _send(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        text = answer if isinstance(answer, str) else "" if answer is None else json.dumps(answer)
        content = text.encode()
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        pass


@contextmanager
def serving(there: StandIn) -> Generator[StandIn]:
    """Let *there* answer at its `url`; gone with the block."""
    handler = type("Handler", (_Handler,), {"there": there})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    there.url = f"http://127.0.0.1:{server.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        # Every client of httpx reads all public authorities anew, for this one without TLS as well.
        patch.setattr(ssl, "create_default_context", _read_once)
        try:
            yield there
        finally:
            server.shutdown()
            server.server_close()


_read_once = cache(ssl.create_default_context)
