"""`pai apply`: what was reviewed is applied, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import cli.approval
import cli.preview
from cli.main import app
from review.report import Report, Verdict
from tests.unit.review.review_support import reviewed
from toolchain import child

pytestmark = pytest.mark.slow


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that were started."""
    started: list[list[str]] = []

    def run(words: list[str], **_: Any) -> child.Ended:
        started.append(words)
        return child.Ended(pid=1, code=0, interrupted_by=None)

    monkeypatch.setattr(child, "run", run)
    monkeypatch.setattr(cli.preview, "environment_for", lambda *_: ({}, False))
    return started


def _apply(
    monkeypatch: pytest.MonkeyPatch, today: Report, approved: str, command: str = "apply"
) -> Result:
    monkeypatch.setattr(cli.approval, "preview_report", lambda _: today)
    return CliRunner().invoke(app, [command, "--stack", "local", "--reviewed", approved])


def _kept(folder: Path, report: Report) -> str:
    file = folder / "review.json"
    file.write_text(report.model_dump_json())
    return str(file)


def test_the_reviewed_plan_is_applied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ran: list[list[str]]
) -> None:
    report = reviewed("larger-model")

    done = [
        _apply(monkeypatch, report, approved).exit_code
        for approved in (_kept(tmp_path, report), report.digest)
    ]

    assert done == [0, 0]
    assert [words[:4] for words in ran] == [["pulumi", "up", "--stack", "local"]] * 2
    assert all("--skip-preview" in words for words in ran), "it has just been previewed"


@pytest.mark.parametrize("command", ["apply", "up"])
def test_another_plan_is_refused_and_told_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ran: list[list[str]], command: str
) -> None:
    approved = _kept(tmp_path, reviewed("larger-model"))

    done = _apply(monkeypatch, reviewed("egress-opened"), approved, command)

    assert (done.exit_code, ran) == (6, [])
    assert "NetworkPolicy router-to-world: create is planned, and was not approved" in done.stderr


def test_another_digest_is_refused(monkeypatch: pytest.MonkeyPatch, ran: list[list[str]]) -> None:
    done = _apply(monkeypatch, reviewed("larger-model"), "0" * 64)

    assert (done.exit_code, ran) == (6, [])
    assert reviewed("larger-model").digest in done.stderr


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.FAILED, 1), (Verdict.REFUSED, 4), (Verdict.DOES_NOT_FIT, 5)]
)
def test_what_cannot_be_applied_is_not_even_if_it_was_approved(
    monkeypatch: pytest.MonkeyPatch, ran: list[list[str]], verdict: Verdict, code: int
) -> None:
    today = reviewed("larger-model").model_copy(update={"verdict": verdict})

    assert _apply(monkeypatch, today, today.digest).exit_code == code
    assert ran == []


@pytest.mark.parametrize(
    "update", [{"verdict": Verdict.FAILED}, {"verdict": Verdict.REFUSED}, {"stack": "prod"}]
)
def test_a_report_that_nobody_can_approve_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ran: list[list[str]], update: dict[str, Any]
) -> None:
    report = reviewed("larger-model")

    done = _apply(monkeypatch, report, _kept(tmp_path, report.model_copy(update=update)))

    assert (done.exit_code, ran) == (2, [])


def test_nothing_to_do_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ran: list[list[str]]
) -> None:
    report = reviewed("unchanged")

    assert _apply(monkeypatch, report, _kept(tmp_path, report)).exit_code == 0
    assert ran == []
