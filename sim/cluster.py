"""The simulated clusters of the project's stacks: one control plane per stack and context.

Their files are in the toolchain's cache, `sim/<stack>`, beside one kubeconfig for all of them.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from rich.console import Console

from base.model import Model
from base.problems import Problem
from config.settings.cluster import ClusterConfig
from sim.control_plane import SimCluster
from sim.errors import SimError
from sim.kubeconfig import Access, write_kubeconfig
from sim.process import Record, alive, erase
from sim.settings import data_folder, read_settings
from sim.stacks import cluster_of, stack_names
from sim.toolchain import Toolchain
from toolchain import build, cache

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
"""As Pulumi has it: sdk/v3/go/common/tokens/stack_name.go:51 (3.256.0)."""

__all__ = ["SimCluster", "StackStatus", "down", "ensure_running", "reset", "status"]


class StackStatus(Model):
    """The state of one stack's simulated cluster."""

    stack: str
    state: Literal["running", "broken", "stopped"]
    """`broken`: some of its processes have exited; `pai sim up` restarts them."""
    context: str | None
    """Context in the kubeconfig; None if stopped."""
    server: str | None
    """URL of the API server; None if stopped."""
    processes: dict[str, bool]
    """Whether each process runs, by name."""
    logs: str | None
    """Folder of the processes' logs; None if stopped."""


def ensure_running(stacks: list[str], console: Console, config_file: Path | None = None) -> Path:
    """Start the clusters of *stacks* in parallel; repair and update those that already run.

    Each stack is read from Pulumi.<stack>.yaml; *config_file* replaces that of a single stack.
    Returns the kubeconfig of all running clusters, one context each. Raises SimError.
    """
    expected = {stack: cluster_of(stack, config_file) for stack in stacks}
    _refuse_shared_contexts(expected)
    operators = {operator for cluster in expected.values() for operator in cluster.operators}
    toolchain = build.ensure("cluster", console, operators)
    with _lock():
        with console.status(f"Starting simulated clusters: {', '.join(stacks)} …"):
            _start_all(expected, toolchain)
        return _merge_kubeconfigs()


def down(stacks: list[str]) -> None:
    """Stop the clusters of *stacks* and delete their files, including etcd's data."""
    with _lock():
        for stack in stacks:
            home = _home(stack)
            erase(home, data_folder(home))
        _merge_kubeconfigs()


def reset(stacks: list[str], console: Console) -> Path:
    """Recreate the clusters of *stacks*, empty."""
    for stack in stacks:
        cluster_of(stack)  # before stopping anything, reject stacks that could not start
    down(stacks)
    return ensure_running(stacks, console)


def kubeconfig() -> Path:
    """The kubeconfig of all running clusters; it may not exist."""
    return _root() / "kubeconfig"


def status() -> list[StackStatus]:
    """The state of every cluster: those of this project's stacks and any other that runs."""
    return [_status_of(stack) for stack in sorted({*stack_names(), *_started()})]


def _root() -> Path:
    return cache.root() / "sim"


def _home(stack: str) -> Path:
    """The folder of *stack*'s cluster. Raises SimError for a name that leads anywhere else."""
    if not _NAME.fullmatch(stack):
        raise SimError(
            Problem(
                path="--stack",
                got=repr(stack),
                allowed="letters, digits, `-`, `_` and `.`, at most 100, the first no dot",
                change="name a stack as its file Pulumi.<stack>.yaml does",
            )
        )
    return _root() / stack


def _started() -> list[str]:
    root = _root()
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir()) if root.exists() else []


def _status_of(stack: str) -> StackStatus:
    home = _home(stack)
    settings = read_settings(home)
    processes = {name: alive(process) for name, process in Record(home).read().items()}
    if settings is None and not any(processes.values()):
        return StackStatus(
            stack=stack, state="stopped", context=None, server=None, processes={}, logs=None
        )
    return StackStatus(
        stack=stack,
        state="running" if settings and all(processes.values()) else "broken",
        context=settings.expects.context if settings else None,
        server=settings.layout.server if settings else None,
        processes=processes,
        logs=str(home / "logs"),
    )


def _refuse_shared_contexts(expected: dict[str, ClusterConfig]) -> None:
    taken = {
        settings.expects.context: stack
        for stack in _started()
        if stack not in expected and (settings := read_settings(_home(stack)))
    }
    for stack, cluster in expected.items():
        other = taken.setdefault(cluster.context, stack)
        if other != stack:
            raise SimError(
                Problem(
                    path=f"stack {stack}: config.private-ai:stack.cluster.context",
                    got=f"{cluster.context}, the context of stack {other}",
                    allowed="one context per stack",
                    change=f"rename one context, or run `pai sim down --stack {other}`",
                )
            )


def _start_all(expected: dict[str, ClusterConfig], toolchain: Toolchain) -> None:
    with ThreadPoolExecutor(max_workers=max(1, len(expected))) as pool:
        starts = [
            pool.submit(SimCluster.detached, cluster, _home(stack), toolchain)
            for stack, cluster in expected.items()
        ]
    problems: list[Problem] = []
    for start in starts:
        error = start.exception()
        if isinstance(error, SimError):
            problems += error.problems
        elif error:
            raise error
    if problems:
        raise SimError(*problems)


def _merge_kubeconfigs() -> Path:
    """Write the kubeconfig of all clusters, or remove it with the last of them."""
    root = _root()
    merged = kubeconfig()
    running = [settings for stack in _started() if (settings := read_settings(_home(stack)))]
    if running:
        entries = [
            Access(
                context=settings.expects.context,
                server=settings.layout.server,
                tls=settings.layout.tls,
            )
            for settings in running
        ]
        write_kubeconfig(merged, entries)
    else:
        shutil.rmtree(root, ignore_errors=True)
    return merged


@contextmanager
def _lock() -> Generator[None]:
    """Exclude other commands that start or stop clusters.

    The lock is on the cache folder itself, so it leaves no file behind.
    """
    root = cache.root()
    root.mkdir(parents=True, exist_ok=True)
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
