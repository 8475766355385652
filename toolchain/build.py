"""Making the parts that are missing, once a machine."""

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
from toolchain import cache, go
from toolchain import existing as found
from toolchain.errors import ToolchainError
from toolchain.locate import Toolchain, folder_of, made, record
from toolchain.pins import DATA, MODULES, PARTS, Data, Group, Part

_TAIL = 15
"""Lines of Go's output that an error quotes."""

_CAUSES = (
    ("no space left", "free some disk space; the parts and Go's caches of them take 14 GB"),
    ("checksum mismatch", "the download is not what toolchain/go pins: find out who changed it"),
    ("signal: killed", "free some memory: the system ended the compiler"),
    ("dial tcp", "check the network, or set GOPROXY to a mirror that this machine reaches"),
    ("reading http", "check the network, or set GOPROXY to a mirror that this machine reaches"),
    ("not found", "check that GOPROXY names a proxy that serves the module"),
)
"""What Go's output holds, and what to do then."""


def ensure(
    group: Group | Literal["all"],
    console: Console | None = None,
    operators: Collection[str] = (),
) -> Toolchain:
    """Build whatever of *group* is neither found on the machine nor built before.

    Of *operators*, those that are programs of the toolchain are built with it.
    Finished parts stay when a build is interrupted or fails; two at once wait for each other.
    Raises ToolchainError that names the module, Go's last words and what to do.
    """
    console = console or Console(stderr=True)
    pulumi = group in {"pulumi", "all"}
    usable = found.look() if pulumi else None
    toolchain = Toolchain(usable if usable and usable.usable else None)
    wanted = _wanted(group, operators, toolchain)
    if not all(made(entry) for entry in wanted):
        with _alone(console):
            _make([entry for entry in wanted if not made(entry)], console)
    if pulumi and toolchain.found is None:
        toolchain.lay_out()
    return toolchain


def _wanted(group: str, operators: Collection[str], toolchain: Toolchain) -> list[Part | Data]:
    groups = set(get_args(Group)) if group == "all" else {group, *operators}
    if toolchain.found is not None:
        groups.discard("pulumi")
    entries: tuple[Part | Data, ...] = (*DATA, *PARTS)
    return [entry for entry in entries if entry.group in groups]


@contextmanager
def _alone(console: Console) -> Generator[None]:
    root = cache.root()
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / "build.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with console.status("Another pai builds the toolchain; waiting for it …"):
            console.print("Another pai builds the toolchain; waiting for it.", style="dim")
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _make(missing: Sequence[Part | Data], console: Console) -> None:
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
            verb = "Building" if isinstance(entry, Part) else "Fetching data of"
            what = f"{verb} {entry.name} {entry.version.partition('+')[0]}"
            progress.update(task, description=what)
            if not console.is_terminal:
                console.print(f"{what} ({number} of {len(missing)}) …", soft_wrap=True)
            began = time.monotonic()
            _make_one(program, entry)
            took = time.monotonic() - began
            progress.advance(task)
            console.print(f"{entry.name}: {took:.0f} s", style="dim")


def _make_one(program: Path, entry: Part | Data) -> None:
    """Make one entry aside and move it into place whole."""
    target = folder_of(entry)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        if isinstance(entry, Part):
            began = time.monotonic()
            _compile(program, entry, partial)
            record(partial, entry, time.monotonic() - began)
        else:
            _copy(program, entry, partial)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _compile(program: Path, part: Part, into: Path) -> None:
    words = ["build", "-trimpath", "-buildvcs=false", "-ldflags", part.link_flags]
    _go(program, part, [*words, "-o", str(into / part.name), part.package])


def _copy(program: Path, data: Data, into: Path) -> None:
    said = json.loads(_go(program, data, ["mod", "download", "-json", data.path]))
    if said["Version"] != data.version:
        raise ToolchainError(
            Problem(
                path=f"toolchain/go/{data.module}/go.mod",
                got=f"{data.path} {said['Version']}",
                allowed=f"{data.version}, as in toolchain/pins.py",
                change="make the two agree",
            )
        )
    source = Path(said["Dir"])
    for kept in data.keep:
        for file in sorted(path for path in (source / kept, *(source / kept).rglob("*"))):
            if file.is_file():
                copy = into / file.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)  # not its mode: the module cache is read-only
                if file.read_bytes()[:2] == b"#!":
                    copy.chmod(0o755)


def _go(program: Path, entry: Part | Data, words: list[str]) -> str:
    done = subprocess.run(  # noqa: S603 - no shell
        [program, *words],
        cwd=MODULES / entry.module,
        env=go.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    tail = "\n  ".join(said[-_TAIL:])
    change = next(
        (change for sign, change in _CAUSES if sign in tail.lower()),
        "read Go's last lines above, then run the command again: finished parts stay",
    )
    raise ToolchainError(
        Problem(
            path=f"{entry.name} (module toolchain/go/{entry.module})",
            got=f"`go {words[0]}` ended with {done.returncode}:\n  {tail}\n",
            allowed=f"a build of {entry.version}",
            change=change,
        )
    )
