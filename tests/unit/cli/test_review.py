"""`pai review`: formats, exit codes, and errors where no preview is possible."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import cli.preview
import cli.stack_file
from cli.main import app
from config.reference import KEY
from review.build import report as built
from review.events import Preview
from review.graph import Graph
from review.report import Report, Verdict
from review.run import PreviewRun
from tests.unit.review.review_support import reviewed

FORMATS = {
    "github": "<!-- pai review: local -->",
    "gitlab": "<!-- pai review: local -->",
    "forgejo": "<!-- pai review: local -->",
    "html": "<!doctype html>",
    "terminal": "local: changes to review",
    "json": '{\n  "version": 1,',
}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A report in a file."""
    file = tmp_path / "review.json"
    file.write_text(reviewed("larger-model").model_dump_json())
    return file


@pytest.mark.parametrize(("form", "begins"), FORMATS.items())
def test_a_kept_report_is_rendered_in_every_format(kept: Path, form: str, begins: str) -> None:
    out = kept.with_suffix(".out")

    done = CliRunner().invoke(
        app, ["review", "--from", str(kept), "--format", form, "--out", str(out)]
    )

    assert out.read_text(encoding="utf-8").startswith(begins)
    assert done.exit_code == 3


def test_without_a_file_it_goes_to_standard_output(kept: Path) -> None:
    done = CliRunner().invoke(app, ["review", "--from", str(kept), "--format", "json"])

    assert Report.model_validate_json(done.stdout) == reviewed("larger-model")


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.CLEAN, 0),
        (Verdict.FAILED, 1),
        (Verdict.CHANGES, 3),
        (Verdict.REFUSED, 4),
        (Verdict.DOES_NOT_FIT, 5),
    ],
)
def test_the_exit_code_is_the_verdict(tmp_path: Path, verdict: Verdict, code: int) -> None:
    file = tmp_path / "review.json"
    report = reviewed("unchanged").model_copy(update={"verdict": verdict})
    file.write_text(report.model_dump_json())

    assert CliRunner().invoke(app, ["review", "--from", str(file)]).exit_code == code


def test_a_file_that_is_no_report_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    file.write_text(json.dumps({"version": 2}))

    done = CliRunner().invoke(app, ["review", "--from", str(file)])

    assert done.exit_code == 2
    assert "--from\n    got:      other.json, with a schema error at version\n" in done.stderr


def test_a_report_of_another_stack_is_refused(kept: Path) -> None:
    """It was rendered without a word: approved for prod, made of local."""
    done = CliRunner().invoke(app, ["review", "--from", str(kept), "--stack", "prod"])

    assert done.exit_code == 2
    assert "got:      review.json, a report of stack local\n" in done.stderr
    assert (
        CliRunner().invoke(app, ["review", "--from", str(kept), "--stack", "local"]).exit_code == 3
    )


def test_an_unknown_stack_is_refused_by_name() -> None:
    done = CliRunner().invoke(app, ["review", "--stack", "nowhere"])

    assert done.exit_code == 2
    assert "Pulumi.nowhere.yaml does not exist" in done.output


def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    source = Path(cli.preview.__file__).parent.parent / "Pulumi.local.yaml"
    content = yaml.safe_load(source.read_text())
    content["config"][KEY] |= changes
    (tmp_path / "Pulumi.local.yaml").write_text(yaml.safe_dump(content))
    for module in (cli.preview, cli.stack_file):
        monkeypatch.setattr(module, "PROJECT", tmp_path)


def test_a_configuration_that_does_not_fit_is_refused_before_a_preview(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _project(tmp_path, monkeypatch, qdrant={"nodez": 3})

    done = CliRunner().invoke(app, ["review", "--format", "github"])

    assert done.exit_code == 5
    assert "does not fit" in done.stdout
    assert "1. **`qdrant.nodez`**" in done.stdout
    assert "Rename it to nodes." in done.stdout


def test_a_stack_file_without_settings_is_refused_and_not_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _project(tmp_path, monkeypatch)
    (tmp_path / "Pulumi.local.yaml").write_text("# nothing yet\n")

    done = CliRunner().invoke(app, ["review", "--format", "github"])

    assert done.exit_code == 5
    assert "does not fit" in done.stdout


def test_a_shell_with_a_state_of_its_own_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state of a real stack: nothing is simulated, and the report does not say that it is."""
    _project(tmp_path, monkeypatch)
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://state")
    seen: dict[str, str] = {}

    def preview(project: Path, stack: str, env: dict[str, str]) -> PreviewRun:
        assert (project, stack) == (tmp_path, "local")
        seen.update(env)
        return PreviewRun(Preview(), Graph(), Graph(), "error: no stack named 'local' found")

    monkeypatch.setattr(cli.preview.run, "preview", preview)

    done = CliRunner().invoke(app, ["review", "--format", "json"])

    assert seen["PULUMI_BACKEND_URL"] == "s3://state"
    report = Report.model_validate_json(done.stdout)
    assert (report.simulated, done.exit_code) == (False, 1)
    assert report.failure
    assert "no stack named 'local' found" in report.failure.message


def test_an_engine_that_ended_without_a_word_failed() -> None:
    report = built(Preview(), stack="a")

    assert report.verdict is Verdict.FAILED
    assert report.failure
    assert report.failure.message == "the engine stopped without an error message"
