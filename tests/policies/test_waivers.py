"""Waivers let through exactly what they name, for a reason, until a day."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import Resource, check
from policies.checking import check_waivers
from policies.waivers import FILE, Waivers, load
from tests.policies.manifests import POD, Manifest, change, no_waivers, workload

_TODAY = date(2026, 11, 21)
_SOUND: dict[str, Any] = {
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


def told(waivers: Waivers, *manifests: Manifest, urn: str = "") -> list[str]:
    resources = [Resource.of(manifest, urn) for manifest in manifests]
    found = [*check(resources, stack_rules=(), waivers=waivers), *check_waivers(resources, waivers)]
    return [finding.rule for finding in found]


_PLUGINS = "/var/lib/kubelet/device-plugins"


def test_a_waiver_lets_through_what_it_names(tmp_path: Path) -> None:
    assert told(no_waivers(), mounting(_PLUGINS)) == ["no-host-path"]
    assert told(written(tmp_path, _SOUND), mounting(_PLUGINS)) == []


@pytest.mark.parametrize("path", ["/", "/var/lib/kubelet", f"{_PLUGINS}/.."])
def test_it_lets_nothing_else_of_the_rule_through(tmp_path: Path, path: str) -> None:
    assert told(written(tmp_path, _SOUND), mounting(path)) == ["no-host-path", "waiver-used"]


def test_it_lets_nothing_of_another_rule_through(tmp_path: Path) -> None:
    also = change(mounting(_PLUGINS), (*POD, "hostPID"), True)
    assert told(written(tmp_path, _SOUND), also) == ["no-host-namespaces"]


def test_it_lets_no_other_resource_through(tmp_path: Path) -> None:
    waivers = written(tmp_path, _SOUND)
    assert told(waivers, mounting(_PLUGINS, "Deployment")) == ["no-host-path", "waiver-used"]


def test_a_name_in_pulumi_counts_before_the_object_s_own(tmp_path: Path) -> None:
    waivers = written(tmp_path, _SOUND | {"resource": "DaemonSet.apps/models/h200-*"})
    urn = "urn:pulumi:prod::any::kubernetes:apps/v1:DaemonSet::h200-device-plugin"
    assert told(waivers, mounting(_PLUGINS), urn=urn) == []


def test_it_holds_until_the_end_of_its_last_day(tmp_path: Path) -> None:
    assert told(written(tmp_path, _SOUND | {"expires": _TODAY}), mounting(_PLUGINS)) == []


def test_one_that_is_over_lets_nothing_through_and_is_a_finding_itself(tmp_path: Path) -> None:
    waivers = written(tmp_path, _SOUND | {"expires": date(2026, 11, 20)})
    assert told(waivers, mounting(_PLUGINS)) == ["no-host-path", "waiver-sound"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((required, None) for required in ("rule", "resource", "reason", "owner", "expires")),
        ("reason", "  "),
        ("expires", "soon"),
        ("subjects", "everything"),
        ("optional", "perhaps"),
        ("because", "a misspelt field"),
    ],
)
def test_one_with_a_mistake_lets_nothing_through_and_says_which(
    tmp_path: Path, field: str, value: object
) -> None:
    waivers = written(tmp_path, _SOUND | {field: value})
    assert "no-host-path" in told(waivers, mounting(_PLUGINS))
    [finding] = check_waivers([], waivers)
    assert (finding.rule, finding.path) == ("waiver-sound", f"waivers.yaml[0].{field}")
    assert finding.message.startswith("[waiver-sound] ")


def test_one_for_a_rule_that_there_is_not_is_a_finding(tmp_path: Path) -> None:
    waivers = written(tmp_path, _SOUND | {"rule": "no-hostpath"})
    assert told(waivers, mounting(_PLUGINS)) == ["no-host-path", "waiver-sound", "waiver-used"]


def test_one_that_matches_nothing_is_advice_unless_it_is_optional(tmp_path: Path) -> None:
    assert told(written(tmp_path, _SOUND), workload()) == ["waiver-used"]
    assert told(written(tmp_path, _SOUND | {"optional": True}), workload()) == []


def test_one_for_another_stack_or_project_neither_holds_nor_is_idle(tmp_path: Path) -> None:
    urn = "urn:pulumi:prod::mine::kubernetes:apps/v1:DaemonSet::chat"
    elsewhere = written(tmp_path, _SOUND | {"stack": "local"})
    assert told(elsewhere, mounting(_PLUGINS), urn=urn) == ["no-host-path"]
    other = written(tmp_path, _SOUND, project="private-ai")
    assert told(other, mounting(_PLUGINS), urn=urn) == ["no-host-path"]


def test_a_program_names_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, _SOUND)
    monkeypatch.setenv(FILE, str(tmp_path / "waivers.yaml"))
    assert [waiver.at for waiver in load().waivers] == ["waivers.yaml[0]"]


@pytest.mark.parametrize("content", ["", "[]", "waivers: {}", "waivers: none"])
def test_a_file_without_a_list_is_refused_whole(tmp_path: Path, content: str) -> None:
    (tmp_path / "waivers.yaml").write_text(content)
    with pytest.raises(ValueError, match=r"waivers\.yaml: got no list under `waivers`"):
        load(tmp_path / "waivers.yaml")


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text("waivers: [")
    with pytest.raises(ValueError, match=r"waivers\.yaml is no YAML"):
        load(tmp_path / "waivers.yaml")


def test_the_waivers_of_this_project_are_sound_today() -> None:
    assert [f.message for f in check_waivers([], load(today=_TODAY))] == []
