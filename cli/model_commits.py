"""The commit that a hub or a mirror has of a model, and the SHA-256 of its files."""

import json
import re
import time
import urllib.error
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Final, NoReturn, Protocol

from cli.bucket_upload import send
from cli.failures import FailedError, Failure
from cli.model_origin import COMMIT_DIGITS
from config.settings.model_store import HttpSource, HubSource, S3Source
from config.settings.model_store import Source as Store
from weights import oci, s3
from weights.errors import Fault, TransientError, WeightsError
from weights.files import CHUNK, Digests, File, FileSelection, select_files
from weights.hub import Hub
from weights.sources import Commit, Source, bearer, source
from weights.transport import CONNECTION_ERRORS, Transport

_LARGEST_ANSWER: Final = 64 * 10**6
_LARGEST_SMALL: Final = 64 * 10**6
"""Bytes of a file that is read to compute its SHA-256. A hub states that of every larger one: what
is not in LFS has at most 10 MB there (https://huggingface.co/docs/hub/repositories-settings)."""
_PATIENCE: Final = 60
"""Seconds; a hub that asks for a longer pause is not waited for."""
_ATTEMPTS: Final = 5
_DIGITS: Final = re.compile(COMMIT_DIGITS)


class NotFoundError(FailedError):
    """A source does not give what was asked of it."""


@dataclass(frozen=True)
class Wanted:
    """A model of which the commit is asked for."""

    repository: str
    revision: str
    """A branch, tag or commit; empty: the newest of a hub, the only one of a mirror."""
    known: str
    """The commit that the stack or the catalog names; empty without."""
    selection: FileSelection


@dataclass(frozen=True)
class Pinned:
    """A commit, and its files as they are to be downloaded."""

    repository: str
    revision: str
    files: tuple[File, ...]
    """Each with its SHA-256."""
    renamed: str = ""
    """What the hub calls the repository now, if not that."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


class Origin(Protocol):
    """A hub or a mirror."""

    host: str

    def pin(self, wanted: Wanted) -> Pinned:
        """The commit of *wanted*. Raises NotFoundError."""
        ...


class HubOrigin:
    """A hub, with the API of huggingface_hub."""

    def __init__(
        self, endpoint: str, transport: Transport, token: str, say: Callable[[str], None]
    ) -> None:
        self._endpoint, self._transport, self._token, self._say = endpoint, transport, token, say
        self.host = urllib.parse.urlsplit(endpoint).netloc

    def pin(self, wanted: Wanted) -> Pinned:
        """The commit that the revision, or `main`, is now, by one request of its API.

        `HfApi.model_info(revision=…, files_metadata=True)`: hf_api.py:3201 of huggingface_hub 2.4.
        """
        repository, revision = wanted.repository, wanted.revision or "main"
        quoted = urllib.parse.quote(revision, safe="")
        url = f"{self._endpoint}/api/models/{repository}/revision/{quoted}?blobs=true"
        try:
            info = self._asked(url)
            sha = str(info["sha"])
            named = str(info.get("id") or repository)
            listed = [_file(entry) for entry in info["siblings"]]
        except urllib.error.HTTPError as error:
            self._refused(wanted, error)
        except (*CONNECTION_ERRORS, ValueError, LookupError, TypeError, AttributeError) as error:
            _unreachable(wanted, self.host, error)
        if not _DIGITS.fullmatch(sha):
            _fail(wanted, self.host, f"commit {sha!r}", "Use a hub with the API of huggingface_hub")
        hub = Hub(self._endpoint, Commit(repository, sha), self._transport, self._token)
        files = _with_sha256(wanted, self.host, hub, listed)
        return Pinned(repository, sha, files, "" if named == repository else named)

    def _asked(self, url: str) -> dict[str, Any]:
        """The answer; waited for where the hub limits the rate of requests."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._transport.send(url, authorization=bearer(self._token)) as answer:
                    return json.loads(answer.read(_LARGEST_ANSWER))
            except urllib.error.HTTPError as error:
                pause = _pause(error.headers)
                limited = error.code == HTTPStatus.TOO_MANY_REQUESTS
                if not limited or pause > _PATIENCE or attempt == _ATTEMPTS:
                    raise
                self._say(
                    f"{self.host} limits the rate of requests; asking again in {pause} s"
                    f" ({attempt} of {_ATTEMPTS - 1})"
                )
                time.sleep(pause)
        raise AssertionError

    def _refused(self, wanted: Wanted, error: urllib.error.HTTPError) -> NoReturn:
        """Fail with what *error* means, by hf_raise_for_status (utils/_http.py:870-975)."""
        code, repository = error.headers.get("X-Error-Code", ""), wanted.repository
        whole_host = False
        if code == "GatedRepo":
            got = f"HTTP {error.code}: {repository} is gated by a license"
            change = (
                f"Accept it at {self._endpoint}/{repository}, then set HF_TOKEN to a token of that"
                " account; the stack needs it too: pulumi config set --secret hub-token"
            )
        elif code == "RevisionNotFound":
            got = f"no revision {wanted.revision or 'main'} of {repository}"
            change = "Correct --revision: a branch, a tag, or a commit of the repository"
        elif error.code == HTTPStatus.TOO_MANY_REQUESTS:
            got = f"HTTP 429: a limit of requests, for another {_pause(error.headers)} s"
            change = "Run the command again then; HF_TOKEN raises the limit of the hub"
            whole_host = True
        elif error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            got, change = f"HTTP {error.code}", "Run the command again later"
        else:
            got = f"HTTP {error.code}: {repository} does not exist, or is not shown to this token"
            change = "Check the name; set HF_TOKEN to a token that may read it if it is private"
        _fail(wanted, self.host, got, change, whole_host=whole_host)


