"""Put one commit of a model on a volume: every byte verified, or nothing to be seen.

Runs in a Job, with nothing but the standard library. Usage: fetch_model.py REQUEST [TOKEN_FILE].
REQUEST is a JSON file: `endpoint` (URL of the hub), `repository`, `revision` (40 hexadecimal
digits), `sha256` (file name to sum; when not empty, these files and no others), `pickle` (whether
weights in pickle files are taken where there are no safetensors), `volume` (directory).

The model ends up in `volume/<revision>`, beside a SHA256SUMS that `sha256sum -c` reads. Until it is
whole it is in `volume/.partial/<revision>`, from where an interrupted download goes on. Exits 1 and
says which file when the hub refuses, or when what it gives is not what it should be.
"""

import hashlib
import http.client
import json
import os
import shutil
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

SUMS = "SHA256SUMS"
STAMP = "model.stamp.json"
PARTIAL = ".partial"

# Weights, configuration, tokenizers and chat templates; nothing that is code.
SUFFIXES = {".safetensors", ".json", ".txt", ".jinja", ".model", ".tiktoken"}

STREAMS = 4  # files at once; one connection seldom fills the line
ATTEMPTS = 5  # a file, before the Job starts anew
CHUNK = 1 << 20
TIMEOUT_SECONDS = 60
PARTIAL_CONTENT = 206
REFUSALS = {401, 403}


class FetchError(Exception):
    """Something that no repetition mends; its text is for a person and names the file."""


@dataclass(frozen=True)
class Request:
    """What to fetch, and where to."""

    endpoint: str
    repository: str
    revision: str
    volume: Path
    pickle: bool = False
    sha256: dict[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def load(cls, path: Path) -> "Request":
        """The request in the JSON file at *path*."""
        raw: dict[str, Any] = json.loads(path.read_text())
        volume = Path(raw.pop("volume"))
        return cls(volume=volume, **raw)


@dataclass(frozen=True)
class File:
    """A file of a repository, and what the hub states about its content."""

    name: str
    size: int
    sha256: str = ""
    git_sha1: str = ""
    """Of small files, which git itself holds: the hash of the blob."""


class Sums:
    """The hashes of one content, made while it passes by."""

    def __init__(self, size: int) -> None:
        self.seen = 0
        self._sha256 = hashlib.sha256()
        # Git hashes a header with the size before the content.
        self._git = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)

    def add(self, data: bytes) -> None:
        """Go on with *data*."""
        self.seen += len(data)
        self._sha256.update(data)
        self._git.update(data)

    @property
    def sha256(self) -> str:
        """Of everything seen."""
        return self._sha256.hexdigest()

    def match(self, file: File) -> bool:
        """Whether everything seen is the content of *file*; one that has no sum matches nothing."""
        if self.seen != file.size:
            return False
        if file.sha256:
            return self.sha256 == file.sha256
        return bool(file.git_sha1) and self._git.hexdigest() == file.git_sha1


def chosen(files: Iterable[File], *, pickle: bool) -> list[File]:
    """The files of a repository that a server needs; FetchError when there are no weights."""
    all_files = list(files)
    taken = [f for f in all_files if PurePosixPath(f.name).suffix in SUFFIXES]
    weights = [f for f in taken if f.name.endswith(".safetensors")]
    if not weights:
        pickles = [f for f in all_files if PurePosixPath(f.name).match("pytorch_model*.bin")]
        if pickles and not pickle:
            message = f"{pickles[0].name} is a pickle, and there are no safetensors; name a"
            message += " repository that has them"
            raise FetchError(message)
        if not pickles:
            message = "the repository holds no weights"
            raise FetchError(message)
        return taken + pickles
    # Mistral publishes its weights twice; vLLM would prefer the copy in its own format.
    twice = {f.name for f in weights if f.name.startswith("consolidated")}
    if len(twice) < len(weights):
        taken = [f for f in taken if f.name not in twice]
    return taken


