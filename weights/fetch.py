"""Download one commit of a model to a volume, where it appears once every byte is verified.

Runs in a Job. Usage: python -m weights.fetch REQUEST [CREDENTIAL_FILE]. REQUEST is JSON: `source`
(see sources.source), `authority` (file of PEM certificates to trust, or empty), `repository`,
`revision` (40 hexadecimal digits), `only`, `pickles` and `sha256` (see files.FileSelection),
`volume` and `stamps` (directories).

The complete model is in `volume/<revision>`, with a manifest of the digest of each file. Until then
its files are in `volume/.partial/<revision>`, where an interrupted download resumes. Exits with
EXIT_PERMANENT and a line for each fault if the source denies access or a file is not what it should
be, and with 1 if another attempt may succeed.
"""

import errno
import json
import os
import shutil
import sys
import time
import urllib.error
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import Fault, TransientError, WeightsError
from .files import CHUNK, MANIFEST, Digests, File, FileSelection, select_files
from .manifest import Manifest, check_layout
from .sources import Commit, Source, read_credential, source
from .transport import ACCESS_DENIED, CONNECTION_ERRORS, is_permanent

PARTIAL = ".partial"
EXIT_PERMANENT = 3
"""Exit code of a failure that another attempt would repeat."""

PARALLEL_DOWNLOADS = 4
"""Files at once; one connection seldom saturates the network."""
ATTEMPTS = 5
"""Per file, before the Job starts over."""
_PARTIAL_CONTENT = 206
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Request:
    """What to download, and where to."""

    commit: Commit
    selection: FileSelection
    volume: Path
    stamps: Path

    @property
    def model(self) -> Path:
        """Folder of the complete model."""
        return self.volume / self.commit.revision

    @property
    def partial(self) -> Path:
        """Folder of the files until the model is complete."""
        return self.volume / PARTIAL / self.commit.revision


def is_complete(request: Request) -> bool:
    """Whether the requested files are on the volume, by the manifest and their sizes."""
    try:
        manifest = Manifest.read(request.model)
    except WeightsError:
        return False
    commit, selection = request.commit, request.selection
    if not manifest.is_of(commit.repository, commit.revision):
        return False
    if not manifest.lists(selection.sha256):
        return False
    try:
        if set(select_files(manifest.files, selection)) != set(manifest.files):
            return False
    except WeightsError:  # an earlier request was for other files
        return False
    return not check_layout(request.model, manifest)


def prune(request: Request) -> list[str]:
    """Delete the revisions that neither new nor running pods read; return them.

    Running pods read the newest of the others, so that one stays until the next change.
    """
    volume, revision = request.volume, request.commit.revision
    others = [d for d in volume.iterdir() if d.name != revision and (d / MANIFEST).is_file()]
    others.sort(key=lambda d: (d / MANIFEST).stat().st_mtime)
    stale = others[:-1]
    partial = volume / PARTIAL
    if partial.is_dir():
        stale += [d for d in partial.iterdir() if d.name != revision]
    kept = {revision, *(d.name for d in others[-1:])}
    if request.stamps.is_dir():
        for directory in request.stamps.iterdir():
            if directory.name not in kept:
                shutil.rmtree(directory)
    for directory in stale:
        shutil.rmtree(directory)
    return [d.name for d in stale]


def download(origin: Source, file: File, path: Path) -> Digests:
    """Download *file* to *path*, or the rest of it; return the digests of all of it.

    Raises CONNECTION_ERRORS, and OSError for the disk.
    """
    digests = Digests(file)
    if path.is_file() and path.stat().st_size <= file.size:
        with path.open("rb") as content:
            while data := content.read(CHUNK):
                digests.update(data)
        if digests.length == file.size:
            return digests
    with origin.open(file, digests.length) as response:
        resumed = response.status == _PARTIAL_CONTENT
        if not resumed:
            digests = Digests(file)
        with path.open("ab" if resumed else "wb") as content:
            while digests.length <= file.size and (data := response.read(CHUNK)):
                content.write(data)
                digests.update(data)
            content.flush()
            os.fsync(content.fileno())
    return digests


def fetch_file(origin: Source, file: File, directory: Path) -> str:
    """Download *file* into *directory*, with retries; return its SHA-256. Raises WeightsError."""
    path = directory / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    error = WeightsError()
    for attempt in range(ATTEMPTS):
        resumed = path.is_file()
        try:
            digests = download(origin, file, path)
        except CONNECTION_ERRORS as failure:
            error = _download_error(file, failure, path)
        else:
            if digests.match:
                print(f"verified {file.name}, {file.size} bytes", flush=True)
                return digests.sha256
            error = _content_error(file, digests, resumed=resumed)
            if digests.length >= file.size:
                path.unlink()
        if not isinstance(error, TransientError):
            break
        time.sleep(2**attempt)
    raise error