class MirrorOrigin:
    """A mirror that `pai models import` filled: a bucket, a registry, or a web server."""

    def __init__(self, store: Store, authority: str, credential: str) -> None:
        if isinstance(store, HubSource):
            raise TypeError(store)
        self._store, self._authority, self._credential = store, authority, credential
        self._spec = {key: str(value) for key, value in store.model_dump(mode="json").items()}
        url = {"http": "url", "s3": "endpoint", "oci": "registry"}[store.kind]
        self.host = urllib.parse.urlsplit(self._spec[url]).netloc

    def pin(self, wanted: Wanted) -> Pinned:
        """The commit that is asked for or known, or else the only one that was imported."""
        revision = wanted.revision or wanted.known
        try:
            revision = revision or self._only(wanted)
            if not _DIGITS.fullmatch(revision):
                change = "Pass the commit as --revision: a mirror has no branches"
                _fail(wanted, self.host, f"--revision {revision}", change)
            commit = Commit(wanted.repository, revision)
            found: Source = source(self._spec, commit, self._authority, self._credential)
            listed = found.files()
        except WeightsError as error:
            [fault, *_] = error.faults
            got = re.sub("<urlopen error (.*)>", r"\1", fault.got)
            change = f"{fault.change}; `pai models import` fills the mirror"
            everywhere = isinstance(error, TransientError)
            _fail(wanted, self.host, got, change, whole_host=everywhere)
        except (HTTPException, OSError, ValueError, LookupError, TypeError) as error:
            _unreachable(wanted, self.host, error)
        return Pinned(wanted.repository, revision, _with_sha256(wanted, self.host, found, listed))

    def _only(self, wanted: Wanted) -> str:
        """The one commit that the mirror has."""
        if isinstance(self._store, HttpSource):
            change = "Pass the commit as --revision: a web server lists none"
            _fail(wanted, self.host, "no commit to ask for", change)
        commits = self._commits(wanted.repository)
        if len(commits) != 1:
            got = f"{len(commits)} commits of {wanted.repository}"
            change = "Import it with `pai models import`"
            if commits:
                got, change = f"{got}: {', '.join(commits)}", "Pass one of them as --revision"
            _fail(wanted, self.host, got, change)
        return commits[0]

    def _commits(self, repository: str) -> Sequence[str]:
        transport = Transport(self._authority)
        if isinstance(self._store, S3Source):
            folder = "/".join(part for part in (self._store.prefix, repository, "") if part)
            if not folder.endswith("/"):
                folder += "/"
            bucket = s3.S3Location.of({**self._spec, "prefix": ""}, self._credential)
            query = {"list-type": "2", "delimiter": "/", "prefix": folder}
            with send(transport, bucket, "", method="GET", query=query) as answer:
                text = answer.read(_LARGEST_ANSWER).decode()
            return sorted(set(re.findall(f"<Prefix>[^<]*/({COMMIT_DIGITS})/</Prefix>", text)))
        name = oci.repository_name(self._spec["prefix"], repository)
        registry = oci.Registry(self._spec["registry"], name, transport, self._credential)
        try:
            with registry.send("tags/list") as answer:
                tags = json.loads(answer.read(_LARGEST_ANSWER)).get("tags") or []
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.NOT_FOUND:
                raise
            return []
        return sorted(tag for tag in map(str, tags) if _DIGITS.fullmatch(tag))