def named(files: Iterable[File], sums: dict[str, str]) -> list[File]:
    """The files that *sums* names, to be measured by those sums and not by the hub's."""
    by_name = {f.name: f for f in files}
    if missing := sorted(set(sums) - set(by_name)):
        message = f"{missing[0]} is in the list of sums, but not in the repository"
        raise FetchError(message)
    return [File(name, by_name[name].size, sha256=sums[name]) for name in sums]


def safe(files: Iterable[File]) -> list[File]:
    """*files*, or FetchError when a name leads out of the directory or a file has no sum."""
    checked = list(files)
    for file in checked:
        path = PurePosixPath(file.name)
        if path.is_absolute() or ".." in path.parts or "\\" in file.name:
            message = f"{file.name!r} leads out of the directory"
            raise FetchError(message)
        if not (file.sha256 or file.git_sha1):
            message = f"{file.name} has no sum to verify it by"
            raise FetchError(message)
    return checked


def ask(url: str, token: str, offset: int = 0) -> http.client.HTTPResponse:
    """GET *url* from *offset* on."""
    request = urllib.request.Request(url)  # noqa: S310 - the settings allow https only
    if token:
        # Not passed on when the hub redirects to where the bytes are, which is someone else.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    if offset:
        request.add_header("Range", f"bytes={offset}-")
    return urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)  # noqa: S310


def listing(request: Request, token: str) -> list[File]:
    """Every file of the commit, as the hub states it.

    The API of huggingface_hub's `model_info(revision=…, files_metadata=True)`.
    """
    url = f"{request.endpoint}/api/models/{request.repository}/revision/{request.revision}"
    try:
        with ask(f"{url}?blobs=true", token) as answer:
            info: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        message = f"{request.repository} at {request.revision}: the hub answers {error.code}"
        if error.code in REFUSALS:
            message += "; accept the model's licence there, and give the stack a token that did"
        raise FetchError(message) from None
    if info.get("sha") != request.revision:
        message = f"the hub gives commit {info.get('sha')} instead of {request.revision}"
        raise FetchError(message)
    return [
        File(
            name=entry["rfilename"],
            size=entry["size"],
            sha256=(entry.get("lfs") or {}).get("sha256", ""),
            git_sha1="" if entry.get("lfs") else entry.get("blobId", ""),
        )
        for entry in info["siblings"]
    ]


def wanted(request: Request, token: str) -> list[File]:
    """What to fetch."""
    files = listing(request, token)
    if request.sha256:
        return safe(named(files, request.sha256))
    return safe(chosen(files, pickle=request.pickle))


def intact(model: Path, request: Request) -> bool:
    """Whether *model* is what was asked for, by its stamp and the sizes of its files."""
    try:
        stamp = json.loads((model / STAMP).read_text())
        files: dict[str, int] = stamp["files"]
        return (
            stamp["repository"] == request.repository
            and stamp["revision"] == request.revision
            and stamp["pinned"] == request.sha256
            and all((model / name).stat().st_size == size for name, size in files.items())
        )
    except (OSError, ValueError, KeyError):
        return False


def prune(volume: Path, revision: str) -> list[str]:
    """Delete what neither the new pods nor the running ones need; returns their revisions.

    Running pods read the newest other model, so that one stays until the next change.
    """
    others = [d for d in volume.iterdir() if d.name != revision and (d / STAMP).is_file()]
    others.sort(key=lambda d: (d / STAMP).stat().st_mtime)
    stale = others[:-1]
    partial = volume / PARTIAL
    if partial.is_dir():
        stale += [d for d in partial.iterdir() if d.name != revision]
    for directory in stale:
        shutil.rmtree(directory)
    return [d.name for d in stale]


def receive(url: str, token: str, path: Path, size: int) -> Sums:
    """Download *url* into *path*, going on from what is there; returns the sums of all of it."""
    sums = Sums(size)
    if path.is_file() and path.stat().st_size <= size:
        with path.open("rb") as content:
            while data := content.read(CHUNK):
                sums.add(data)
        if sums.seen == size:
            return sums
    with ask(url, token, sums.seen) as answer:
        resumed = answer.status == PARTIAL_CONTENT
        if not resumed:
            sums = Sums(size)
        with path.open("ab" if resumed else "wb") as content:
            while sums.seen <= size and (data := answer.read(CHUNK)):
                content.write(data)
                sums.add(data)
            content.flush()
            os.fsync(content.fileno())
    return sums


