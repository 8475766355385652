"""A model that the catalog lacks, from the hub or a stack's mirror: its files' headers alone."""

import json
import os
import re
import urllib.error
import urllib.parse
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Final, NamedTuple, NoReturn

from base.problems import Problem
from catalog.models import ModelSpec
from cli.credentials import authority_file
from cli.errors import CommandError, UsageError
from cli.model_mirrors import stack_config
from cli.model_origin import COMMIT_DIGITS, HUB, check_https, credential
from config.settings.model_store import HubSource
from sizing.hf_config import model_from_config
from sizing.hf_fields import ConfigUnreadableError
from sizing.safetensors import PREFIX, HeaderError, header_length, tensor_bytes
from weights.files import File
from weights.hub import Hub
from weights.sources import Commit, Source, bearer, source
from weights.transport import Transport

_CONFIG: Final = "config.json"
_INDEX: Final = "model.safetensors.index.json"
_QUANTIZATION: Final = "hf_quant_config.json"
_LARGEST_JSON: Final = 64 * 10**6
_AT_ONCE: Final = 8
"""Headers that are read at once."""


class Place(NamedTuple):
    """Where the command line says a model is."""

    endpoint: str | None
    stack: str
    revision: str

    @property
    def explicit(self) -> bool:
        """Whether it names a commit or a store, which the catalog's figures are not of."""
        return bool(self.stack or self.revision)


def from_hub(name: str, place: Place) -> ModelSpec:
    """The model of the repository *name*: its config.json, and the bytes that its weights take.

    Raises ProblemError where it cannot be read, or cannot be sized.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name) or ".." in name:
        _refuse("MODEL", name, "ORGANIZATION/NAME", "check the name")
    with _reading(name, place) as reader:
        config = reader.json(_CONFIG)
        if config is None:
            _refuse(name, f"no {_CONFIG}", "a repository of a model of transformers", "check it")
        quantization = reader.json(_QUANTIZATION)
        stored = reader.stored_bytes()
    index = {"metadata": {"total_size": stored}} if stored else None
    try:
        spec = model_from_config(config, name, index, quantization)
    except ConfigUnreadableError as error:
        head = str(error).partition("\n")[0]
        if stored:
            head += f". Its weights are {stored / 1e9:.1f} GB as stored; what follows is missing"
        raise UsageError(*error.problems, head=head) from None
    return spec


class _Reader:
    """The files of one commit."""

    def __init__(self, commit: Source, files: Mapping[str, File]) -> None:
        self._commit = commit
        self._files = files

    def json(self, name: str) -> dict[str, Any] | None:
        """The object in the file *name*; None where there is no such file."""
        file = self._files.get(name)
        if file is None:
            return None
        if file.size > _LARGEST_JSON:
            _refuse(name, f"{file.size} bytes", f"{_LARGEST_JSON} at most", "check the repository")
        try:
            content: object = json.loads(self._bytes(file, 0, file.size))
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            _refuse(name, "no JSON object", "a JSON object", "check the repository")
        return content

    def stored_bytes(self) -> int:
        """Bytes of all tensors of the weights, from the files' headers; 0 without safetensors."""
        index = self.json(_INDEX) or {}
        mapped = index.get("weight_map")
        names = set(mapped.values()) if isinstance(mapped, dict) else {"model.safetensors"}
        shards = [self._files[name] for name in sorted(map(str, names)) if name in self._files]
        if not shards or len(shards) != len(names):
            return 0
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return sum(pool.map(self._tensor_bytes, shards))

    def _tensor_bytes(self, file: File) -> int:
        try:
            length = header_length(self._bytes(file, 0, PREFIX))
            return tensor_bytes(self._bytes(file, PREFIX, length))
        except HeaderError as error:
            _refuse(file.name, str(error), "a safetensors file", "check the repository")

    def _bytes(self, file: File, start: int, length: int) -> bytes:
        """Part of *file*; only that is transferred where the server knows ranges."""
        with self._open(file, start, start + length - 1) as answer:
            skipped = start if answer.status == HTTPStatus.OK else 0  # it knows no ranges
            return answer.read(skipped + length)[skipped:]

    def _open(self, file: File, first: int, last: int) -> HTTPResponse:
        if not isinstance(self._commit, Hub):
            return self._commit.open(file, first)
        hub, commit = self._commit, self._commit.commit
        folder = f"{hub.endpoint}/{commit.repository}/resolve/{commit.revision}"
        answer = hub.transport.send(
            f"{folder}/{urllib.parse.quote(file.name)}",
            {"Range": f"bytes={first}-{last}"},
            authorization=bearer(hub.token),
        )
        check_https(answer.url)  # of what it redirected to
        return answer


@contextmanager
def _reading(name: str, place: Place) -> Generator[_Reader]:
    """The files of the commit, at the hub or in the stack's store; every failure as a problem."""
    try:
        store = stack_config(place.stack).model_store if place.stack else None
        with authority_file(store.authority if store else None) as authority:
            commit = _commit(name, place, authority)
            yield _Reader(commit, {file.name: file for file in commit.files()})
    except urllib.error.HTTPError as error:
        _fail(name, f"an answer {error.code}", "set HF_TOKEN if it needs one; check the name")
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        reason = str(getattr(error, "reason", error)).splitlines()[:1]
        change = "check the network, or pass --endpoint of a mirror, --stack or --config"
        _fail(name, reason[0] if reason else type(error).__name__, change)


def _commit(name: str, place: Place, authority: str) -> Source:
    token = os.environ.get("HF_TOKEN", "")
    stored = stack_config(place.stack).model_store.source if place.stack else None
    if stored is None or isinstance(stored, HubSource):
        endpoint = (stored.endpoint if stored else place.endpoint or HUB).rstrip("/")
        check_https(endpoint)
        transport = Transport(authority)
        revision = _resolved(transport, endpoint, name, place.revision or "main", token)
        return Hub(endpoint, Commit(name, revision), transport, token)
    if not re.fullmatch(COMMIT_DIGITS, place.revision):
        allowed = "the 40-hex commit that was imported: a mirror has no branches"
        _refuse("--revision", place.revision or "nothing", allowed, "pass it")
    spec = {key: str(value) for key, value in stored.model_dump(mode="json").items()}
    return source(spec, Commit(name, place.revision), authority, credential(stored))


def _resolved(transport: Transport, endpoint: str, name: str, revision: str, token: str) -> str:
    """The commit that *revision* of the repository is now."""
    quoted = urllib.parse.quote(revision, safe="")
    url = f"{endpoint}/api/models/{name}/revision/{quoted}"
    with transport.send(url, authorization=bearer(token)) as answer:
        sha = json.loads(answer.read(_LARGEST_JSON)).get("sha")
    if not isinstance(sha, str) or not re.fullmatch(COMMIT_DIGITS, sha):
        _refuse(name, f"commit {sha}", "a commit of 40 hexadecimal digits", "check the hub")
    return sha


def _refuse(path: str, got: str, allowed: str, change: str) -> NoReturn:
    raise UsageError(Problem(path, got, allowed, change)) from None


def _fail(path: str, got: str, change: str) -> NoReturn:
    allowed = "a model that the hub serves; or a key of `pai models list`"
    raise CommandError(Problem(path, got, allowed, change)) from None
