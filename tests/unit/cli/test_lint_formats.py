"""`pai lint` for forges and scanners: SARIF, GitHub's annotations, JUnit."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from cli.main import app
from tests.policies.manifests import BOX, POD, REMOVED, change, service_account, workload

_ODD = "x,y:z%\n::warning::\x07\u202e]]>"
_SPOILT = change(
    workload(),
    *((*BOX, "resources", "limits", "memory"), REMOVED),
    *((*POD, "priorityClassName"), REMOVED),
    *((*BOX, "securityContext", "privileged"), True),
    *((*BOX, "image"), f"docker.io/{_ODD}:latest"),
)
_MEMBERS = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {"type": "array", "items": {"$ref": "#/definitions/run"}},
    },
    "definitions": {
        "run": {
            "required": ["tool"],
            "properties": {
                "tool": {
                    "required": ["driver"],
                    "properties": {
                        "driver": {
                            "required": ["name"],
                            "properties": {
                                "rules": {
                                    "uniqueItems": True,
                                    "items": {
                                        "required": ["id"],
                                        "properties": {
                                            "shortDescription": {"required": ["text"]},
                                            "fullDescription": {"required": ["text"]},
                                            "help": {"required": ["text"]},
                                            "defaultConfiguration": {"$ref": "#/definitions/level"},
                                        },
                                    },
                                }
                            },
                        }
                    },
                },
                "invocations": {"items": {"required": ["executionSuccessful"]}},
                "results": {"items": {"$ref": "#/definitions/result"}},
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            },
        },
        "level": {"properties": {"level": {"enum": ["none", "note", "warning", "error"]}}},
        "result": {
            "required": ["message"],
            "allOf": [{"$ref": "#/definitions/level"}],
            "properties": {
                "ruleIndex": {"type": "integer", "minimum": -1},
                "message": {"required": ["text"]},
                "locations": {"items": {"$ref": "#/definitions/location"}},
            },
        },
        "location": {
            "properties": {
                "physicalLocation": {
                    "required": ["artifactLocation"],
                    "properties": {
                        "artifactLocation": {"properties": {"uri": {"format": "uri-reference"}}},
                        "region": {
                            "required": ["startLine"],
                            "properties": {"startLine": {"type": "integer", "minimum": 1}},
                        },
                    },
                }
            }
        },
    },
}
"""What SARIF 2.1.0 requires of the members that are written (oasis-tcs/sarif-spec,
sarif-2.1/schema/sarif-schema-2.1.0.json, `definitions`, `required` of sarifLog, run, tool,
toolComponent, reportingDescriptor, result, message, physicalLocation, region, invocation). The
whole output was valid against that schema (commit e058381, November 2026)."""


def lint(folder: Path, form: str, *words: str) -> tuple[int, str]:
    (folder / "all.yaml").write_text(yaml.safe_dump_all([service_account(), _SPOILT]))
    (folder / "bad.yaml").write_text("kind: [")
    done = CliRunner().invoke(app, ["lint", str(folder), "--format", form, *words])
    return done.exit_code, done.stdout


@pytest.fixture
def found(tmp_path: Path) -> list[dict[str, Any]]:
    return json.loads(lint(tmp_path, "json")[1])


def test_sarif_has_what_the_standard_requires(tmp_path: Path) -> None:
    code, output = lint(tmp_path, "sarif")
    assert code == 2
    log = json.loads(output)
    Draft7Validator(_MEMBERS).validate(log)
    [run] = log["runs"]
    assert run["invocations"] == [{"executionSuccessful": False}]


def test_sarif_ranks_by_severity_and_names_the_rule_and_the_line(
    tmp_path: Path, found: list[dict[str, Any]]
) -> None:
    [run] = json.loads(lint(tmp_path, "sarif")[1])["runs"]
    rules = run["tool"]["driver"]["rules"]
    levels = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
    assert len(run["results"]) == len(found)
    for result, finding in zip(run["results"], found, strict=True):
        rule = rules[result["ruleIndex"]]
        assert result["ruleId"] == rule["id"] == finding["rule"]
        assert (
            result["level"] == levels[finding["severity"]] == rule["defaultConfiguration"]["level"]
        )
        if finding["file"]:
            [location] = result["locations"]
            assert location["physicalLocation"]["region"] == {"startLine": finding["line"]}


def test_a_path_of_sarif_is_a_reference_from_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a b#ü%.yaml").write_text("kind: [")
    for name in ("a b#ü%.yaml", str(tmp_path / "a b#ü%.yaml")):
        done = CliRunner().invoke(app, ["lint", name, "--format", "sarif"])
        [result] = json.loads(done.stdout)["runs"][0]["results"]
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert place == {"uri": "a%20b%23%C3%BC%25.yaml"}


def test_github_gets_one_command_a_finding_and_none_from_a_manifest(
    tmp_path: Path, found: list[dict[str, Any]]
) -> None:
    _, output = lint(tmp_path, "github")
    commands = output.splitlines()
    assert len(commands) == len(found)
    kinds = {"critical": "error", "high": "error", "medium": "warning", "low": "notice"}
    for command, finding in zip(commands, found, strict=True):
        assert command.startswith(f"::{kinds[finding['severity']]} file=")
        assert f",line={finding['line']},title={finding['rule']} (" in command
    assert any("%0A::warning::" in command for command in commands)


def test_junit_has_a_failure_for_what_is_mandatory_and_skips_advice(
    tmp_path: Path, found: list[dict[str, Any]]
) -> None:
    def counts(*words: str) -> dict[str, int]:
        root = ET.fromstring(lint(tmp_path, "junit", *words)[1].encode())  # noqa: S314 - ours
        tags = [child.tag for case in root.iter("testcase") for child in case]
        for suite in root:
            sums = {"failures": "failure", "errors": "error", "skipped": "skipped"}
            for name, tag in sums.items():
                assert suite.get(name) == str(len(suite.findall(f"testcase/{tag}")))
            assert suite.get("tests") == str(len(suite))
        return {tag: tags.count(tag) for tag in set(tags)} | {
            "cases": len([*root.iter("testcase")])
        }

    mandatory = sum(f["level"] == "mandatory" for f in found) - 1
    advisory = len(found) - 1 - mandatory
    # The account is without a finding.
    cases = len(found) + 1
    assert advisory > 0
    assert counts() == {"error": 1, "failure": mandatory, "skipped": advisory, "cases": cases}
    assert counts("--strict") == {"error": 1, "failure": mandatory + advisory, "cases": cases}


def test_nothing_found_is_valid_in_every_format(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(yaml.safe_dump(service_account()))
    for form, empty in {"json": "[]", "github": ""}.items():
        done = CliRunner().invoke(app, ["lint", str(tmp_path), "--format", form])
        assert (done.exit_code, done.stdout.strip()) == (0, empty)
    done = CliRunner().invoke(app, ["lint", str(tmp_path), "--format", "sarif"])
    Draft7Validator(_MEMBERS).validate(json.loads(done.stdout))
    done = CliRunner().invoke(app, ["lint", str(tmp_path), "--format", "junit"])
    assert len(ET.fromstring(done.stdout.encode())) == 1  # noqa: S314 - ours