def _file(entry: Mapping[str, Any]) -> File:
    lfs = entry.get("lfs") or {}
    git_sha1 = "" if lfs else str(entry.get("blobId") or "")
    return File(str(entry["rfilename"]), int(entry["size"]), str(lfs.get("sha256", "")), git_sha1)


def _with_sha256(
    wanted: Wanted, host: str, commit: Source, listed: Sequence[File]
) -> tuple[File, ...]:
    """The selected files, each with its SHA-256: of small ones from their content.

    A hub states git's hash of those, against which the content is checked.
    """
    try:
        return tuple(
            file if file.sha256 else _hashed(commit, file)
            for file in select_files(listed, wanted.selection)
        )
    except WeightsError as error:
        [fault, *_] = error.faults
        _fail(wanted, host, f"{fault.path}: {fault.got}", fault.change)
    except (HTTPException, OSError) as error:
        _unreachable(wanted, host, error)


def _hashed(commit: Source, file: File) -> File:
    if file.size > _LARGEST_SMALL:
        _refuse_digest(file, f"{file.size} bytes, and no published SHA-256")
    digests = Digests(file)
    answer: HTTPResponse
    with commit.open(file, 0) as answer:
        while digests.length <= file.size and (data := answer.read(CHUNK)):
            digests.update(data)
    if not digests.match:
        _refuse_digest(file, f"wrong content, SHA-256 {digests.sha256}")
    return File(file.name, file.size, sha256=digests.sha256)


def _refuse_digest(file: File, got: str) -> NoReturn:
    allowed = f"git blob {file.git_sha1}"
    raise WeightsError(Fault(file.name, got, allowed, "tell who runs the hub"))


def _pause(headers: Message) -> int:
    """Seconds that an answer 429 asks to wait: by Retry-After, else by RateLimit, else 5.

    huggingface_hub 2.4 reads the same (utils/_http.py:86-166); RFC 9110 also allows a date.
    """
    after = (headers.get("Retry-After") or "").strip()
    if after.isdecimal():
        return int(after)
    if after:
        try:
            return max(0, round(parsedate_to_datetime(after).timestamp() - time.time()))
        except ValueError:
            pass
    found = re.search(r";\s*t\s*=\s*(\d+)", headers.get("RateLimit") or "")
    return int(found[1]) if found else 5


def _unreachable(wanted: Wanted, host: str, error: Exception) -> NoReturn:
    """Fail for no answer, or one of another form."""
    if isinstance(error, urllib.error.HTTPError):
        got = f"HTTP {error.code}"
        _fail(wanted, host, got, "Check the address of the model store and its credential")
    reason = getattr(error, "reason", error)
    if isinstance(error, OSError):
        text = str(getattr(reason, "strerror", None) or reason) or type(error).__name__
        change = "Check the network, the proxy and the certificates"
        _fail(wanted, host, f"cannot be reached ({text.splitlines()[0]})", change, whole_host=True)
    _fail(wanted, host, f"an answer of another form ({type(error).__name__})", "Check the address")


def _fail(
    wanted: Wanted, host: str, got: str, change: str, *, whole_host: bool = False
) -> NoReturn:
    allowed = f"a commit of {wanted.repository}, and its files"
    failure = Failure(wanted.repository, host, got, allowed, change, whole_host)
    raise NotFoundError(failure) from None
