"""`pai config check`: what the policies would refuse is told before anything is created."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli import stack_file
from cli.main import app
from tests.paths import ROOT


def _check(folder: Path, monkeypatch: pytest.MonkeyPatch, stack: str, *words: str) -> Any:
    monkeypatch.setattr(stack_file, "PROJECT", folder)
    return CliRunner().invoke(app, ["config", "check", "--stack", stack, *words])


def _without_declaration(folder: Path, stack: str) -> None:
    content = yaml.safe_load((ROOT / "Pulumi.prod.yaml").read_text())
    del content["config"]["private-ai:stack"]["cluster"]["storage_classes"][0]["encrypted_by"]
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(content))


def test_a_class_that_nobody_declares_encrypted_is_a_problem_with_the_setting_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_declaration(tmp_path, "hospital")
    done = _check(tmp_path, monkeypatch, "hospital", "--json")
    assert done.exit_code == 1
    [problem] = json.loads(done.stdout)
    assert problem["path"] == "cluster.storage_classes.0.encrypted_by"
    assert "fast-nvme" in problem["got"]
    assert "waivers.hospital.yaml" in problem["change"]


def test_it_is_none_where_a_waiver_of_the_stack_accepts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_declaration(tmp_path, "hospital")
    (tmp_path / "waivers.hospital.yaml").write_text(
        "waivers:\n"
        "  - {rule: encrypted-storage, resource: '*/*/*', subjects: [fast-nvme], owner: ops,"
        " reason: A trial., expires: 2100-01-01}\n"
    )
    assert _check(tmp_path, monkeypatch, "hospital").exit_code == 0


def test_a_stack_that_is_only_advised_gets_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _without_declaration(tmp_path, "local")
    done = _check(tmp_path, monkeypatch, "local")
    assert done.exit_code == 0
    assert "Advice: cluster.storage_classes.0.encrypted_by" in done.output


@pytest.mark.parametrize("stack", ["local", "staging", "prod"])
def test_the_stacks_here_declare_all_they_use(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    done = _check(ROOT, monkeypatch, stack)
    assert done.exit_code == 0
    assert "encrypted_by" not in done.output
