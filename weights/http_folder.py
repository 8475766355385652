"""A source of kind `http`: a web server for the folders that `pai models import` writes."""

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse

from .files import MANIFEST, File
from .sources import Commit, bearer, listing_error, manifest_files, mirror_path
from .transport import CONNECTION_ERRORS, Transport


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
        try:
            with self._get(MANIFEST, 0) as response:
                manifest = response.read()
        except CONNECTION_ERRORS as error:
            raise listing_error(self.commit, error) from None
        return manifest_files(manifest, self.commit)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its content."""
        return self._get(file.name, offset)

    def _get(self, name: str, offset: int) -> HTTPResponse:
        url = f"{self.url}/{urllib.parse.quote(mirror_path(self.commit, name))}"
        return self.transport.send(url, authorization=bearer(self.token), offset=offset)
