"""The files of a checkpoint: which are taken, which are refused, and what each must be."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

MANIFEST = "manifest.json"

CHUNK = 1 << 20
"""Bytes that are hashed and written at once."""

# Weights, configuration, tokenizers and chat templates; nothing that is code.
SUFFIXES = {".safetensors", ".json", ".txt", ".jinja", ".model", ".tiktoken"}

# What Python unpickles runs as a program: https://docs.python.org/3/library/pickle.html
PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}


class WeightsError(Exception):
    """Something that no repetition mends; its text is for a person and names the file."""


class PassingError(WeightsError):
    """Something that may go better the next time: a source that breaks off or does not answer."""


@dataclass(frozen=True)
class File:
    """A file of a checkpoint, and what is stated about its content."""

    name: str
    """Below the model's directory, with `/` between."""
    size: int
    sha256: str = ""
    git_sha1: str = ""
    """Of small files of a hub, which git itself holds: the hash of the blob."""


@dataclass(frozen=True)
class Wish:
    """Which files of a checkpoint are wanted."""

    only: Sequence[str] = ()
    """Names, or patterns of names: these and no others. Empty: weights and what belongs to them."""
    pickles: Sequence[str] = ()
    """Names, or patterns of names, of pickle files that may be taken."""
    sha256: Mapping[str, str] = field(default_factory=dict[str, str])
    """Name to sum: when not empty, these files and no others, measured by these sums."""


class Sums:
    """The hashes of one content, which should be that of *file*, made while it passes by."""

    def __init__(self, file: File) -> None:
        self._file = file
        self.seen = 0
        self._sha256 = hashlib.sha256()
        self._git: hashlib._Hash | None = None
        if not file.sha256:
            # Git hashes a header with the size before the content.
            header = f"blob {file.size}\0".encode()
            self._git = hashlib.sha1(header, usedforsecurity=False)

    def add(self, data: bytes) -> None:
        """Go on with *data*."""
        self.seen += len(data)
        self._sha256.update(data)
        if self._git:
            self._git.update(data)

    @property
    def sha256(self) -> str:
        """Of everything seen."""
        return self._sha256.hexdigest()

    @property
    def matched(self) -> bool:
        """Whether everything seen is the content of the file; one without a sum has none."""
        if self.seen != self._file.size:
            return False
        if self._git is None:
            return self.sha256 == self._file.sha256
        return self._git.hexdigest() == self._file.git_sha1


def wanted(files: Iterable[File], wish: Wish) -> list[File]:
    """Those of *files* to take, by *wish*.

    Raises WeightsError for a name that leads out of the model's directory, a pickle that nobody
    asked for by name, a file without a sum, a file that is not there, or no weights at all.
    """
    published = [f for f in files if f.name != MANIFEST]  # the name is taken by our own
    if wish.sha256:
        taken = _pinned(published, wish.sha256)
    elif wish.only:
        taken = _named(published, wish.only)
    else:
        taken = _usual(published, wish.pickles)
    for file in taken:
        _refuse(file, wish)
    return taken


def is_safe(name: str) -> bool:
    """Whether *name* stays below the directory that it is joined to."""
    path = PurePosixPath(name)
    odd = {"\\", "\0"} & set(name)
    return bool(name) and not (path.is_absolute() or {"..", "."} & set(name.split("/")) or odd)


def _refuse(file: File, wish: Wish) -> None:
    if not is_safe(file.name):
        message = f"{file.name!r} leads out of the directory"
        raise WeightsError(message)
    named = file.name in {*wish.sha256, *wish.only} or _matches(file.name, wish.pickles)
    if PurePosixPath(file.name).suffix in PICKLES and not named:
        message = f"{file.name} is a pickle, which is a program: it is taken only by its name"
        raise WeightsError(message)
    if not (file.sha256 or file.git_sha1):
        message = f"{file.name} has no sum to verify it by"
        raise WeightsError(message)


def _pinned(files: Sequence[File], sums: Mapping[str, str]) -> list[File]:
    by_name = {f.name: f for f in files}
    if missing := sorted(set(sums) - set(by_name)):
        message = f"{missing[0]} is in the list of sums, but not in the repository"
        raise WeightsError(message)
    return [File(name, by_name[name].size, sha256=sums[name]) for name in sums]


def _named(files: Sequence[File], patterns: Sequence[str]) -> list[File]:
    for pattern in patterns:
        if not any(fnmatchcase(f.name, pattern) for f in files):
            message = f"{pattern} is asked for, but not in the repository"
            raise WeightsError(message)
    return [f for f in files if _matches(f.name, patterns)]


def _usual(files: Sequence[File], pickles: Sequence[str]) -> list[File]:
    taken = [f for f in files if PurePosixPath(f.name).suffix in SUFFIXES]
    weights = [f for f in taken if f.name.endswith(".safetensors")]
    if not weights:
        return taken + _other_weights(files, pickles)
    # Mistral publishes its weights twice; vLLM would prefer the copy in its own format.
    twice = {f.name for f in weights if f.name.startswith("consolidated")}
    if len(twice) < len(weights):
        taken = [f for f in taken if f.name not in twice]
    return taken


def _other_weights(files: Sequence[File], pickles: Sequence[str]) -> list[File]:
    """The pickles that are allowed, of a repository without safetensors."""
    if allowed := [f for f in files if _matches(f.name, pickles)]:
        return allowed
    for file in files:
        if PurePosixPath(file.name).suffix in PICKLES:
            message = f"{file.name} is a pickle, and there are no safetensors; name a repository"
            message += " that has them"
            raise WeightsError(message)
        if file.name.endswith(".gguf"):
            message = f"the repository holds GGUF files: name the one to take, such as {file.name}"
            raise WeightsError(message)
    message = "the repository holds no weights"
    raise WeightsError(message)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
