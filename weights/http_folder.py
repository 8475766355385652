"""A source of kind `http`: a web server for the folders that `pai models import` lays out."""

import urllib.error
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse

from .files import MANIFEST, File
from .sources import Commit, bearer, below, files_in, refused
from .transport import Transport


def source(
    spec: Mapping[str, str], commit: Commit, transport: Transport, credential: str
) -> "HttpFolder":
    """The *commit* below `url`, asked for with a bearer token unless that is empty."""
    return HttpFolder(spec["url"], commit, transport, credential)


@dataclass(frozen=True)
class HttpFolder:
    """The folder of one commit."""

    url: str
    commit: Commit
    transport: Transport
    token: str

    def files(self) -> list[File]:
        """As the manifest in the folder states them."""
        try:
            with self._get(MANIFEST, 0) as answer:
                manifest = answer.read()
        except urllib.error.HTTPError as error:
            raise refused(self.commit, "the mirror", error.code) from None
        return files_in(manifest, self.commit)

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its content."""
        return self._get(file.name, offset)

    def _get(self, name: str, offset: int) -> HTTPResponse:
        url = f"{self.url}/{urllib.parse.quote(below(self.commit, name))}"
        return self.transport.send(url, authorization=bearer(self.token), offset=offset)
