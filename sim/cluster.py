"""The simulated clusters of the project's stacks: one control plane a stack, named by its context.

Their files are under the engine's cache, `sim/<stack>`; the kubeconfig of them all is beside.
"""

import fcntl
import os
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

__all__ = ["SimCluster", "StackStatus", "down", "ensure_running", "reset", "status"]


class StackStatus(Model):
    """How the simulated cluster of one stack is."""

    stack: str
    state: Literal["running", "broken", "stopped"]
    """`broken`: some of its processes ended without being asked; `pai sim up` starts them again."""
    context: str | None
    server: str | None
    """URL of the API server."""
    processes: dict[str, bool]
    """Whether each of them runs."""
    logs: str | None
    """The folder of their logs."""


def ensure_running(stacks: list[str], console: Console, config_file: Path | None = None) -> Path:
    """Start the clusters of *stacks* that do not run, side by side; mend and update those that do.

    Their files are Pulumi.<stack>.yaml, unless *config_file* is that of the one stack. Returns the
    kubeconfig of every running cluster, one context each. Raises SimError.
    """
    expected = {stack: cluster_of(stack, config_file) for stack in stacks}
    _refuse_shared_contexts(expected)
    operators = {operator for cluster in expected.values() for operator in cluster.operators}
    toolchain = build.ensure("cluster", console, operators)
    with _alone():
        with console.status(f"Simulated cluster: {', '.join(stacks)} …"):
            _each(expected, toolchain)
        return _merge_kubeconfigs()


def down(stacks: list[str]) -> None:
    """Stop the clusters of *stacks* and remove their files, state included."""
    with _alone():
        for stack in stacks:
            home = _home(stack)
            erase(home, data_folder(home))
        _merge_kubeconfigs()


def reset(stacks: list[str], console: Console) -> Path:
    """Stop the clusters of *stacks*, forget what was in them, start them again."""
    for stack in stacks:
        cluster_of(stack)  # refuse what could not be started before ending what runs
    down(stacks)
    return ensure_running(stacks, console)


def status() -> list[StackStatus]:
    """How the clusters are, of the stacks of this project and of any other that still runs."""
    return [_status_of(stack) for stack in sorted({*stack_names(), *_started()})]


def _root() -> Path:
    return cache.root() / "sim"


def _home(stack: str) -> Path:
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
                    got=f"{cluster.context}, which is also that of stack {other}",
                    allowed="a context of its own for each stack",
                    change="change one of the two, or `pai sim down` the other",
                )
            )


def _each(expected: dict[str, ClusterConfig], toolchain: Toolchain) -> None:
    with ThreadPoolExecutor(max_workers=max(1, len(expected))) as pool:
        started = [
            pool.submit(SimCluster.detached, cluster, _home(stack), toolchain)
            for stack, cluster in expected.items()
        ]
    problems: list[Problem] = []
    for each in started:
        error = each.exception()
        if isinstance(error, SimError):
            problems += error.problems
        elif error:
            raise error
    if problems:
        raise SimError(*problems)


def _merge_kubeconfigs() -> Path:
    """Write the kubeconfig of the clusters there are, or remove it with the last of them."""
    root = _root()
    merged = root / "kubeconfig"
    found = [settings for stack in _started() if (settings := read_settings(_home(stack)))]
    if found:
        entries = [
            Access(
                context=settings.expects.context,
                server=settings.layout.server,
                tls=settings.layout.tls,
            )
            for settings in found
        ]
        write_kubeconfig(merged, entries)
    else:
        shutil.rmtree(root, ignore_errors=True)
    return merged


@contextmanager
def _alone() -> Generator[None]:
    """Hold off other commands that start or stop clusters.

    The lock is on the cache's own folder, so that it leaves no file behind.
    """
    root = cache.root()
    root.mkdir(parents=True, exist_ok=True)
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
