"""A source of kind `hub`: the API of huggingface_hub, and of its mirrors."""

import json
import urllib.error
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any

from .files import File, WeightsError
from .sources import Commit, bearer, refused
from .transport import Transport

_GATED = "accept the model's license there, and give the stack a token that did"


def source(spec: Mapping[str, str], commit: Commit, transport: Transport, credential: str) -> "Hub":
    """The *commit* at the hub `endpoint`, asked with a token unless that is empty."""
    return Hub(spec["endpoint"], commit, transport, credential)


@dataclass(frozen=True)
class Hub:
    """One commit of a repository of a hub."""

    endpoint: str
    commit: Commit
    transport: Transport
    token: str

    def files(self) -> list[File]:
        """As the hub states them: the API of `model_info(revision=…, files_metadata=True)`."""
        repository, revision = self.commit.repository, self.commit.revision
        url = f"{self.endpoint}/api/models/{repository}/revision/{revision}?blobs=true"
        try:
            with self.transport.send(url, authorization=bearer(self.token)) as answer:
                info: dict[str, Any] = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise refused(self.commit, "the hub", error.code, _GATED) from None
        if info.get("sha") != revision:
            message = f"the hub gives commit {info.get('sha')} instead of {revision}"
            raise WeightsError(message)
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
        """Its content, from wherever the hub redirects to."""
        where = f"{self.commit.repository}/resolve/{self.commit.revision}"
        url = f"{self.endpoint}/{where}/{urllib.parse.quote(file.name)}"
        return self.transport.send(url, authorization=bearer(self.token), offset=offset)
