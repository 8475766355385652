"""HTTP client of a forge: paging, rate limits, retries, and a token that is never printed."""

import logging
import socket
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
"""Total seconds that one command waits before it gives up."""
_TRIES = 8
"""Attempts per request, with pauses that double from one second."""
_LONGEST_PAUSE = 60.0
_SECONDARY = 60.0
"""Seconds to wait if a rate limit names no time: docs.github.com, rate limits for the REST API."""
_QUOTED = 300
"""Maximum characters quoted of a response."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_log = logging.getLogger(__name__)
"""Without a handler, its warnings are lines on standard error."""


class Client:
    """Requests to the API at one address with one token."""

    def __init__(
        self,
        api: str,
        token: str,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """A client of the API at URL *api*. Raises ForgeError if that lacks TLS."""
        parts = urlsplit(api)
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _LOOPBACK):
            raise ForgeError(
                Problem(
                    path="--api",
                    got=visible(api),
                    allowed="the https:// address of the forge's API",
                    change="use https, so that the token is not sent in plaintext",
                )
            )
        self._api = api.rstrip("/")
        self._token = token
        self._sleep = sleep
        self._left = _PATIENCE
        # No redirects: the token is sent only to the configured address.
        self._http = httpx.Client(
            headers={"Authorization": f"Bearer {token}", **(headers or {})},
            timeout=30,
            follow_redirects=False,
        )

    def get(self, kind: type[T], path: str, params: Mapping[str, str | int] | None = None) -> T:
        """The resource at *path*, as a *kind*."""
        return self._read(kind, path, self._call("GET", path, params=params))

    def pages(
        self, kind: type[T], path: str, params: Mapping[str, str | int], first: int = 1
    ) -> Iterator[T]:
        """The items of all pages of *path*; the Link header shows whether another page follows."""
        page = first
        while True:
            response = self._call("GET", path, params={**params, "page": page})
            yield from self._read(list[kind], path, response)
            # Only the page number is used: behind a proxy the link may name another host.
            if "next" not in response.links:
                return
            page += 1

    def post(self, kind: type[T], path: str, body: Mapping[str, Any]) -> T:
        """Create an object below *path*. Raises UncertainError if the outcome is not known."""
        return self._read(kind, path, self._call("POST", path, body=body))

    def query(self, kind: type[T], url: str, query: str) -> T:
        """The response to a read-only GraphQL *query* at *url*."""
        return self._read(kind, url, self._call("POST", url, body={"query": query}, reads=True))

    def change(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """PATCH, PUT or DELETE *path*. Raises GoneError if it does not exist."""
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
        """The response to one request, with retries."""
        url = path if path.startswith("https://") or reads else f"{self._api}{path}"
        repeatable = method != "POST" or reads
        failure = ""
        for attempt in range(_TRIES):
            try:
                response = self._http.request(method, url, params=params, json=body)
            except httpx.ConnectError as error:  # nothing was sent
                failure = self._unreached(error)
                self._pause(_backoff(attempt), method, path, failure, attempt)
                continue
            except httpx.TransportError as error:
                if not repeatable:
                    raise UncertainError from error
                failure = str(error) or type(error).__name__
                self._pause(_backoff(attempt), method, path, failure, attempt)
                continue
            if response.is_success:
                return response
            failure = self._description(response)
            if response.status_code == HTTPStatus.NOT_FOUND and method in (
                "PATCH",
                "PUT",
                "DELETE",
            ):
                raise GoneError
            pause = _retry_after(response, attempt)
            if pause is None or (response.is_server_error and not repeatable):
                if response.is_server_error:
                    raise UncertainError(failure)
                raise self._refused(method, path, failure)
            self._pause(pause, method, path, failure, attempt)
        raise self._refused(method, path, f"{failure}, {_TRIES} times")

    def _unreached(self, error: httpx.ConnectError) -> str:
        """Why no connection was made, in words. Raises ForgeError where that will not change."""
        host = urlsplit(self._api).netloc.rpartition("@")[2]
        cause = _cause(error)
        refuses = isinstance(cause, ConnectionRefusedError)
        unknown = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME
        got = f"{host} refuses the connection" if refuses else str(error) or type(error).__name__
        got = f"{host}, a name that nobody knows" if unknown else got
        if unknown or (refuses and urlsplit(self._api).hostname in _LOOPBACK):
            allowed, change = "the address of a forge's API that answers", "correct it"
            raise ForgeError(Problem("--api", self._clean(got), allowed, change))
        return got

    def _pause(self, seconds: float, method: str, path: str, failure: str, attempt: int) -> None:
        """Wait *seconds*, and say for what; not after the last attempt."""
        if attempt == _TRIES - 1:
            return
        if seconds > self._left:
            raise ForgeError(
                Problem(
                    path=f"{method} {visible(path)}",
                    got=f"{self._clean(failure)}; retry after {seconds:.0f} s",
                    allowed=f"a response within {_PATIENCE / 60:.0f} min",
                    change="run the command again after that time; nothing is posted twice",
                )
            )
        self._left -= seconds
        again = f"again in {seconds:.0f} s ({_ordinal(attempt + 2)} of {_TRIES} tries)"
        _log.warning("%s; %s", self._clean(failure), again)
        self._sleep(seconds)

    def _refused(self, method: str, path: str, failure: str) -> ForgeError:
        return ForgeError(
            Problem(
                path=f"{method} {visible(path)}",
                got=self._clean(failure),
                allowed="a successful response",
                change="check the repository and the number, and that the token can write comments"
                " and issues there (docs/how-to/pull-requests.md)",
            )
        )

    def _description(self, response: httpx.Response) -> str:
        text = " ".join(response.text.split())
        moved = response.headers.get("location", "")
        more = f" to {moved}" if response.is_redirect else f": {text[:_QUOTED]}" if text else ""
        return f"{response.status_code} {response.reason_phrase}{more}"

    def _clean(self, text: str) -> str:
        """*text* of a forge without the token, which the forge may quote."""
        return visible(text.replace(self._token, "[secret]"))

    def _read(self, kind: type[T], path: str, response: httpx.Response) -> T:
        try:
            return TypeAdapter(kind).validate_json(response.content)
        except ValidationError as error:
            wrong = ".".join(map(str, error.errors()[0]["loc"])) or "the top level"
            raise ForgeError(
                Problem(
                    path=visible(path),
                    got=f"a response with another schema, at {visible(wrong)}",
                    allowed="the JSON of the forge's API",
                    change="check --forge, and that --api is the address of its API, with the path",
                )
            ) from None


def _cause(error: BaseException) -> BaseException:
    """What *error* came from in the end: httpx and httpcore wrap the error of the socket."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _ordinal(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number, 'th') }"


