"""Reading a cluster through its API, and nothing but reading."""

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

Object = Mapping[str, Any]
_TIMEOUT_SECONDS = 15
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables"""


class UnreadableError(Exception):
    """The cluster does not answer, or refuses to show something; the text says which."""


class ForbiddenError(UnreadableError):
    """The identity may not read something; the text says what."""


class ClusterReader:
    """GET requests to one API server."""

    def __init__(self, connection: client.ApiClient) -> None:
        """Read over *connection*."""
        self.connection = connection

    def get(self, path: str, accept: str = "application/json") -> Object | None:
        """The object at *path*, or None if there is none. Raises UnreadableError."""
        request = self.connection.param_serialize(
            "GET",
            path,
            header_params={"Accept": accept},
            auth_settings=["BearerToken"],
        )
        try:
            answer = self.connection.call_api(*request, _request_timeout=_TIMEOUT_SECONDS)
            content = answer.read()
        except (ApiException, HTTPError, OSError) as error:
            raise UnreadableError(str(error)) from None
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        if answer.status != HTTPStatus.OK:
            message = f"GET {path}: {answer.status} {answer.reason}"
            forbidden = answer.status == HTTPStatus.FORBIDDEN
            raise (ForbiddenError if forbidden else UnreadableError)(message)
        return json.loads(content)

    def items(self, path: str) -> list[Object]:
        """The objects of the collection at *path*; none where its kind is unknown."""
        found = self.get(path)
        return list(found["items"] or []) if found else []

    def metadata(self, path: str) -> list[Object]:
        """The metadata alone of the objects of the collection at *path*: no Secret's content."""
        found = self.get(path, _METADATA)
        # Of nothing a list of metadata has no items, where any other has an empty list.
        return [item["metadata"] for item in (found and found["items"]) or []]


@contextmanager
def reading(context: str, kubeconfig: str | None = None) -> Generator[ClusterReader]:
    """A reader of the cluster of *context*.

    *kubeconfig* is the text of one; without it `KUBECONFIG` or ~/.kube/config, as the provider
    reads them. Raises UnreadableError without a usable one.
    """
    try:
        if kubeconfig is None:
            connection = config.new_client_from_config(context=context)
        else:
            connection = config.new_client_from_config_dict(
                yaml.safe_load(kubeconfig), context=context
            )
    except (ConfigException, OSError, yaml.YAMLError) as error:
        raise UnreadableError(str(error)) from None
    with connection:
        yield ClusterReader(connection)
