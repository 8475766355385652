"""HTTPS requests as a download needs them: a private CA, the environment's proxy, byte ranges."""

import http.client
import io
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

TIMEOUT_SECONDS = 60

# https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
ACCESS_DENIED = {401, 403}
_TRANSIENT = {408, 425, 429}
_SERVER_ERRORS = 500

CONNECTION_ERRORS = (OSError, http.client.HTTPException)
"""What a request, or reading its response, raises; HTTPError is an OSError."""

Body = bytes | io.BufferedIOBase


class Transport:
    """Requests over TLS, through the proxy of `HTTPS_PROXY` if that is set.

    *authority_file* contains PEM certificates to trust instead of the system's.
    """

    def __init__(self, authority_file: str = "") -> None:
        context = ssl.create_default_context(cafile=authority_file or None)
        https = urllib.request.HTTPSHandler(context=context)
        self._opener = urllib.request.build_opener(https, Redirects)

    def send(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        authorization: str = "",
        offset: int = 0,
        body: Body | None = None,
    ) -> http.client.HTTPResponse:
        """The response to a request; its content from byte *offset* on.

        Raises HTTPError for a status of 400 or more, and another OSError without a response.
        """
        request = urllib.request.Request(  # noqa: S310 - the settings allow https only
            url, data=body, headers=dict(headers or {}), method=method
        )
        if authorization:
            # Not sent to where a redirect leads (storage of someone else), but see Redirects.
            request.add_unredirected_header("Authorization", authorization)
        if offset:
            request.add_header("Range", f"bytes={offset}-")
        return self._opener.open(request, timeout=TIMEOUT_SECONDS)


class Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects: the credential stays at its origin, and TLS is never left.

    The hub redirects small files, and repositories that were renamed, to itself; those of gated
    models need the token there too (huggingface/hf-hub pull request 110).
    """

    # Short, since the state holds it three times: request, body, status, reason, headers and URL.
    def redirect_request(self, *of: Any) -> Any:  # noqa: ANN401 # pyrefly: ignore[bad-override]
        """The request to follow with; None, which makes the answer an HTTPError, without TLS."""
        old, new = (urllib.parse.urlsplit(url)[:2] for url in (of[0].full_url, of[-1]))
        if old[0] == "https" != new[0]:
            return None
        request = super().redirect_request(*of)
        sent = of[0].unredirected_hdrs.get("Authorization")
        if request and sent and old == new:
            request.add_unredirected_header("Authorization", sent)
        return request


def is_permanent(error: Exception) -> bool:
    """Whether the same request would fail with *error* again."""
    if not isinstance(error, urllib.error.HTTPError):
        return False
    return error.code < _SERVER_ERRORS and error.code not in _TRANSIENT