def _download_error(file: File, failure: Exception, path: Path) -> WeightsError:
    allowed = f"{file.size} bytes"
    if isinstance(failure, OSError) and failure.errno in _DISK_FULL:
        got = f"no space left after {path.stat().st_size} of {file.size} bytes"
        return WeightsError(Fault(file.name, got, allowed, "enlarge the volume"))
    got = str(failure) or "no response from the source"
    if not is_permanent(failure):
        return TransientError(Fault(file.name, got, allowed, "check the source and the network"))
    change = "check that the source has the file"
    if isinstance(failure, urllib.error.HTTPError) and failure.code in ACCESS_DENIED:
        change = "give the stack a credential that may read the file"
    return WeightsError(Fault(file.name, got, allowed, change))


def _content_error(file: File, digests: Digests, *, resumed: bool) -> WeightsError:
    if digests.length < file.size:
        got = f"the connection closed after {digests.length} of {file.size} bytes"
        allowed = f"{file.size} bytes"
        return TransientError(Fault(file.name, got, allowed, "check the source and the network"))
    # The part from an earlier attempt may be what is wrong; the next one downloads all of it.
    kind = TransientError if resumed else WeightsError
    return kind(
        Fault(
            path=file.name,
            got=f"wrong content, SHA-256 {digests.sha256}",
            allowed=f"SHA-256 {file.sha256}" if file.sha256 else f"git blob {file.git_sha1}",
            change="fill the mirror again, or compare the digest with the publisher's",
        )
    )


def fetch_files(origin: Source, files: Sequence[File], directory: Path) -> dict[str, str]:
    """Download *files* into *directory*; return their SHA-256 by name.

    Raises WeightsError with the faults of all files, TransientError if all are transient.
    """
    with ThreadPoolExecutor(PARALLEL_DOWNLOADS) as downloads:
        pending = {f.name: downloads.submit(fetch_file, origin, f, directory) for f in files}
    failures = [p.exception() for p in pending.values()]
    errors = [failure for failure in failures if isinstance(failure, WeightsError)]
    if errors:
        transient = all(isinstance(error, TransientError) for error in errors)
        kind = TransientError if transient else WeightsError
        raise kind(*(fault for error in errors for fault in error.faults))
    return {name: p.result() for name, p in pending.items()}


def prepare(directory: Path, files: Sequence[File]) -> None:
    """Delete everything from *directory* but parts of *files*. Raises WeightsError without room."""
    directory.mkdir(parents=True, exist_ok=True)
    names = {f.name for f in files}
    present = 0
    for path in [p for p in directory.rglob("*") if not p.is_dir() or p.is_symlink()]:
        if str(path.relative_to(directory)) in names and not path.is_symlink():
            present += path.stat().st_size
        else:
            path.unlink()
    check_free_space(directory, sum(f.size for f in files) - present)


def check_free_space(directory: Path, required: int) -> None:
    """Raise WeightsError unless *required* bytes are free on the disk of *directory*."""
    free = shutil.disk_usage(directory).free
    if required > free:
        raise WeightsError(
            Fault(
                path=str(directory),
                got=f"{free} bytes free",
                allowed=f"{required} bytes for the missing files",
                change="enlarge the volume, or free space on it",
            )
        )


def run(request: Request, origin: Source) -> None:
    """Download the requested model from *origin* to the volume. Raises WeightsError."""
    commit = request.commit
    # Verifying pods write their stamps here. If the kubelet created it, it would belong to root.
    request.stamps.mkdir(parents=True, exist_ok=True)
    for revision in prune(request):
        print(f"deleted {revision}, which no server reads any more")
    if is_complete(request):
        print(f"{commit} is on the volume already")
        return
    files = select_files(origin.files(), request.selection)
    if request.model.is_dir():  # damaged, or other files: those that are right are kept
        shutil.rmtree(request.partial, ignore_errors=True)
        request.partial.parent.mkdir(exist_ok=True)
        request.model.rename(request.partial)
    prepare(request.partial, files)
    print(f"{commit}: {len(files)} files", flush=True)
    digests = fetch_files(origin, files, request.partial)
    verified = tuple(File(f.name, f.size, sha256=digests[f.name]) for f in files)
    Manifest(commit.repository, commit.revision, verified).write(request.partial)
    request.partial.rename(request.model)  # atomic: never half a model


def main(request_json: str, credential_file: str = "") -> None:
    """Run the request *request_json*."""
    raw: dict[str, Any] = json.loads(request_json)
    commit = Commit(raw["repository"], raw["revision"])
    selection = FileSelection(raw["only"], raw["pickles"], raw["sha256"])
    request = Request(commit, selection, Path(raw["volume"]), Path(raw["stamps"]))
    try:
        credential = read_credential(credential_file)
        run(request, source(raw["source"], commit, raw["authority"], credential))
    except WeightsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1 if isinstance(error, TransientError) else EXIT_PERMANENT) from None


if __name__ == "__main__":
    main(*sys.argv[1:3])
