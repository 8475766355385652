"""A source of kind `hub`: the API of huggingface_hub, and of its mirrors."""

import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from .errors import Fault, WeightsError
from .files import File
from .sources import Commit, bearer, listing_error
from .transport import CONNECTION_ERRORS, Transport

_DENIED = "accept the model's license on the hub, and give the stack a token of that account"


def source(spec: Mapping[str, str], commit: Commit, transport: Transport, credential: str) -> "Hub":
    """The *commit* at the `endpoint` of *spec*; *credential* is a token, or empty."""
    return Hub(spec["endpoint"], commit, transport, credential)


@dataclass(frozen=True)
class Hub:
    """One commit of a repository of a hub."""

    endpoint: str
    commit: Commit
    transport: Transport
    token: str

    def files(self) -> list[File]:
        """As published: the API of `model_info(revision=…, files_metadata=True)`."""
        repository, revision = self.commit.repository, self.commit.revision
        url = f"{self.endpoint}/api/models/{repository}/revision/{revision}?blobs=true"
        try:
            with self.transport.send(url, authorization=bearer(self.token)) as response:
                info: dict[str, Any] = json.loads(response.read())
        except CONNECTION_ERRORS as error:
            raise listing_error(self.commit, error, denied=_DENIED) from None
        if info.get("sha") != revision:
            got, change = f"commit {info.get('sha')} from the hub", "use a hub that has the commit"
            raise WeightsError(Fault(str(self.commit), got, f"commit {revision}", change))
        return [
            File(
                name=entry["rfilename"],
                size=entry["size"],
                sha256=(entry.get("lfs") or {}).get("sha256", ""),
                git_sha1="" if entry.get("lfs") else entry.get("blobId", ""),
            )
            for entry in info["siblings"]
        ]

    def open(self, file: File, offset: int) -> HTTPResponse:
        """Its content, from where the hub redirects to."""
        folder = f"{self.commit.repository}/resolve/{self.commit.revision}"
        url = f"{self.endpoint}/{folder}/{urllib.parse.quote(file.name)}"
        return self.transport.send(url, authorization=bearer(self.token), offset=offset)
