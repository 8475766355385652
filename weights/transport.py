"""HTTP as a download needs it: one authority, the environment's proxy, ranges."""

import http.client
import io
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping

TIMEOUT_SECONDS = 60

# https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
REFUSALS = {401, 403}
_PASSING = {408, 425, 429}
_SERVER_ERRORS = 500

Body = bytes | io.BufferedIOBase


class Transport:
    """Requests over TLS, through the proxy of `HTTPS_PROXY` where that is set.

    *authority_file* is of PEM certificates, which are then trusted instead of the system's.
    """

    def __init__(self, authority_file: str = "") -> None:
        context = ssl.create_default_context(cafile=authority_file or None)
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))

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
        """The answer to a request; its content from byte *offset* on.

        Raises HTTPError for an answer of 400 or more, and OSError when there is none.
        """
        request = urllib.request.Request(  # noqa: S310 - the settings allow https only
            url, data=body, headers=dict(headers or {}), method=method
        )
        if authorization:
            # Not passed on when it redirects to where the bytes are, which is someone else.
            request.add_unredirected_header("Authorization", authorization)
        if offset:
            request.add_header("Range", f"bytes={offset}-")
        return self._opener.open(request, timeout=TIMEOUT_SECONDS)


def is_final(error: Exception) -> bool:
    """Whether the same request would be answered with *error* again."""
    if not isinstance(error, urllib.error.HTTPError):
        return False
    return error.code < _SERVER_ERRORS and error.code not in _PASSING
