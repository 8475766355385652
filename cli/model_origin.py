"""Where `pai` itself reads models from: the public hub, or the model store of a stack."""

import os
import urllib.parse
from typing import Final

from base.problems import Problem
from cli.credentials import bucket_keys, login
from cli.errors import UsageError
from config.settings.model_store import OciSource, S3Source, Source

HUB: Final = "https://huggingface.co"
COMMIT_DIGITS: Final = r"[0-9a-f]{40}"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_CREDENTIAL: Final = "PAI_MODEL_STORE_CREDENTIAL"


def check_https(endpoint: str) -> None:
    """Refuse an *endpoint* that is neither HTTPS nor on this machine. Raises UsageError."""
    url = urllib.parse.urlsplit(endpoint)
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _LOOPBACK):
        allowed = "a URL that begins with https://"
        raise UsageError(Problem("--endpoint", endpoint, allowed, "use HTTPS"))


def credential(source: Source) -> str:
    """What *source* asks for, from the environment or `docker login`; empty without it."""
    given = os.environ.get(_CREDENTIAL, "")
    if given:
        return given
    if isinstance(source, S3Source):
        return bucket_keys()
    return login(source.registry) if isinstance(source, OciSource) else ""
