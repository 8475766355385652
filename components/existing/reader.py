"""What the checks of this package read a cluster with."""

from collections.abc import Mapping
from typing import Any, Protocol

Object = Mapping[str, Any]


class Reader(Protocol):
    """What reads a cluster: components.cluster_reader.ClusterReader, or a test's.

    Each method raises UnreadableError.
    """

    def get(self, path: str) -> Object | None:
        """The object at *path*, or None if there is none."""
        ...

    def items(self, path: str) -> list[Object]:
        """The objects of the collection at *path*."""
        ...

    def metadata(self, path: str) -> list[Object]:
        """The metadata alone of the objects of the collection at *path*."""
        ...
