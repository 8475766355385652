"""`pai sbom`: a file or standard output, the same bytes twice, four-part errors."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app

pytestmark = pytest.mark.slow


def test_the_same_stack_is_written_in_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        done = CliRunner().invoke(app, ["sbom", "-s", "local", "--out", str(tmp_path / name)])
        assert (done.exit_code, done.output) == (0, "")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    kinds = {entry["type"] for entry in json.loads((tmp_path / "one").read_text())["components"]}
    assert kinds == {"container", "machine-learning-model", "application", "library"}


def test_a_time_that_is_no_time_is_refused() -> None:
    done = CliRunner().invoke(
        app, ["sbom", "--stack", "local"], env={"SOURCE_DATE_EPOCH": "yesterday"}
    )

    assert done.exit_code == 2
    assert "SOURCE_DATE_EPOCH\n    got:      yesterday" in done.output


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["sbom", "--stack", "local", "--out", str(tmp_path)])

    assert done.exit_code == 1
    assert "name another" in done.output


def test_a_stack_that_there_is_not_is_a_usage_error() -> None:
    assert CliRunner().invoke(app, ["sbom", "--stack", "../x"]).exit_code == 2
