"""Waivers suppress exactly the findings they name, for a reason, until a date."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import Resource, check
from policies.checking import check_waivers
from policies.waivers import FILE, Waivers, WaiversError, load
from tests.policies.manifests import POD, Manifest, change, no_waivers, workload

_TODAY = date(2026, 11, 21)
_VALID: dict[str, Any] = {
    "rule": "no-host-path",
    "resource": "DaemonSet.apps/models/chat",
    "subjects": ["/var/lib/kubelet/device-plugins"],
    "reason": "It announces the GPUs there.",
    "owner": "platform",
    "expires": date(2027, 1, 31),
}


def written(folder: Path, *waivers: object, **top: object) -> Waivers:
    file = folder / "waivers.yaml"
    file.write_text(yaml.safe_dump({**top, "waivers": list(waivers)}))
    return load(file, _TODAY)


def mounting(path: str, kind: str = "DaemonSet") -> Manifest:
    volume = {"name": "node", "hostPath": {"path": path}}
    return change(workload(kind), (*POD, "volumes", 0), volume)


def rules_found(waivers: Waivers, *manifests: Manifest, urn: str = "") -> list[str]:
    resources = [Resource.of(manifest, urn) for manifest in manifests]
    found = [*check(resources, stack_rules=(), waivers=waivers), *check_waivers(resources, waivers)]
    return [finding.rule for finding in found]


_PLUGINS = "/var/lib/kubelet/device-plugins"


def test_a_waiver_suppresses_the_finding_it_names(tmp_path: Path) -> None:
    assert rules_found(no_waivers(), mounting(_PLUGINS)) == ["no-host-path"]
    assert rules_found(written(tmp_path, _VALID), mounting(_PLUGINS)) == []


@pytest.mark.parametrize("path", ["/", "/var/lib/kubelet", f"{_PLUGINS}/.."])
def test_it_suppresses_no_other_finding_of_the_rule(tmp_path: Path, path: str) -> None:
    assert rules_found(written(tmp_path, _VALID), mounting(path)) == ["no-host-path", "waiver-used"]


def test_it_suppresses_no_finding_of_another_rule(tmp_path: Path) -> None:
    also = change(mounting(_PLUGINS), (*POD, "hostPID"), True)
    assert rules_found(written(tmp_path, _VALID), also) == ["no-host-namespaces"]


def test_it_suppresses_no_finding_on_another_resource(tmp_path: Path) -> None:
    waivers = written(tmp_path, _VALID)
    assert rules_found(waivers, mounting(_PLUGINS, "Deployment")) == ["no-host-path", "waiver-used"]


def test_a_name_in_pulumi_counts_before_the_object_s_own(tmp_path: Path) -> None:
    waivers = written(tmp_path, _VALID | {"resource": "DaemonSet.apps/models/h200-*"})
    urn = "urn:pulumi:prod::any::kubernetes:apps/v1:DaemonSet::h200-device-plugin"
    assert rules_found(waivers, mounting(_PLUGINS), urn=urn) == []


def test_it_applies_until_the_end_of_its_last_day(tmp_path: Path) -> None:
    assert rules_found(written(tmp_path, _VALID | {"expires": _TODAY}), mounting(_PLUGINS)) == []


def test_an_expired_one_suppresses_nothing_and_is_a_finding_itself(tmp_path: Path) -> None:
    waivers = written(tmp_path, _VALID | {"expires": date(2026, 11, 20)})
    assert rules_found(waivers, mounting(_PLUGINS)) == ["no-host-path", "waiver-sound"]


@pytest.mark.parametrize(
    ("field", "value", "got", "allowed"),
    [
        ("rule", None, "missing or empty", "a string"),
        ("resource", None, "missing or empty", "a string"),
        ("reason", None, "missing or empty", "a sentence"),
        ("owner", None, "missing or empty", "a string"),
        ("expires", None, "missing", "a date (YYYY-MM-DD)"),
        ("reason", "  ", "missing or empty", "a sentence"),
        ("expires", "soon", "`soon`", "a date (YYYY-MM-DD)"),
        ("subjects", "everything", "not a list", "a list of patterns"),
        ("subjects", [], "an empty list", "a list of patterns"),
        ("optional", "perhaps", "`perhaps`", "true or false"),
        (
            "because",
            "a misspelt field",
            "an unknown field",
            "expires, gap, optional, owner, reason, resource, rule, stack, subjects",
        ),
    ],
)
def test_one_with_a_mistake_suppresses_nothing_and_is_reported(
    tmp_path: Path, field: str, value: object, got: str, allowed: str
) -> None:
    waivers = written(tmp_path, _VALID | {field: value})
    assert "no-host-path" in rules_found(waivers, mounting(_PLUGINS))
    [finding] = check_waivers([], waivers)
    assert (finding.rule, finding.path) == ("waiver-sound", f"waivers.yaml[0].{field}")
    assert finding.message == (
        f"[waiver-sound] waivers.yaml[0].{field}\n"
        f"    got:      {got}\n"
        f"    allowed:  {allowed}\n"
        "    change:   complete the waiver, renew it after a review, or fix the violation and"
        " remove the waiver"
    )


def test_one_for_an_unknown_rule_is_a_finding(tmp_path: Path) -> None:
    waivers = written(tmp_path, _VALID | {"rule": "no-hostpath"})
    assert rules_found(waivers, mounting(_PLUGINS)) == [
        "no-host-path",
        "waiver-sound",
        "waiver-used",
    ]


def test_one_that_matches_nothing_is_advisory_unless_it_is_optional(tmp_path: Path) -> None:
    assert rules_found(written(tmp_path, _VALID), workload()) == ["waiver-used"]
    assert rules_found(written(tmp_path, _VALID | {"optional": True}), workload()) == []


def test_one_for_another_stack_or_project_neither_applies_nor_is_unused(tmp_path: Path) -> None:
    urn = "urn:pulumi:prod::mine::kubernetes:apps/v1:DaemonSet::chat"
    elsewhere = written(tmp_path, _VALID | {"stack": "local"})
    assert rules_found(elsewhere, mounting(_PLUGINS), urn=urn) == ["no-host-path"]
    other = written(tmp_path, _VALID, project="private-ai")
    assert rules_found(other, mounting(_PLUGINS), urn=urn) == ["no-host-path"]


def test_a_program_names_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, _VALID)
    monkeypatch.setenv(FILE, str(tmp_path / "waivers.yaml"))
    assert [waiver.location for waiver in load().waivers] == ["waivers.yaml[0]"]


@pytest.mark.parametrize(
    ("content", "got"),
    [("a: 1", "missing"), ("waivers: {}", "a dict"), ("waivers: none", "a str")],
)
def test_a_file_without_a_list_is_refused(tmp_path: Path, content: str, got: str) -> None:
    (tmp_path / "waivers.yaml").write_text(content)
    with pytest.raises(WaiversError) as raised:
        load(tmp_path / "waivers.yaml")
    assert str(raised.value) == (
        "waivers.yaml: waivers\n"
        f"    got:      {got}\n"
        "    allowed:  a list of waivers, which may be empty\n"
        "    change:   add `waivers: []`, or list the waivers as docs/reference/policies.md shows"
    )


def test_a_file_that_is_not_valid_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text("waivers: [")
    with pytest.raises(WaiversError) as raised:
        load(tmp_path / "waivers.yaml")
    [problem] = raised.value.problems
    assert problem.path == "waivers.yaml"
    assert re.search(r"line \d, column \d+", problem.got)
    assert (problem.allowed, problem.change) == (
        "a list of waivers: `waivers: []`",
        "Correct that line.",
    )


def test_the_waivers_of_this_project_are_valid_today() -> None:
    assert [f.message for f in check_waivers([], load(today=_TODAY))] == []