def _backoff(attempt: int) -> float:
    return min(2.0**attempt, _LONGEST_PAUSE)


def _retry_after(response: httpx.Response, attempt: int) -> float | None:
    """Seconds until the next attempt; None if a retry does not help."""
    status, headers = response.status_code, response.headers
    if response.is_server_error or status == HTTPStatus.CONFLICT:
        return _after(headers) or _backoff(attempt)
    if status not in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        return None
    if (named := _after(headers)) is not None:
        return named
    if _limit(headers, "remaining") == "0" and (reset := _limit(headers, "reset")).isdigit():
        # By the clock of the forge, which may differ from this one.
        return max(0.0, float(reset) - _date(headers.get("date", ""), time.time())) + 1
    limited = status == HTTPStatus.TOO_MANY_REQUESTS or "rate limit" in response.text.lower()
    return _SECONDARY * 2**attempt if limited else None


def _after(headers: httpx.Headers) -> float | None:
    """Seconds in `Retry-After`, which is a number or a date; None if not set."""
    named = headers.get("retry-after", "")
    if named.isdigit():
        return float(named)
    now = _date(headers.get("date", ""), time.time())
    return max(0.0, _date(named, now) - now) if named else None


def _limit(headers: httpx.Headers, name: str) -> str:
    """Rate limit header: X-RateLimit-… on GitHub and Forgejo, RateLimit-… on GitLab."""
    return str(headers.get(f"x-ratelimit-{name}") or headers.get(f"ratelimit-{name}") or "")


def _date(text: str, otherwise: float) -> float:
    try:
        return parsedate_to_datetime(text).timestamp()
    except ValueError:
        return otherwise
