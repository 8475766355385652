"""`pai lint`: the policies over files, for people, scripts and pipes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from tests.policies.manifests import (
    BOX,
    CANARY,
    POD,
    REMOVED,
    Manifest,
    change,
    namespace,
    network_policy,
    service_account,
    workload,
)

_SOUND = (workload(), service_account(), network_policy())
_WITHOUT_LIMIT = change(workload(), (*BOX, "resources", "limits", "memory"), REMOVED)
_UNRANKED = change(workload(), (*POD, "priorityClassName"), REMOVED)


def lint(*words: str, stdin: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(app, ["lint", *words], input=stdin, env={"COLUMNS": "200"})
    return done.exit_code, done.output


def written(folder: Path, *manifests: Manifest, name: str = "all.yaml") -> str:
    (folder / name).write_text(yaml.safe_dump_all(manifests))
    return str(folder / name)


def rules(output: str) -> list[str]:
    return [finding["rule"] for finding in json.loads(output)]


def test_sound_manifests_have_no_findings(tmp_path: Path) -> None:
    code, output = lint(written(tmp_path, *_SOUND))
    assert (code, output) == (0, "3 objects: 0 mandatory findings, 0 advisory\n")


def test_a_finding_is_a_row_with_what_to_change(tmp_path: Path) -> None:
    code, output = lint(written(tmp_path, *_SOUND[1:], _WITHOUT_LIMIT))
    assert code == 1
    assert "requests-and-limits" in output
    assert "limits.memory" in output
    assert "3 objects: 1 mandatory findings" in output


def test_advice_alone_is_told_and_fails_only_if_asked_to(tmp_path: Path) -> None:
    file = written(tmp_path, *_SOUND[1:], _UNRANKED)
    code, output = lint(file)
    assert code == 0
    assert "priority-class" in output
    assert lint(file, "--strict")[0] == 1


def test_scripts_get_every_part_of_a_finding(tmp_path: Path) -> None:
    code, output = lint(written(tmp_path, *_SOUND[1:], _WITHOUT_LIMIT), "--json")
    assert code == 1
    assert json.loads(output) == [
        {
            "rule": "requests-and-limits",
            "level": "mandatory",
            "severity": "high",
            "resource": "Deployment.apps/models/chat",
            "path": "spec.template.spec.containers[server].resources.limits.memory",
            "got": "missing",
            "allowed": "a quantity above zero, such as 500m or 2Gi",
            "change": "set limits.memory",
        }
    ]


def test_manifests_come_from_standard_input_as_well() -> None:
    code, output = lint("-", "--json", stdin=yaml.safe_dump_all([*_SOUND[1:], _WITHOUT_LIMIT]))
    assert (code, rules(output)) == (1, ["requests-and-limits"])


def test_a_folder_is_all_its_manifests_together(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    written(tmp_path / "deeper", workload())
    written(tmp_path, service_account(), name="account.yml")
    (tmp_path / "policy.json").write_text(json.dumps(network_policy()))
    (tmp_path / "notes.txt").write_text("no manifest")
    assert lint(str(tmp_path))[0] == 0


def test_the_items_of_a_list_are_objects_of_their_own(tmp_path: Path) -> None:
    listed: Manifest = {"apiVersion": "v1", "kind": "List", "items": [*_SOUND[1:], _WITHOUT_LIMIT]}
    code, output = lint(written(tmp_path, listed, None), "--json")  # type: ignore[arg-type]
    assert (code, rules(output)) == (1, ["requests-and-limits"])


def _waiving(folder: Path, **more: Any) -> str:
    waiver = {
        "rule": "requests-and-limits",
        "resource": "Deployment.apps/models/chat",
        "reason": "It is measured first.",
        "owner": "platform",
        "expires": "2100-01-01",
    } | more
    content = yaml.safe_dump({"waivers": [waiver]}).replace("'2100-01-01'", "2100-01-01")
    (folder / "waivers.yaml").write_text(content)
    return str(folder / "waivers.yaml")


def test_waivers_that_are_named_let_through(tmp_path: Path) -> None:
    file = written(tmp_path, *_SOUND[1:], _WITHOUT_LIMIT)
    assert lint(file, "--waivers", _waiving(tmp_path))[0] == 0
    elsewhere = _waiving(tmp_path, stack="prod")
    assert lint(file, "--waivers", elsewhere)[0] == 1
    assert lint(file, "--waivers", elsewhere, "--stack", "prod")[0] == 0


def test_a_waiver_without_a_reason_is_a_finding(tmp_path: Path) -> None:
    words = (written(tmp_path, *_SOUND), "--waivers", _waiving(tmp_path, reason=""))
    code, output = lint(*words, "--json")
    assert (code, rules(output)) == (1, ["waiver-sound"])


def test_the_waivers_of_this_project_are_not_those_of_others(tmp_path: Path) -> None:
    public = change(workload(), (*BOX, "image"), "docker.io/a/b:1")
    _, output = lint(written(tmp_path, *_SOUND[1:], public), "--json")
    assert rules(output) == ["image-digest", "image-registry"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("kind: [", "is not valid YAML"),
        ("name: chat\n", "without apiVersion and kind"),
        ("- 1\n", "without apiVersion and kind"),
    ],
)
def test_what_is_no_manifest_is_refused_by_its_file(
    tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "x.yaml").write_text(content)
    code, output = lint(str(tmp_path / "x.yaml"))
    assert code == 2
    assert f"FILE\n    got:      {tmp_path / 'x.yaml'}, " in output
    assert said in output


def test_a_file_that_there_is_not_is_refused(tmp_path: Path) -> None:
    code, output = lint(str(tmp_path / "none.yaml"))
    assert code == 2
    assert f"    got:      {tmp_path / 'none.yaml'}, which does not exist\n" in output


def test_names_like_markup_stay_text_and_secrets_are_not_printed(tmp_path: Path) -> None:
    hostile = change(namespace(), ("metadata", "name"), "[red]x[/red]")
    told = change(workload(), (*BOX, "env"), [{"name": "API_KEY", "value": CANARY}])
    _, output = lint(written(tmp_path, hostile, told))
    assert "[red]x[/red]" in output
    assert CANARY not in output
