"""How `pulumi up` is called by `pai up` and `pai apply`, and what its end means."""

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

import cli.stack_file
from cli.deployment import Detail, deploy
from cli.main import app
from cli.up_log import UpLog
from toolchain import build, child, state
from toolchain.errors import ToolchainError


class Pulumi:
    """Stands for the child: what it was called with, and how it ends."""

    def __init__(self, code: int = 0, interrupted_by: int | None = None) -> None:
        self.ended = child.Ended(pid=7, code=code, interrupted_by=interrupted_by)
        self.argv: list[str] = []
        self.env: dict[str, str] = {}
        self.reader: Any = None

    def run(self, argv: list[str], *, env: dict[str, str], reader: Any, **_: Any) -> child.Ended:
        """In place of `toolchain.child.run`."""
        self.argv, self.env, self.reader = argv, env, reader
        return self.ended


def ran(
    monkeypatch: pytest.MonkeyPatch,
    pulumi: Pulumi,
    detail: Detail = Detail.USUAL,
    *,
    terminal: bool = False,
) -> Pulumi:
    monkeypatch.setattr(child, "run", pulumi.run)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    deploy("local", ["--skip-preview"], {"A": "b"}, detail=detail, again="run it again")
    return pulumi


@pytest.mark.parametrize(
    ("detail", "terminal", "read"),
    [
        (Detail.USUAL, True, False),
        (Detail.USUAL, False, True),
        (Detail.RAW, True, False),
        (Detail.RAW, False, False),
        (Detail.QUIET, True, True),
        (Detail.QUIET, False, True),
    ],
)
def test_pulumi_shows_itself_in_a_terminal_and_is_read_elsewhere(
    monkeypatch: pytest.MonkeyPatch, detail: Detail, terminal: bool, read: bool
) -> None:
    called = ran(monkeypatch, Pulumi(), detail, terminal=terminal)

    assert called.argv[:5] == ["pulumi", "up", "--stack", "local", "--yes"]
    assert "--skip-preview" in called.argv
    assert isinstance(called.reader, UpLog) is read
    assert ("--json" in called.argv) is read
    assert ("PULUMI_ENABLE_STREAMING_JSON_PREVIEW" in called.env) is read


def test_a_failure_is_an_error_that_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolchainError, match="fix the errors above; run it again"):
        ran(monkeypatch, Pulumi(code=255))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_releases_the_lock_of_the_child_alone(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
    code: int,
) -> None:
    released: list[tuple[str, int | None]] = []
    monkeypatch.setattr(state, "release", lambda *of: released.append(of))

    with pytest.raises(typer.Exit) as ended:
        ran(monkeypatch, Pulumi(code=255, interrupted_by=number))

    assert ended.value.exit_code == code
    assert released == [("local", 7)]
    assert "Interrupted: run it again" in capsys.readouterr().err


def up(*words: str) -> Result:
    return CliRunner().invoke(app, ["up", *words], prog_name="pai")


@pytest.mark.parametrize(
    "words",
    [
        ["--quiet", "--verbose"],
        ["--config-file", __file__, "--reviewed", "0" * 64],
        ["--config-file", "nowhere.yaml"],
    ],
)
def test_options_that_exclude_each_other_start_nothing(words: list[str]) -> None:
    done = up(*words)

    assert done.exit_code == 2
    assert done.stderr.startswith(words[0])


def test_a_configuration_that_is_not_valid_is_refused_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def built(*_: object) -> None:
        raise AssertionError

    (tmp_path / "Pulumi.local.yaml").write_text("config:\n  private-ai:stack: {models: 3}\n")
    monkeypatch.setattr(cli.stack_file, "PROJECT", tmp_path)
    monkeypatch.setattr(build, "ensure", built)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)

    done = up()

    assert done.exit_code == 5
    assert "models\n    got:      3" in done.stderr
