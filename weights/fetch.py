"""Put one commit of a model on a volume: every byte verified, or nothing to be seen.

Runs in a Job. Usage: python -m weights.fetch REQUEST [CREDENTIAL_FILE]. REQUEST is JSON:
`source` (see sources.source), `authority` (file of PEM certificates to trust, or empty),
`repository`, `revision` (40 hexadecimal digits), `only`, `pickles` and `sha256` (see files.Wish),
`volume` and `stamps` (directories).

The model ends up in `volume/<revision>`, beside a manifest with the sum of each file. Until it is
whole it is in `volume/.partial/<revision>`, from where an interrupted download goes on. Exits FINAL
and says which file when the source refuses, or when what it gives is not what it should be; exits 1
when another attempt may go better.
"""

import errno
import http.client
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import CHUNK, MANIFEST, File, PassingError, Sums, WeightsError, Wish, wanted
from .manifest import Manifest, misplaced
from .sources import Commit, Source, credential_in, source
from .transport import is_final

PARTIAL = ".partial"
FINAL = 3  # exit code: no repetition helps

STREAMS = 4  # files at once; one connection seldom fills the line
ATTEMPTS = 5  # a file, before the Job starts anew
PARTIAL_CONTENT = 206
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Request:
    """What to fetch, and where to."""

    commit: Commit
    wish: Wish
    volume: Path
    stamps: Path

    @property
    def model(self) -> Path:
        """Where the whole model appears."""
        return self.volume / self.commit.revision

    @property
    def partial(self) -> Path:
        """Where it is until then."""
        return self.volume / PARTIAL / self.commit.revision


def intact(request: Request) -> bool:
    """Whether the model is there as it was asked for, by its manifest and its files' sizes."""
    try:
        manifest = Manifest.read(request.model)
    except WeightsError:
        return False
    commit, names = request.commit, {f.name for f in manifest.files}
    if not manifest.same_as(commit.repository, commit.revision, request.wish.sha256):
        return False
    try:
        if {f.name for f in wanted(manifest.files, request.wish)} != names:
            return False
    except WeightsError:  # another choice of files than the one that is there
        return False
    return not misplaced(request.model, manifest)


def prune(request: Request) -> list[str]:
    """Delete what neither the new pods nor the running ones need; returns their revisions.

    Running pods read the newest other model, so that one stays until the next change.
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


def receive(origin: Source, file: File, path: Path) -> Sums:
    """Download *file* into *path*, going on from what is there; returns the sums of all of it."""
    sums = Sums(file)
    if path.is_file() and path.stat().st_size <= file.size:
        with path.open("rb") as content:
            while data := content.read(CHUNK):
                sums.add(data)
        if sums.seen == file.size:
            return sums
    with origin.open(file, sums.seen) as answer:
        resumed = answer.status == PARTIAL_CONTENT
        if not resumed:
            sums = Sums(file)
        with path.open("ab" if resumed else "wb") as content:
            while sums.seen <= file.size and (data := answer.read(CHUNK)):
                content.write(data)
                sums.add(data)
            content.flush()
            os.fsync(content.fileno())
    return sums


def fetch(origin: Source, file: File, directory: Path) -> str:
    """Bring *file* into *directory*; returns its SHA-256. WeightsError when that is not to be."""
    path = directory / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    fault, kind = "", PassingError
    for attempt in range(ATTEMPTS):
        begun = path.is_file()
        try:
            sums = receive(origin, file, path)
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in FULL:
                there = path.stat().st_size
                fault = f"no space is left after {there} of {file.size} bytes: give the volume more"
                kind = WeightsError
                break
            fault = str(error) or "the source does not answer"
            if is_final(error):
                kind = WeightsError
                break
            time.sleep(2**attempt)
            continue
        if sums.matched:
            print(f"verified {file.name}, {file.size} bytes", flush=True)
            return sums.sha256
        if sums.seen < file.size:
            fault = f"the source broke off after {sums.seen} of {file.size} bytes"
            time.sleep(2**attempt)
            continue
        path.unlink()
        fault = f"wrong content, SHA-256 {sums.sha256}, not {file.sha256 or file.git_sha1}"
        if not begun:  # and it is not what an earlier run left behind that is wrong
            kind = WeightsError
            break
    message = f"{file.name}: {fault}"
    raise kind(message)


def fetch_all(origin: Source, files: Sequence[File], directory: Path) -> dict[str, str]:
    """Bring every file into *directory*; returns their SHA-256 by name. WeightsError names all."""
    with ThreadPoolExecutor(STREAMS) as streams:
        pending = {f.name: streams.submit(fetch, origin, f, directory) for f in files}
    failures = [p.exception() for p in pending.values()]
    errors = [failure for failure in failures if isinstance(failure, WeightsError)]
    if errors:
        passing = all(isinstance(error, PassingError) for error in errors)
        kind = PassingError if passing else WeightsError
        raise kind("\n".join(map(str, errors)))
    return {name: p.result() for name, p in pending.items()}


def prepare(directory: Path, files: Sequence[File]) -> None:
    """Make *directory* hold nothing but beginnings of *files*, with room for the rest."""
    directory.mkdir(parents=True, exist_ok=True)
    names = {f.name for f in files}
    there = 0
    for path in [p for p in directory.rglob("*") if not p.is_dir() or p.is_symlink()]:
        if str(path.relative_to(directory)) in names and not path.is_symlink():
            there += path.stat().st_size
        else:
            path.unlink()
    need_room(directory, sum(f.size for f in files) - there)


def need_room(directory: Path, missing: int) -> None:
    """Raise WeightsError unless *missing* bytes have room in *directory*."""
    free = shutil.disk_usage(directory).free
    if missing > free:
        message = f"{missing} bytes are missing and {free} are free: give the volume more storage"
        raise WeightsError(message)


def run(request: Request, origin: Source) -> None:
    """Make the model that was asked for appear on the volume, taken from *origin*."""
    commit = request.commit
    # Where verifying pods leave their stamps: made here, since the kubelet would make it root's.
    request.stamps.mkdir(parents=True, exist_ok=True)
    for revision in prune(request):
        print(f"deleted {revision}, which nothing serves any more")
    if intact(request):
        print(f"{commit.repository} at {commit.revision} is there already")
        return
    files = wanted(origin.files(), request.wish)
    if request.model.is_dir():  # damaged, or chosen otherwise: its files are measured anew
        shutil.rmtree(request.partial, ignore_errors=True)
        request.partial.parent.mkdir(exist_ok=True)
        request.model.rename(request.partial)
    prepare(request.partial, files)
    print(f"{commit.repository} at {commit.revision}: {len(files)} files", flush=True)
    sums = fetch_all(origin, files, request.partial)
    verified = tuple(File(f.name, f.size, sha256=sums[f.name]) for f in files)
    Manifest(commit.repository, commit.revision, verified).write(request.partial)
    request.partial.rename(request.model)  # the whole of it at once


def main(request_json: str, credential_file: str = "") -> None:
    """Run the request that *request_json* is."""
    raw: dict[str, Any] = json.loads(request_json)
    commit = Commit(raw["repository"], raw["revision"])
    wish = Wish(raw["only"], raw["pickles"], raw["sha256"])
    request = Request(commit, wish, Path(raw["volume"]), Path(raw["stamps"]))
    try:
        credential = credential_in(credential_file)
        run(request, source(raw["source"], commit, raw["authority"], credential))
    except WeightsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1 if isinstance(error, PassingError) else FINAL) from None


if __name__ == "__main__":
    main(*sys.argv[1:3])
