"""Building missing parts, once per machine."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

from base.problems import Problem
from toolchain import cache, existing, go, seal
from toolchain.errors import ToolchainError
from toolchain.locate import Toolchain, built, folder_of, record
from toolchain.pins import DATA, MODULES, PARTS, Data, Group, Part

_TAIL = 15
"""Last lines of Go's output in an error."""

_CAUSES = (
    ("no space left", "free some disk space: the parts and Go's caches take 14 GB"),
    (
        "checksum mismatch",
        "the download differs from the pin in toolchain/go: find out why before building",
    ),
    ("signal: killed", "free some memory: the system killed the compiler"),
    ("dial tcp", "check the network, or set GOPROXY to a reachable mirror"),
    ("reading http", "check the network, or set GOPROXY to a reachable mirror"),
    ("not found", "check that GOPROXY names a proxy that serves the module"),
)
"""Text in Go's output, and the fix for it."""


def ensure(
    group: Group | Literal["all"],
    console: Console | None = None,
    operators: Collection[str] = (),
) -> Toolchain:
    """Build the parts of *group* that are neither installed on the machine nor built.

    Also builds the *operators* that are groups of the toolchain. An interrupted or failed build
    keeps its finished parts; concurrent builds wait for each other. What is there is compared with
    what was built. Raises ToolchainError, which names the module, quotes Go's last lines and says
    how to fix it, or names the files that changed.
    """
    console = console or Console(stderr=True)
    pulumi = group in {"pulumi", "all"}
    installed = existing.discover() if pulumi else None
    toolchain = Toolchain(installed if installed and installed.usable else None)
    entries = _entries(group, operators, toolchain)
    if not all(built(entry) for entry in entries):
        with _build_lock(console):
            _build([entry for entry in entries if not built(entry)], console)
    ours = pulumi and toolchain.existing is None
    if ours:
        toolchain.lay_out()  # before the check: a new link changes the times of a file
    seal.check(entries)
    if ours:
        seal.check_pin([entry for entry in entries if entry.group == "pulumi"], os.environ)
    return toolchain


def _entries(group: str, operators: Collection[str], toolchain: Toolchain) -> list[Part | Data]:
    groups = set(get_args(Group)) if group == "all" else {group, *operators}
    if toolchain.existing is not None:
        groups.discard("pulumi")
    entries: tuple[Part | Data, ...] = (*DATA, *PARTS)
    return [entry for entry in entries if entry.group in groups]


@contextmanager
def _build_lock(console: Console) -> Generator[None]:
    root = cache.root()
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / "build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with console.status("Waiting for another pai to finish building the toolchain …"):
            console.print("Waiting for another pai to finish building the toolchain.", style="dim")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _build(missing: Sequence[Part | Data], console: Console) -> None:
    if not missing:
        return
    program = go.find_or_install(console)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        Elapsed(),
        console=console,
        transient=True,
    )
    with progress:
        task = progress.add_task("", total=len(missing))
        for number, entry in enumerate(missing, start=1):
            verb = "Building" if isinstance(entry, Part) else "Fetching data:"
            description = f"{verb} {entry.name} {entry.version.partition('+')[0]}"
            progress.update(task, description=description)
            if not console.is_terminal:
                console.print(f"{description} ({number} of {len(missing)}) …", soft_wrap=True)
            started = time.monotonic()
            _build_one(program, entry)
            seconds = time.monotonic() - started
            progress.advance(task)
            console.print(f"{entry.name}: {seconds:.0f} s", style="dim")


def _build_one(program: Path, entry: Part | Data) -> None:
    """Build one entry in a temporary folder, then move it into place."""
    target = folder_of(entry)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        if isinstance(entry, Part):
            started = time.monotonic()
            _compile(program, entry, partial)
            record(partial, entry, time.monotonic() - started)
        else:
            _copy(program, entry, partial)
        seal.write(partial)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _compile(program: Path, part: Part, into: Path) -> None:
    arguments = ["build", "-trimpath", "-buildvcs=false", "-ldflags", part.link_flags]
    _go(program, part, [*arguments, "-o", str(into / part.name), part.package])


def _copy(program: Path, data: Data, into: Path) -> None:
    module = json.loads(_go(program, data, ["mod", "download", "-json", data.path]))
    if module["Version"] != data.version:
        raise ToolchainError(
            Problem(
                path=f"toolchain/go/{data.module}/go.mod",
                got=f"{data.path} {module['Version']}",
                allowed=f"{data.version}, as in toolchain/pins.py",
                change="set both to the same version",
            )
        )
    source = Path(module["Dir"])
    for kept in data.keep:
        for file in sorted(path for path in (source / kept, *(source / kept).rglob("*"))):
            if file.is_file():
                copy = into / file.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)  # without its mode: the module cache is read-only
                if file.read_bytes()[:2] == b"#!":
                    copy.chmod(0o755)


def _go(program: Path, entry: Part | Data, arguments: list[str]) -> str:
    done = subprocess.run(  # noqa: S603 - no shell
        [program, *arguments],
        cwd=MODULES / entry.module,
        env=go.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    tail = "\n  ".join(lines[-_TAIL:])
    change = next(
        (change for sign, change in _CAUSES if sign in tail.lower()),
        "see Go's last lines above, then run the command again: finished parts are kept",
    )
    raise ToolchainError(
        Problem(
            path=f"{entry.name} (module toolchain/go/{entry.module})",
            got=f"`go {arguments[0]}` exited with {done.returncode}:\n  {tail}\n",
            allowed=f"a build of {entry.version}",
            change=change,
        )
    )
