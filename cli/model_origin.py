"""Where `pai` itself reads models from: the public hub, or the model store of a stack."""

import os
import urllib.parse
from collections.abc import Generator
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import Final

from base.problems import Problem
from cli.errors import UsageError
from cli.model_mirrors import login
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


@contextmanager
def authority_file(authority: str | None) -> Generator[str]:
    """A file with the certificates *authority*, PEM; empty for the system's."""
    if authority is None:
        yield ""
        return
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(authority)
        file.flush()
        yield file.name


def credential(source: Source) -> str:
    """What *source* asks for, from the environment or `docker login`; empty without it."""
    given = os.environ.get(_CREDENTIAL, "")
    if given:
        return given
    if isinstance(source, S3Source):
        access, secret = (
            os.environ.get(name, "") for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        )
        return f"{access}:{secret}" if access and secret else ""
    return login(source.registry) if isinstance(source, OciSource) else ""