def fetch(request: Request, file: File, directory: Path, token: str) -> str:
    """Bring *file* into *directory*; returns its SHA-256. FetchError when its content is wrong."""
    path = directory / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    where = f"{request.repository}/resolve/{request.revision}/{urllib.parse.quote(file.name)}"
    fault = ""
    for attempt in range(ATTEMPTS):
        begun = path.is_file()
        try:
            sums = receive(f"{request.endpoint}/{where}", token, path, file.size)
        except (OSError, http.client.HTTPException) as error:
            fault = str(error) or "the hub does not answer"
            time.sleep(2**attempt)
            continue
        if sums.match(file):
            print(f"verified {file.name}, {file.size} bytes", flush=True)
            return sums.sha256
        if sums.seen < file.size:
            fault = f"the hub broke off after {sums.seen} of {file.size} bytes"
            time.sleep(2**attempt)
            continue
        path.unlink()
        fault = f"wrong content, SHA-256 {sums.sha256}, not {file.sha256 or file.git_sha1}"
        if not begun:  # and it is not what an earlier run left behind that is wrong
            break
    message = f"{file.name}: {fault}"
    raise FetchError(message)


def fetch_all(
    request: Request, files: Sequence[File], directory: Path, token: str
) -> dict[str, str]:
    """Bring every file into *directory*; returns their SHA-256 by name. FetchError names all."""
    with ThreadPoolExecutor(STREAMS) as streams:
        pending = {f.name: streams.submit(fetch, request, f, directory, token) for f in files}
    failures = [p.exception() for p in pending.values()]
    errors = [str(failure) for failure in failures if isinstance(failure, FetchError)]
    if errors:
        raise FetchError("\n".join(errors))
    return {name: p.result() for name, p in pending.items()}


def prepare(directory: Path, files: Sequence[File]) -> None:
    """Make *directory* hold nothing but beginnings of *files*, with room for the rest."""
    directory.mkdir(parents=True, exist_ok=True)
    names = {f.name for f in files}
    there = 0
    for path in [p for p in directory.rglob("*") if p.is_file()]:
        if str(path.relative_to(directory)) in names:
            there += path.stat().st_size
        else:
            path.unlink()
    missing = sum(f.size for f in files) - there
    free = shutil.disk_usage(directory).free
    if missing > free:
        message = f"{missing} bytes are missing and {free} are free: give the volume more storage"
        raise FetchError(message)


def publish(
    request: Request, files: Sequence[File], sums: dict[str, str], partial: Path, model: Path
) -> None:
    """Write the sums and the stamp, then let the whole model appear at once."""
    lines = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))
    stamp = {
        "repository": request.repository,
        "revision": request.revision,
        "pinned": request.sha256,
        "files": {f.name: f.size for f in files},
    }
    for name, text in ((SUMS, lines), (STAMP, json.dumps(stamp, indent=2))):
        with (partial / name).open("w") as content:
            content.write(text)
            content.flush()
            os.fsync(content.fileno())
    partial.rename(model)


def run(request: Request, token: str) -> None:
    """Make `volume/<revision>` the model that was asked for."""
    model = request.volume / request.revision
    partial = request.volume / PARTIAL / request.revision
    for revision in prune(request.volume, request.revision):
        print(f"deleted {revision}, which nothing serves any more")
    if intact(model, request):
        print(f"{request.repository} at {request.revision} is there already")
        return
    files = wanted(request, token)
    if model.is_dir():  # damaged, or verified by other sums: its files are measured anew
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(exist_ok=True)
        model.rename(partial)
    prepare(partial, files)
    print(f"{request.repository} at {request.revision}: {len(files)} files", flush=True)
    publish(request, files, fetch_all(request, files, partial, token), partial, model)


def main(request_file: str, token_file: str = "") -> None:
    """Run the request in *request_file*."""
    token = Path(token_file).read_text().strip() if token_file else ""
    try:
        run(Request.load(Path(request_file)), token)
    except FetchError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main(*sys.argv[1:3])
