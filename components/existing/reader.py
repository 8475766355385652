"""What the checks of this package read a cluster with."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from components.cluster_reader import ForbiddenError

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


@dataclass
class Permitted:
    """A reader to which what its identity may not read is as if it were not there.

    CI previews with a role that reads the kinds of the stack alone, and no Secret.
    """

    reader: Reader
    hidden: list[str] = field(default_factory=list[str])
    """Paths that may not be read."""

    def get(self, path: str) -> Object | None:
        """The object at *path*, or None."""
        with self._noting(path):
            return self.reader.get(path)
        return None

    def items(self, path: str) -> list[Object]:
        """The objects of the collection at *path*."""
        with self._noting(path):
            return self.reader.items(path)
        return []

    def metadata(self, path: str) -> list[Object]:
        """The metadata alone of the objects of the collection at *path*."""
        with self._noting(path):
            return self.reader.metadata(path)
        return []

    @contextmanager
    def _noting(self, path: str) -> Generator[None]:
        try:
            yield
        except ForbiddenError:
            self.hidden.append(path)
