"""A source of kind `http`: a web server for the folders that `pai models import` writes."""

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse

from .files import File
from .sources import Commit, bearer, mirror_path, mirrored_files
from .transport import Transport


def source(
    spec: Mapping[str, str], commit: Commit, transport: Transport, credential: str
) -> "HttpFolder":
    """The *commit* below the `url` of *spec*; *credential* is a bearer token, or empty."""
    return HttpFolder(spec["url"], commit, transport, credential)


@dataclass(frozen=True)
class HttpFolder:
    """The folder of one commit."""

    url: str
    commit: Commit
    transport: Transport
    token: str

    def files(self) -> list[File]:
        """Those of the manifest in the folder."""
        return mirrored_files(self.commit, self._get)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its content."""
        return self._get(file.name, offset)

    def _get(self, name: str, offset: int) -> HTTPResponse:
        url = f"{self.url}/{urllib.parse.quote(mirror_path(self.commit, name))}"
        return self.transport.send(url, authorization=bearer(self.token), offset=offset)
