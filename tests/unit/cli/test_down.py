"""`pai down` and `pai up` touch what they were asked for, and nothing outside their own folder."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.main import app
from sim import cluster
from sim.errors import SimError

HOSTILE = [
    *("..", ".", "../victim", "/etc", "a/b", "a/../b", "", " ", "~", "*", "local/", "./local"),
    *("\0", "local\n", "a" * 101, "-", "--", "$(id)", "é", ".hidden"),
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, with a file of somebody else beside it."""
    monkeypatch.setenv("PAI_CACHE", str(tmp_path / "cache"))
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "thesis.txt").write_text("years of work")
    return tmp_path


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", [["down"], ["sim", "down"]])
@pytest.mark.parametrize("name", [*HOSTILE, "nosuch"])
def test_a_name_that_no_stack_has_is_an_error_and_removes_nothing(
    command: list[str], name: str, cache: Path
) -> None:
    before = _files(cache)

    done = CliRunner().invoke(app, [*command, f"--stack={name}"])

    assert done.exit_code == 2, done.output
    assert "--stack" in done.stderr
    assert _files(cache) == before


@given(st.text(max_size=20) | st.sampled_from(HOSTILE))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_leads_out_of_the_folder_of_the_simulation(cache: Path, name: str) -> None:
    with suppress(SimError):
        cluster.down([name])

    assert (cache / "victim" / "thesis.txt").read_text() == "years of work"
    assert (cache / "cache").is_dir()


def test_a_stack_that_does_not_run_is_said_to_be_so() -> None:
    done = CliRunner().invoke(app, ["down"])

    assert (done.exit_code, done.stdout) == (0, "local: was not running\n")


def test_all_stacks_are_stopped_on_request_only() -> None:
    runner = CliRunner()

    assert runner.invoke(app, ["down", "--all", "--yes"]).stdout == "no simulated cluster runs\n"
    assert runner.invoke(app, ["down", "--all", "--stack", "prod"]).exit_code == 2


@pytest.mark.parametrize(
    ("variable", "value", "shown"),
    [
        ("PULUMI_BACKEND_URL", "s3://states", "s3://states"),
        ("PULUMI_BACKEND_URL", "https://me:c4n4ry@host/x?token=c4n4ry", "https://host/x"),
        ("PULUMI_ACCESS_TOKEN", "pul-c4n4ry", "[secret]"),
    ],
)
def test_up_refuses_a_shell_of_another_state_without_quoting_a_credential(
    variable: str, value: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    done = CliRunner().invoke(app, ["up"])

    assert done.exit_code == 2
    assert f"{variable}\n    got:      {shown}\n" in done.stderr
    assert "c4n4ry" not in done.output
    assert "c4n4ry" not in done.output
