"""The files of a checkpoint: which are downloaded, which are refused, and their digests."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from .errors import Fault, WeightsError

MANIFEST = "manifest.json"

_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")
"""What no name has: control characters, which a terminal would obey, and halves of characters."""

CHUNK = 1 << 20
"""Bytes that are hashed and written at once."""

# Weights, configuration, tokenizers and chat templates; nothing that is code.
SUFFIXES = {".safetensors", ".json", ".txt", ".jinja", ".model", ".tiktoken"}

# Loading a pickle runs code: https://docs.python.org/3/library/pickle.html
PICKLE_SUFFIXES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}

_NEEDS_SAFETENSORS = "use a repository with safetensors"
_OR_ALLOW = "or allow the file by name: in the model's sha256, or with --allow of pai models fetch"


@dataclass(frozen=True)
class File:
    """A file of a checkpoint, with its published size and digest."""

    name: str
    """Path below the model's folder, with `/` as separator."""
    size: int
    """Bytes."""
    sha256: str = ""
    git_sha1: str = ""
    """Git's blob hash, which is all that a hub states about its small files."""


@dataclass(frozen=True)
class FileSelection:
    """Which files of a checkpoint to download."""

    only: Sequence[str] = ()
    """Names or glob patterns; only these. Empty: the weights and the files that belong to them."""
    pickles: Sequence[str] = ()
    """Names or glob patterns of pickle files that are allowed."""
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """Digest by file name: if not empty, only these files, verified against these digests."""


class Digests:
    """The digests of content that should be that of *file*, computed piece by piece."""

    def __init__(self, file: File) -> None:
        self._file = file
        self.length = 0
        """Bytes so far."""
        self._sha256 = hashlib.sha256()
        self._git: hashlib._Hash | None = None
        if not file.sha256:
            # Git hashes a header with the size before the content.
            header = f"blob {file.size}\0".encode()
            self._git = hashlib.sha1(header, usedforsecurity=False)

    def update(self, data: bytes) -> None:
        """Add *data*."""
        self.length += len(data)
        self._sha256.update(data)
        if self._git:
            self._git.update(data)

    @property
    def sha256(self) -> str:
        """SHA-256 of the content so far, hexadecimal."""
        return self._sha256.hexdigest()

    @property
    def match(self) -> bool:
        """Whether the content is that of the file; never for a file without a digest."""
        if self.length != self._file.size:
            return False
        if self._git is None:
            return self.sha256 == self._file.sha256
        return self._git.hexdigest() == self._file.git_sha1


def select_files(files: Iterable[File], selection: FileSelection) -> list[File]:
    """The *files* to download.

    Raises WeightsError for names that lead outside the model's folder, pickles that are not allowed
    by name, files without a digest, requested files that do not exist, and a lack of weights.
    """
    published = [f for f in files if f.name != MANIFEST]  # the name is taken by our own
    if selection.sha256:
        selected = _with_digests(published, selection.sha256)
    elif selection.only:
        selected = _named(published, selection.only)
    else:
        selected = _default(published, selection.pickles)
    if faults := [fault for file in selected for fault in _faults(file, selection)]:
        raise WeightsError(*faults)
    return selected


def is_safe(name: str) -> bool:
    """Whether *name* stays below the folder that it is joined to."""
    path = PurePosixPath(name)
    odd = _ODD.search(name)
    return bool(name) and not (path.is_absolute() or {"..", "."} & set(name.split("/")) or odd)


def unsafe_name(name: str) -> Fault:
    """The fault of a file whose *name* is not safe."""
    return Fault(
        path=repr(name),
        got="a name that leads elsewhere, or cannot be printed",
        allowed="a relative path without . and ..",
        change="use a repository without such names",
    )


def _faults(file: File, selection: FileSelection) -> list[Fault]:
    found: list[Fault] = []
    if not is_safe(file.name):
        found.append(unsafe_name(file.name))
    allowed = {*selection.sha256, *selection.only}
    if _is_pickle(file) and not (
        file.name in allowed or _matches_any(file.name, selection.pickles)
    ):
        found.append(
            Fault(
                path=file.name,
                got="a pickle, which can run code when it is loaded",
                allowed="safetensors, or a pickle that is allowed by name",
                change=f"{_NEEDS_SAFETENSORS}, {_OR_ALLOW}",
            )
        )
    if not (file.sha256 or file.git_sha1):
        found.append(
            Fault(
                path=file.name,
                got="no published digest",
                allowed="a SHA-256, or git's blob hash, to verify it against",
                change="state its digest in the model's sha256",
            )
        )
    return found


def _with_digests(files: Sequence[File], digests: Mapping[str, str]) -> list[File]:
    by_name = {f.name: f for f in files}
    if missing := sorted(set(digests) - set(by_name)):
        raise WeightsError(*(_not_published(name, "the model's sha256") for name in missing))
    return [File(name, by_name[name].size, sha256=digests[name]) for name in digests]


def _named(files: Sequence[File], patterns: Sequence[str]) -> list[File]:
    missing = [p for p in patterns if not any(fnmatchcase(f.name, p) for f in files)]
    if missing:
        raise WeightsError(*(_not_published(pattern, "the name") for pattern in missing))
    return [f for f in files if _matches_any(f.name, patterns)]


def _not_published(name: str, where: str) -> Fault:
    return Fault(
        path=name,
        got="no such file in the repository",
        allowed="files of the repository",
        change=f"correct {where}, or the commit",
    )


def _default(files: Sequence[File], pickles: Sequence[str]) -> list[File]:
    selected = [f for f in files if PurePosixPath(f.name).suffix in SUFFIXES]
    weights = [f for f in selected if f.name.endswith(".safetensors")]
    if not weights:
        return selected + _without_safetensors(files, pickles)
    # Mistral publishes its weights twice; vLLM would prefer the copy in its own format.
    copies = {f.name for f in weights if f.name.startswith("consolidated")}
    if len(copies) < len(weights):
        selected = [f for f in selected if f.name not in copies]
    return selected


def _without_safetensors(files: Sequence[File], pickles: Sequence[str]) -> list[File]:
    """The pickles that are allowed. Raises WeightsError if there are none."""
    if allowed := [f for f in files if _matches_any(f.name, pickles)]:
        return allowed
    for file in files:
        if _is_pickle(file):
            raise WeightsError(
                Fault(
                    path=file.name,
                    got="a pickle, and the repository has no safetensors",
                    allowed="safetensors, or a pickle that is allowed by name",
                    change=f"{_NEEDS_SAFETENSORS}, {_OR_ALLOW}",
                )
            )
        if file.name.endswith(".gguf"):
            raise WeightsError(
                Fault(
                    path=file.name,
                    got="one of the repository's GGUF files, none of which is named",
                    allowed="one GGUF file by name, or safetensors",
                    change="name the file to download: as `file` of the checkpoint in the catalog",
                )
            )
    raise WeightsError(
        Fault(
            path="the repository",
            got="no weights",
            allowed="safetensors, or files that are named",
            change=_NEEDS_SAFETENSORS,
        )
    )


def _is_pickle(file: File) -> bool:
    return PurePosixPath(file.name).suffix in PICKLE_SUFFIXES


def _matches_any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
