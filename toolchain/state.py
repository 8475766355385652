"""The state of simulated stacks: it lives and dies with the cluster that it describes."""

import json
import os
import shutil
from pathlib import Path

from toolchain import cache

_PROJECT = "private-ai"
_KINDS = ("stacks", "history", "backups", "locks")
"""The folders of Pulumi's file backend that hold something of each stack."""


def folder() -> Path:
    """Where the states are, a file backend of Pulumi; made at first, the owner's alone."""
    root = cache.root() / "state"
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    return root


def bind(stack: str, cluster: str) -> bool:
    """Let the state of *stack* be about the cluster with the identity *cluster*.

    A state of another cluster is removed: that one is gone, and every object in the state with it.
    Returns whether there was one.
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
    locks = (folder() / ".pulumi" / "locks").rglob(f"{_PROJECT}/{stack}/*.json")
    return any(not _alive(json.loads(lock.read_text())["pid"]) for lock in locks)


def forget(stack: str) -> None:
    """Remove the state of *stack*, whose cluster is gone."""
    _remove(stack)


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
        for found in (folder() / ".pulumi" / kind).rglob(f"{_PROJECT}/{stack}*"):
            if found.name == stack or found.name.startswith(f"{stack}."):
                if found.is_dir():
                    shutil.rmtree(found)
                else:
                    found.unlink()
