"""A minimal client of the Kubernetes API, for the simulation itself.

Not the `kubernetes` package: importing that takes longer than the API server takes to start.
"""

import json
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

Object = dict[str, Any]


class ConflictError(Exception):
    """The object already exists or has changed since it was read (409)."""


class RefusedError(Exception):
    """The API server rejected the request, for the reason in the text."""


class Api:
    """A client of one API server, with an administrator's certificate."""

    def __init__(self, server: str, tls: Path) -> None:
        """Connect to the URL *server*; *tls* is a folder written by `sim.pki.write_pki`."""
        context = ssl.create_default_context(cafile=str(tls / "ca.crt"))
        context.load_cert_chain(str(tls / "admin.crt"), str(tls / "admin.key"))
        # trust_env: a proxy from the environment cannot reach this machine's loopback address.
        self._http = httpx.Client(base_url=server, verify=context, timeout=30, trust_env=False)

    def ready(self) -> bool:
        """Whether the server answers /readyz with 200."""
        try:
            return self._http.get("/readyz").status_code == HTTPStatus.OK
        except httpx.TransportError:
            return False

    def get(self, path: str) -> Object | None:
        """The object at *path*, or None if it does not exist."""
        response = self._http.get(path)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        return _content(response)

    def items(self, path: str, selector: str = "") -> list[Object]:
        """The objects of the collection at *path* that match the label *selector*."""
        params = {"labelSelector": selector} if selector else {}
        content = _content(self._http.get(path, params=params))
        items: list[Object] = content["items"]
        return items

    def create(self, path: str, content: Object | bytes) -> Object:
        """Create an object, given as a mapping or as YAML, in the collection at *path*."""
        kind = "application/yaml" if isinstance(content, bytes) else "application/json"
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return _content(self._http.post(path, content=body, headers={"Content-Type": kind}))

    def apply(self, path: str, content: Object, manager: str) -> Object:
        """Server-side apply of *content* to the object at *path*, as field manager *manager*.

        Raises RefusedError, for an unknown field among other reasons.
        """
        response = self._http.patch(
            path,
            content=json.dumps(content).encode(),
            params={"fieldManager": manager, "force": "true", "fieldValidation": "Strict"},
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        return _content(response)

    def merge(self, path: str, content: Object) -> Object:
        """JSON merge patch of the object at *path*."""
        response = self._http.patch(
            path,
            content=json.dumps(content).encode(),
            headers={"Content-Type": "application/merge-patch+json"},
        )
        return _content(response)

    def delete(self, path: str) -> None:
        """Delete the object at *path*, if it exists."""
        response = self._http.delete(path)
        if response.status_code != HTTPStatus.NOT_FOUND:
            _content(response)

    def watch(self, path: str, selector: str = "") -> Iterator[Object]:
        """Yield every object of the collection at *path*, then each one again when it changes.

        Ends when the server closes the watch, every few minutes; then call it again.
        """
        params = {"watch": "true", "timeoutSeconds": "240"}
        if selector:
            params["labelSelector"] = selector
        with self._http.stream("GET", path, params=params, timeout=300) as response:
            if response.is_error:
                response.read()
                _content(response)
            for line in response.iter_lines():
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["object"]


def _content(response: httpx.Response) -> Object:
    if response.status_code == HTTPStatus.CONFLICT:
        raise ConflictError(response.json().get("message", ""))
    if response.is_error:
        request = response.request
        try:
            reason = response.json()["message"]
        except (ValueError, KeyError):  # not a Status: the handlers have not started yet
            reason = response.text
        message = f"{request.method} {request.url.path}: {reason}"
        raise RefusedError(message)
    content: Object = response.json()
    return content
