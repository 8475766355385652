"""A child is interrupted once, is waited for, and leaves nothing behind."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.paths import ROOT

pytestmark = pytest.mark.slow

# Counts its interruptions, ends half a second after the first, and leaves a process behind.
CHILD = """
import os, signal, subprocess, sys, time
log = open(sys.argv[1], "a", buffering=1)
def note(number, _):
    log.write(f"{signal.Signals(number).name}\\n")
signal.signal(signal.SIGINT, note)
signal.signal(signal.SIGTERM, note)
orphan = subprocess.Popen(["sleep", "600"], start_new_session=True)
log.write(f"ready {orphan.pid}\\n")
while "SIG" not in open(sys.argv[1]).read():
    time.sleep(0.02)
time.sleep(0.5)
log.write("done\\n")
"""
PARENT = """
import os, sys
from pathlib import Path
from toolchain.child import run
done = run([sys.executable, "-c", *sys.argv[1:]], cwd=Path("."), env=os.environ)
sys.exit(done.exit_code)
"""


@contextmanager
def running(
    log: Path,
    child: str = CHILD,
    *,
    stdin: int = subprocess.DEVNULL,
    preexec_fn: Callable[[], object] = os.setsid,
) -> Generator[subprocess.Popen[bytes]]:
    """The runner over *child*, once that is ready; in a session of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, child, str(log)],
        cwd=ROOT,
        stdin=stdin,
        preexec_fn=preexec_fn,  # noqa: PLW1509 - before any thread
    )
    try:
        while not (log.exists() and "ready" in log.read_text()):
            assert process.poll() is None
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def alive(log: Path) -> bool:
    """Whether the process that the child left behind still runs."""
    orphan = int(log.read_text().split()[1])
    try:
        os.kill(orphan, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_group", [False, True])
def test_without_a_terminal_it_is_told_once_and_waited_for(
    number: signal.Signals, to_group: bool, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running(log) as process:
        if to_group:  # as timeout(1) does: the process, then its whole group
            process.send_signal(number)
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        assert process.wait(20) == 128 + number

    assert log.read_text().split()[2:] == [number.name, "done"]
    assert not alive(log)


def test_a_second_interruption_is_passed_on_as_well(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(log, CHILD.replace("sleep(0.5)", "sleep(4)")) as process:
        process.send_signal(signal.SIGTERM)
        time.sleep(2.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM

    assert log.read_text().count("SIGTERM") == 2


@pytest.mark.parametrize("key", [True, False])
def test_in_a_terminal_it_is_told_once_by_the_key_or_by_kill(key: bool, tmp_path: Path) -> None:
    log = tmp_path / "log"
    ours, terminal = pty.openpty()
    with running(log, preexec_fn=lambda: os.login_tty(terminal), stdin=terminal) as process:
        if key:
            os.write(ours, b"\x03")
        else:
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 128 + signal.SIGINT

    assert log.read_text().split()[2:] == ["SIGINT", "done"]
    assert not alive(log)
    os.close(ours)
    os.close(terminal)


def test_what_was_started_before_is_no_orphan() -> None:
    """As a simulated cluster, which `pai up` starts and leaves running."""
    program = (
        "import os, subprocess, sys; from pathlib import Path; from toolchain.child import run\n"
        "ours = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "run([sys.executable, '-c', ''], cwd=Path('.'), env=os.environ)\n"
        "print(ours.poll()); ours.kill(); ours.wait()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "None\n"


def test_its_lines_are_read_while_it_runs_and_to_the_last() -> None:
    program = """
import os, sys, time
from pathlib import Path
from toolchain.child import run
class Reader:
    lines, ticks = [], 0
    def line(self, text): self.lines.append((text, self.ticks))
    def tick(self): self.ticks += 1
child = "import time; print('first', flush=True); time.sleep(2); print('l\\u00e4st', end='')"
reader = Reader()
done = run([sys.executable, "-c", child], cwd=Path("."), env=os.environ, reader=reader)
(first, early), (last, late) = reader.lines
print(done.code, first, last, early < late)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0 first läst True\n"


def test_an_exit_code_is_passed_on() -> None:
    code = "import os, sys; from pathlib import Path; from toolchain.child import run; sys.exit("
    code += "run([sys.executable, '-c', 'raise SystemExit(7)'], cwd=Path('.'), env=os.environ)"
    code += ".exit_code)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 7
