"""The list of a model's files with their sums, written beside them; and checks against it."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import CHUNK, MANIFEST, File, Sums, WeightsError, is_safe

_READERS = 4
"""Files hashed at once: SHA-256 leaves the interpreter, and one reader seldom fills a volume."""


@dataclass(frozen=True)
class Manifest:
    """What one commit of a repository consists of; every file has its SHA-256."""

    repository: str
    revision: str
    files: tuple[File, ...]

    @classmethod
    def parse(cls, text: str | bytes) -> "Manifest":
        """The manifest in *text*. Raises WeightsError when it is not one."""
        try:
            raw: dict[str, Any] = json.loads(text)
            files = tuple(
                File(name, int(entry["size"]), sha256=str(entry["sha256"]))
                for name, entry in raw["files"].items()
            )
            manifest = cls(str(raw["repository"]), str(raw["revision"]), files)
        except (ValueError, KeyError, TypeError, AttributeError):
            message = f"{MANIFEST} is not a manifest: repository, revision, and files with sums"
            raise WeightsError(message) from None
        for file in manifest.files:
            if not is_safe(file.name):
                message = f"{file.name!r} leads out of the directory"
                raise WeightsError(message)
        return manifest

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of the model in *folder*. Raises WeightsError when there is none."""
        try:
            return cls.parse((folder / MANIFEST).read_bytes())
        except OSError:
            message = f"{folder / MANIFEST} is not there: nothing says what the files must be"
            raise WeightsError(message) from None

    def text(self) -> str:
        """As it is written: the same for the same content."""
        files = {f.name: {"size": f.size, "sha256": f.sha256} for f in self.files}
        content = {"repository": self.repository, "revision": self.revision, "files": files}
        return json.dumps(content, indent=2, sort_keys=True) + "\n"

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(f.size for f in self.files)

    def write(self, folder: Path) -> None:
        """Put it beside the files, on the disk for good."""
        with (folder / MANIFEST).open("w") as content:
            content.write(self.text())
            content.flush()
            os.fsync(content.fileno())

    def same_as(self, repository: str, revision: str, sums: Mapping[str, str]) -> bool:
        """Whether it is of that commit, and of just the files of *sums* unless that is empty."""
        own = {f.name: f.sha256 for f in self.files}
        origin = (self.repository, self.revision) == (repository, revision)
        return origin and (not sums or own == dict(sums))


def misplaced(folder: Path, manifest: Manifest) -> list[str]:
    """What is wrong with the files of *folder* at first sight: missing, another size, not listed.

    One sentence each, which begins with the file's name.
    """
    wrong: list[str] = []
    for file in manifest.files:
        path = folder / file.name
        if path.is_symlink() or not path.is_file():
            wrong.append(f"{file.name} is not there")
        elif (size := path.stat().st_size) != file.size:
            wrong.append(f"{file.name} has {size} bytes, not {file.size}")
    listed = {MANIFEST, *(f.name for f in manifest.files)}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
    return wrong + [f"{name} is not in {MANIFEST}" for name in sorted(there - listed)]


def altered(
    folder: Path, manifest: Manifest, read: Callable[[int], None] = lambda _: None
) -> list[str]:
    """The files of *folder* whose content is not what *manifest* says, one sentence each.

    Reads every byte; *read* is told how many, as it goes.
    """
    with ThreadPoolExecutor(_READERS) as readers:
        sums = list(readers.map(lambda f: _sums(folder / f.name, f, read), manifest.files))
    return [
        f"{file.name}: wrong content, SHA-256 {found.sha256}, not {file.sha256}"
        for file, found in zip(manifest.files, sums, strict=True)
        if not found.matched
    ]


def _sums(path: Path, file: File, read: Callable[[int], None]) -> Sums:
    sums = Sums(file)
    with path.open("rb") as content:
        while data := content.read(CHUNK):
            sums.add(data)
            read(len(data))
    return sums
