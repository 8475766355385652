"""Every error of every command is printed by one printer, and has one code for one kind."""

import json
import re
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import cli.preview
import cli.stack_file
from base.problems import Problem
from cli import sim as simulation
from cli.errors import CommandError, wants_json
from cli.main import COMMANDS, app
from review.report import Report
from tests.unit.review.review_support import reviewed

FOUR_LINES = re.compile(
    r"\A(?:\d+\. )?\S.*\n    got:      .+\n    allowed:  .+\n    change:   .+", re.MULTILINE
)


def pai(*words: str) -> Result:
    return CliRunner().invoke(app, words, prog_name="pai")


def required(name: str) -> list[str]:
    """What the command *name* asks for besides the stack."""
    return {
        "apply": ["--reviewed", "0" * 64],
        "comment": ["--report", "r", "--forge", "github", "--pull", "1", "--commit", "0" * 40],
        "models import": ["folder"],
        "logs": ["chat"],
        "lint": ["-"],
        "size": ["a/b", "--revision", "0" * 40],
    }.get(name, [])


WITH_A_STACK = [
    name
    for command in COMMANDS
    for name, each in (
        (f"{command.name} {below}".strip(), loaded)
        for below, loaded in (
            getattr(command.loaded(), "commands", None) or {"": command.loaded()}
        ).items()
    )
    if any("--stack" in option.opts for option in each.params)
    and name not in ("lint", "comment", "models import")  # of an object, a report, a manifest
]


@pytest.mark.parametrize("name", WITH_A_STACK)
def test_an_unknown_stack_has_one_text_and_one_code(name: str) -> None:
    done = pai(*name.split(), *required(name), "--stack", "nowhere")

    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("--stack\n    got:      nowhere")
    assert FOUR_LINES.match(done.stderr)
    if "down" not in name:  # which also knows clusters without a file
        assert "nowhere, but Pulumi.nowhere.yaml does not exist" in done.stderr


@pytest.mark.parametrize(
    "name", ["config check", "plan", "models list", "preflight", "permissions", "drift", "sim up"]
)
def test_a_file_without_settings_has_one_text(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.local.yaml").write_text("# nothing yet\n")
    monkeypatch.setattr(cli.stack_file, "PROJECT", tmp_path)
    (tmp_path / "Pulumi.yaml").touch()
    monkeypatch.chdir(tmp_path)

    done = pai(*name.split(), "--stack", "local")

    assert done.exit_code == 1
    assert "got:      line 1: nothing in place of a mapping" in done.stderr


@pytest.mark.parametrize(
    ("words", "path", "got", "change"),
    [
        (["plna"], "pai", "no such command 'plna'", "did you mean 'plan'?"),
        (["up", "--stak", "x"], "pai up", "no such option: --stak", "did you mean --stack?"),
        (["apply"], "--stack", "nothing", "see `pai apply --help`"),
        (["up", "--stack"], "--stack", "requires an argument", "add the value"),
        (["size", "a", "--gpus", "0"], "--gpus", "greater than or equal to 1", "pai size --help"),
        (["drift", "--format", "pdf"], "--format", "'pdf'", "see `pai drift --help`"),
        (["lint", "--waivers", "no.yaml", "x"], "--waivers", "does not exist", "pai lint --help"),
        (["config", "chek"], "pai config", "no such command 'chek'", "did you mean 'check'?"),
        (["plan", "prod"], "pai plan", "prod, an argument too many", "`pai plan --stack prod`"),
        (["plan", "nope"], "pai plan", "nope, an argument too many", "see `pai plan --help`"),
        (
            ["config", "check", "prod"],
            "pai config check",
            "prod",
            "`pai config check --stack prod`",
        ),
        (["drift", "--json", "x"], "pai drift", "no such option: --json", "see `pai drift --help`"),
    ],
)
def test_a_wrong_command_line_is_told_in_four_lines(
    words: list[str], path: str, got: str, change: str
) -> None:
    done = pai(*words)

    assert done.exit_code == 2
    if "--json" in words:
        [problem] = json.loads(done.stdout)["problems"]
        assert (problem["path"], got in problem["got"]) == (path, True)
        return
    assert FOUR_LINES.match(done.stderr), done.stderr
    assert done.stderr.startswith(f"{path}\n")
    assert got in done.stderr
    assert change in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["plan", "--stack", "nowhere", "--json"], 2),
        (["config", "check", "--stack", "nowhere", "--json"], 2),
        (["size", "no such model", "--json"], 2),
        (["size", "--config", "pyproject.toml", "--json"], 2),
        (["size", "qwen3-4b", "--gpu", "abacus", "--json"], 2),
        (["size", "qwen3-4b", "--gpus", "many", "--json"], 2),
        (["models", "list", "--stack", "nowhere", "--json"], 2),
        (["review", "--stack", "nowhere", "--format", "json"], 2),
        (["review", "--from", "nowhere.json", "--format=json"], 2),
        (["status", "--stack", "nowhere", "--json"], 2),
        (["explain", "nothing", "--json"], 2),
        (["images", "lock", "nothing", "--json"], 2),
        (["preflight", "--kubeconfig", "nowhere", "--json"], 2),
    ],
)
def test_where_json_is_asked_for_errors_are_json(words: list[str], code: int) -> None:
    done = pai(*words)

    assert done.exit_code == code
    problems = json.loads(done.stdout)["problems"]
    assert problems
    assert all(set(p) == {"path", "got", "allowed", "change"} for p in problems)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("line", "json_wanted"),
    [
        ("size x --json", True),
        ("review --format json", True),
        ("review --format=json --out x", True),
        ("review --format html", False),
        ("lint -- --json", False),
        ("review --out json", False),
    ],
)
def test_json_is_asked_for_by_two_options(line: str, json_wanted: bool) -> None:
    assert wants_json(line.split()) is json_wanted


def test_a_file_that_cannot_be_written_is_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(_: str) -> Report:
        return reviewed("unchanged")

    monkeypatch.setattr(cli.preview, "preview_report", report)
    done = pai("review", "--out", str(tmp_path / "nowhere" / "report"))

    assert done.exit_code == 1
    assert FOUR_LINES.match(done.stderr)
    assert "No such file or directory" in done.stderr


def test_a_fault_of_the_program_stays_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli.preview, "preview_report", broken)

    assert isinstance(pai("review").exception, ZeroDivisionError)


def test_an_answer_of_no_changes_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise typer.Abort

    monkeypatch.setattr(cli.preview, "preview_report", refused)
    done = pai("review")

    assert (done.exit_code, done.stderr) == (1, "Nothing was changed.\n")


def test_ctrl_c_exits_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.preview, "preview_report", interrupted)

    assert pai("review").exit_code == 130


def test_a_group_of_its_own_has_the_same_printer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests and other programs call the apps of single modules."""

    def fails(*_: object) -> None:
        raise CommandError(Problem("here", "this", "that", "mend it"))

    monkeypatch.setattr("sim.cluster.status", fails)
    done = CliRunner().invoke(simulation.app, ["status"])

    assert done.exit_code == 1
    assert FOUR_LINES.match(done.stderr)
