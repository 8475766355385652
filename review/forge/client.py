"""HTTP with a forge: paging, rate limits, failures, and a token that is never shown."""

import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import TypeAdapter, ValidationError

from base.problems import Problem
from review.forge.errors import ForgeError, GoneError, UncertainError
from review.wording import visible

T = TypeVar("T")

_PATIENCE = 900.0
"""Seconds that one command waits in all before it gives up."""
_TRIES = 8
"""Of one request; the pauses between them double from one second."""
_LONGEST_PAUSE = 60.0
_SECONDARY = 60.0
"""Seconds after a limit that names none: docs.github.com, rate limits for the REST API."""
_QUOTED = 300
"""Characters quoted of what the forge says."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Client:
    """Requests to the API at one address, in the name of one token."""

    def __init__(
        self,
        api: str,
        token: str,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Of the API at URL *api*. Raises ForgeError where the token would travel in clear."""
        parts = urlsplit(api)
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _LOOPBACK):
            raise ForgeError(
                Problem(
                    path="--api",
                    got=visible(api),
                    allowed="the https:// address of the forge's API",
                    change="name it with https, so that the token is not sent in clear",
                )
            )
        self._api = api.rstrip("/")
        self._token = token
        self._sleep = sleep
        self._left = _PATIENCE
        # No redirects: a token goes to the address that was named, and to no other.
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
            timeout=30,
            follow_redirects=False,
        )

    def get(self, kind: type[T], path: str, params: Mapping[str, str | int] | None = None) -> T:
        """What is at *path*, as a *kind*."""
        return self._read(kind, path, self._call("GET", path, params=params))

    def pages(
        self, kind: type[T], path: str, params: Mapping[str, str | int], first: int = 1
    ) -> Iterator[T]:
        """The items of every page of *path*; each page says by its Link whether one follows."""
        page = first
        while True:
            response = self._call("GET", path, params={**params, "page": page})
            yield from self._read(list[kind], path, response)
            # The number alone: the link itself may name another host behind a proxy.
            if "next" not in response.links:
                return
            page += 1

    def post(self, kind: type[T], path: str, body: Mapping[str, Any]) -> T:
        """Create below *path*. Raises UncertainError where nobody knows whether it was."""
        return self._read(kind, path, self._call("POST", path, body=body))

    def query(self, kind: type[T], url: str, query: str) -> T:
        """The answer to a GraphQL *query* at *url*, which only reads."""
        return self._read(kind, url, self._call("POST", url, body={"query": query}, reads=True))

    def change(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """PATCH, PUT or DELETE *path*. Raises GoneError where there is nothing."""
        self._call(method, path, body=body)

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        reads: bool = False,
    ) -> httpx.Response:
        """The answer to one request, made again as often as that helps."""
        url = path if path.startswith("https://") or reads else f"{self._api}{path}"
        repeatable = method != "POST" or reads
        said = ""
        for attempt in range(_TRIES):
            try:
                response = self._http.request(method, url, params=params, json=body)
            except httpx.ConnectError as error:  # nothing was sent
                said = str(error)
                self._pause(_backoff(attempt), method, path, said)
                continue
            except httpx.TransportError as error:
                if not repeatable:
                    raise UncertainError from error
                said = str(error) or type(error).__name__
                self._pause(_backoff(attempt), method, path, said)
                continue
            if response.is_success:
                return response
            said = self._said(response)
            if response.status_code == HTTPStatus.NOT_FOUND and method in (
                "PATCH",
                "PUT",
                "DELETE",
            ):
                raise GoneError
            pause = _wanted(response, attempt)
            if pause is None or (response.is_server_error and not repeatable):
                if response.is_server_error:
                    raise UncertainError(said)
                raise self._refused(method, path, said)
            self._pause(pause, method, path, said)
        raise self._refused(method, path, f"{said}, {_TRIES} times")

    def _pause(self, seconds: float, method: str, path: str, said: str) -> None:
        if seconds > self._left:
            raise ForgeError(
                Problem(
                    path=f"{method} {visible(path)}",
                    got=f"{self._clean(said)}; it may be asked again in {seconds:.0f} s",
                    allowed=f"an answer within {_PATIENCE / 60:.0f} min",
                    change="run the command again then; nothing is posted twice",
                )
            )
        self._left -= seconds
        self._sleep(seconds)

    def _refused(self, method: str, path: str, said: str) -> ForgeError:
        return ForgeError(
            Problem(
                path=f"{method} {visible(path)}",
                got=self._clean(said),
                allowed="a successful response",
                change="check the repository and the number, and that the token may write comments"
                " and issues there (docs/how-to/pull-requests.md)",
            )
        )

    def _said(self, response: httpx.Response) -> str:
        text = " ".join(response.text.split())
        moved = response.headers.get("location", "")
        more = f" to {moved}" if response.is_redirect else f": {text[:_QUOTED]}" if text else ""
        return f"{response.status_code} {response.reason_phrase}{more}"

    def _clean(self, text: str) -> str:
        """*text* of a forge as it may be printed: it might quote what it was sent."""
        return visible(text.replace(self._token, "[secret]"))

    def _read(self, kind: type[T], path: str, response: httpx.Response) -> T:
        try:
            return TypeAdapter(kind).validate_json(response.content)
        except ValidationError as error:
            wrong = ".".join(map(str, error.errors()[0]["loc"])) or "all of it"
            raise ForgeError(
                Problem(
                    path=visible(path),
                    got=f"an answer without the API's shape, at {visible(wrong)}",
                    allowed="the forge's own JSON",
                    change="check that --api names the API, with its path, and --forge its kind",
                )
            ) from None


def _backoff(attempt: int) -> float:
    return min(2.0**attempt, _LONGEST_PAUSE)


def _wanted(response: httpx.Response, attempt: int) -> float | None:
    """Seconds to wait before asking again; None where asking again does not help."""
    status, headers = response.status_code, response.headers
    if response.is_server_error or status == HTTPStatus.CONFLICT:
        return _after(headers) or _backoff(attempt)
    if status not in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        return None
    if (named := _after(headers)) is not None:
        return named
    if _limit(headers, "remaining") == "0" and (reset := _limit(headers, "reset")).isdigit():
        # By the forge's own clock, which need not be ours.
        return max(0.0, float(reset) - _date(headers.get("date", ""), time.time())) + 1
    limited = status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in response.text.lower()
    return _SECONDARY * 2**attempt if limited else None


def _after(headers: httpx.Headers) -> float | None:
    """Of `Retry-After`, which is a number of seconds or a date."""
    named = headers.get("retry-after", "")
    if named.isdigit():
        return float(named)
    now = _date(headers.get("date", ""), time.time())
    return max(0.0, _date(named, now) - now) if named else None


def _limit(headers: httpx.Headers, name: str) -> str:
    """GitHub and Forgejo say X-RateLimit-…, GitLab RateLimit-…."""
    return str(headers.get(f"x-ratelimit-{name}") or headers.get(f"ratelimit-{name}") or "")


def _date(text: str, otherwise: float) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return otherwise
