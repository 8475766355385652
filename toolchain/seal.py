"""The SHA-256 of every file that was built, recorded beside it, and compared before it is used.

A program of 160 MB takes half a second to hash, so a file that has not changed since (same inode,
size and times) is not hashed again. A file that comes out of a restored cache is: its inode and the
time of its last change (ctime), which no archive can set, are new.

Who can write the record can write a program to go with it. The record holds off what changes a
program and does not know the record: a broken disk, a cache that was restored in part, a job that
replaces a file. Against the other there is a digest that is kept elsewhere, in `PIN`.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from base.problems import Problem
from toolchain.errors import ToolchainError
from toolchain.locate import RECORD, folder_of
from toolchain.pins import Data, Part

PIN = "PAI_TOOLCHAIN_SHA256"
"""Variable with the digest that Pulumi's parts must have, from a place that the cache's writers
cannot write."""
_SEAL = "sha256.json"
_SEEN = "verified.json"
_APART = frozenset({RECORD, _SEAL, _SEEN})
"""Ours, about the files. The time of the build differs from machine to machine."""


def write(folder: Path) -> None:
    """Record the files of *folder*, which was just built."""
    _replace(folder / _SEAL, _hashed(folder))


def check(entries: Iterable[Part | Data], *, again: bool = False) -> None:
    """Compare the files of *entries* with their records, also unchanged ones if *again*.

    A folder without a record, built by an older version, gets one. Raises ToolchainError with
    every file that differs.
    """
    if problems := [problem for entry in entries for problem in _problems(entry, again=again)]:
        raise ToolchainError(*problems)


def files(entries: Iterable[Part | Data]) -> dict[str, str]:
    """SHA-256 of each file of *entries*, by its path in the cache without the key; as recorded."""
    return {
        f"{entry.name}/{name}": digest
        for entry in sorted(entries, key=lambda entry: (entry.name, type(entry).__name__))
        for name, digest in sorted(_recorded(folder_of(entry)).items())
    }


def digest(entries: Iterable[Part | Data]) -> str:
    """One SHA-256 over all files of *entries*, for `PIN`.

    The same on every machine of one kind (GOOS, GOARCH, GOAMD64) with the same Go.
    """
    lines = "".join(f"{sha256}  {file}\n" for file, sha256 in files(entries).items())
    return hashlib.sha256(lines.encode()).hexdigest()


def check_pin(entries: Iterable[Part | Data], env: Mapping[str, str]) -> None:
    """Compare the digest of *entries* with `PIN`, if *env* has it. Raises ToolchainError."""
    pin = env.get(PIN, "").strip().lower()
    if pin and (got := digest(entries)) != pin:
        raise ToolchainError(
            Problem(
                path=PIN,
                got=f"a toolchain with the digest {got}",
                allowed=pin,
                change="find out whether the pins or the Go that builds them changed (then set the"
                " digest that `pai toolchain verify` prints on a machine that you trust), or the"
                " cache was written by somebody else (then remove it)",
            )
        )


def _problems(entry: Part | Data, *, again: bool) -> Iterator[Problem]:
    folder = folder_of(entry)
    if not (folder / _SEAL).exists():
        with suppress(OSError):  # a cache of somebody else's
            write(folder)
        return
    stamps = _stamps(folder)
    if not again and stamps == _read(folder / _SEEN):
        return
    allowed, found = _recorded(folder), _hashed(folder)
    for name in sorted(allowed.keys() | found.keys()):
        if allowed.get(name) != found.get(name):
            yield Problem(
                path=str(folder / name),
                got=f"SHA-256 {found[name]}" if name in found else "no file",
                allowed=f"SHA-256 {allowed[name]}, as built" if name in allowed else "no file",
                change=f"find out what changed it; then remove {folder} and run"
                f" `pai toolchain build {entry.group}`",
            )
    if allowed == found:
        with suppress(OSError):  # a cache of somebody else's: it is hashed each time
            _replace(folder / _SEEN, stamps)


def _recorded(folder: Path) -> dict[str, str]:
    recorded = _read(folder / _SEAL)
    return recorded if isinstance(recorded, dict) else {}


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if not path.is_dir() and name not in _APART:
            yield name


def _hashed(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _names(folder):
        try:
            with (folder / name).open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            found[name] = f"of a file that cannot be read: {error.strerror}"
    return found


def _stamps(folder: Path) -> dict[str, list[int]]:
    """What changes with the content of a file: inode, size, and the times of its last changes."""
    return {name: _stamp(folder / name) for name in _names(folder)}


def _stamp(file: Path) -> list[int]:
    try:
        found = file.stat()
    except OSError:
        return []
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _read(file: Path) -> Any:  # noqa: ANN401 - JSON
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return None


def _replace(file: Path, content: object) -> None:
    # Beside the folder, in which another pai may be looking at the files now.
    partial = file.parent.with_name(f".{file.parent.name}.{file.name}.{os.getpid()}")
    try:
        partial.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n")
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
