"""The Pulumi state of simulated stacks, which is removed with the cluster it describes."""

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from toolchain import cache

_PROJECT = "private-ai"
_KINDS = ("stacks", "history", "backups", "locks")
"""The folders of Pulumi's file backend with files per stack."""


def folder() -> Path:
    """The Pulumi file backend of all simulated stacks; created on first use, mode 0700."""
    root = cache.root() / "state"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return root


def bind(stack: str, cluster: str) -> bool:
    """Bind the state of *stack* to the cluster with the identity *cluster*.

    Removes the state of an earlier cluster: its objects are gone. Returns whether there was one.
    """
    owner = folder() / f"{stack}.cluster"
    before = owner.read_text() if owner.exists() else cluster
    stale = before != cluster
    if stale:
        _remove(stack)
    owner.write_text(cluster)
    return stale


def interrupted(stack: str) -> bool:
    """Whether an update of *stack* was killed: its lock is there, and its process is not."""
    return any(not _alive(process) for process in _locks(stack).values())


def release(stack: str, process: int | None = None) -> None:
    """Remove the locks of *stack* that ended processes left, or those of the one *process*.

    Pulumi itself removes only its own, at the end of an update that it could finish.
    """
    for lock, holder in _locks(stack).items():
        if not _alive(holder) and process in (None, holder):
            lock.unlink(missing_ok=True)


def deployment(stack: str) -> dict[str, Any] | None:
    """What is deployed of *stack*, as in `pulumi stack export`; None before the first `up`.

    Secrets in it are encrypted.
    """
    saved = folder() / ".pulumi" / "stacks" / _PROJECT / f"{stack}.json"
    if not saved.exists():
        return None
    latest = json.loads(saved.read_text())["checkpoint"].get("latest") or {}
    return latest if latest.get("resources") else None


def outputs(resources: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The outputs of the program whose *resources* are deployed."""
    found = (r.get("outputs") for r in resources if r["type"] == "pulumi:pulumi:Stack")
    return next((each for each in found if each), {})


def forget(stack: str) -> None:
    """Remove the state of *stack*, whose cluster is gone."""
    _remove(stack)


def _locks(stack: str) -> dict[Path, int]:
    """The lock files of *stack*, and the process that each belongs to."""
    locks = (folder() / ".pulumi" / "locks").rglob(f"{_PROJECT}/{stack}/*.json")
    return {lock: int(json.loads(lock.read_text())["pid"]) for lock in locks}


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


def _remove(stack: str) -> None:
    for kind in _KINDS:
        for path in (folder() / ".pulumi" / kind).rglob(f"{_PROJECT}/{stack}*"):
            if path.name == stack or path.name.startswith(f"{stack}."):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
