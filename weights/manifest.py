"""The manifest beside a model's files, with the size and digest of each; and checks against it."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import Fault, WeightsError
from .files import CHUNK, MANIFEST, Digests, File, is_safe, unsafe_name

_PARALLEL_READS = 4
"""Files hashed at once: hashlib releases the GIL, and one reader seldom saturates a volume."""

_REPOSITORY = re.compile(r"(?!\.)[A-Za-z0-9._-]+/(?!\.)[A-Za-z0-9._-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Manifest:
    """The files of one commit of a repository, each with its SHA-256."""

    repository: str
    revision: str
    files: tuple[File, ...]

    @classmethod
    def parse(cls, text: str | bytes) -> "Manifest":
        """The manifest in *text*. Raises WeightsError if it is invalid."""
        try:
            raw: dict[str, Any] = json.loads(text)
            files = tuple(
                File(name, int(str(entry["size"])), sha256=str(entry["sha256"]))
                for name, entry in raw["files"].items()
            )
            manifest = cls(str(raw["repository"]), str(raw["revision"]), files)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise WeightsError(
                Fault(
                    path=MANIFEST,
                    got="a file that is not a manifest",
                    allowed="JSON with repository, revision, and files with size and sha256",
                    change="download or import the model again",
                )
            ) from None
        # Both become folders, of a volume or of a mirror.
        if not (
            _REPOSITORY.fullmatch(manifest.repository) and _COMMIT.fullmatch(manifest.revision)
        ):
            raise WeightsError(
                Fault(
                    path=MANIFEST,
                    got=f"{manifest.repository!r} at {manifest.revision!r}",
                    allowed="a repository as organization/name, at a commit of 40 digits",
                    change="download or import the model again",
                )
            )
        if unsafe := [unsafe_name(f.name) for f in manifest.files if not is_safe(f.name)]:
            raise WeightsError(*unsafe)
        return manifest

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """The manifest of the model in *folder*. Raises WeightsError if there is none."""
        try:
            return cls.parse((folder / MANIFEST).read_bytes())
        except OSError:
            raise WeightsError(
                Fault(
                    path=str(folder / MANIFEST),
                    got="no manifest, so nothing to verify the files against",
                    allowed="the manifest that a download writes",
                    change="download the model again",
                )
            ) from None

    def text(self) -> str:
        """The JSON: the same for the same content."""
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
        """Write it beside the files, and flush it to the disk."""
        with (folder / MANIFEST).open("w") as content:
            content.write(self.text())
            content.flush()
            os.fsync(content.fileno())

    def is_of(self, repository: str, revision: str) -> bool:
        """Whether it is of that commit."""
        return (self.repository, self.revision) == (repository, revision)

    def lists(self, digests: Mapping[str, str]) -> bool:
        """Whether its files are those of *digests*, SHA-256 by name; true if that is empty."""
        return not digests or {f.name: f.sha256 for f in self.files} == dict(digests)


def check_layout(folder: Path, manifest: Manifest) -> list[Fault]:
    """Files of *folder* that are missing, of the wrong size, or not in *manifest*.

    Reads no content.
    """
    faults: list[Fault] = []
    for file in manifest.files:
        path = folder / file.name
        if path.is_symlink() or not path.is_file():
            faults.append(_fault(folder, file.name, "no file", f"a file of {file.size} bytes"))
        elif (size := path.stat().st_size) != file.size:
            faults.append(_fault(folder, file.name, f"{size} bytes", f"{file.size} bytes"))
    listed = {MANIFEST, *(f.name for f in manifest.files)}
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
    return faults + [
        Fault(
            path=str(folder / name),
            got=f"a file that is not in {MANIFEST}",
            allowed="the files of the model only",
            change="delete it",
        )
        for name in sorted(present - listed)
    ]


def check_digests(
    folder: Path, manifest: Manifest, on_progress: Callable[[int], None] = lambda _: None
) -> list[Fault]:
    """Files of *folder* whose content differs from *manifest*.

    Reads every byte; calls *on_progress* with the number of bytes just read.
    """
    with ThreadPoolExecutor(_PARALLEL_READS) as readers:
        found = list(
            readers.map(lambda f: _digests(folder / f.name, f, on_progress), manifest.files)
        )
    return [
        _fault(
            folder, file.name, f"wrong content, SHA-256 {digests.sha256}", f"SHA-256 {file.sha256}"
        )
        for file, digests in zip(manifest.files, found, strict=True)
        if not digests.match
    ]


def _digests(path: Path, file: File, on_progress: Callable[[int], None]) -> Digests:
    digests = Digests(file)
    with path.open("rb") as content:
        while data := content.read(CHUNK):
            digests.update(data)
            on_progress(len(data))
    return digests


def _fault(folder: Path, name: str, got: str, allowed: str) -> Fault:
    return Fault(str(folder / name), got, allowed, f"delete {folder} and download the model again")
