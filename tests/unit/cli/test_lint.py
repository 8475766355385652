"""`pai lint`: the policies over files, for people, scripts and pipes."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.main import app
from policies.explain import ALL, explain
from tests.policies.manifests import (
    BOX,
    CANARY,
    POD,
    REMOVED,
    Manifest,
    change,
    claim,
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


def test_a_finding_is_one_line_with_its_place_and_what_to_change(tmp_path: Path) -> None:
    file = written(tmp_path, *_SOUND[1:], _WITHOUT_LIMIT)
    code, output = lint(file)
    found, counts = output.splitlines()
    assert code == 1
    line = Path(file).read_text().splitlines().index("          limits:") + 1
    assert found == (
        f"{file}:{line}  high      requests-and-limits  Deployment models/chat"
        "  containers[server].resources.limits.memory: got missing;"
        " allowed: a quantity above zero, such as 500m or 2Gi; set limits.memory"
    )
    assert counts == "3 objects: 1 mandatory finding (1 high), 0 advisory"


def test_the_gravest_comes_first(tmp_path: Path) -> None:
    privileged = change(_UNRANKED, (*BOX, "securityContext", "privileged"), True)
    _, output = lint(written(tmp_path, *_SOUND[1:], privileged))
    assert [line.split("  ")[1] for line in output.splitlines()[:-1]] == ["critical", "low"]


def test_advice_alone_is_told_and_fails_only_if_asked_to(tmp_path: Path) -> None:
    file = written(tmp_path, *_SOUND[1:], _UNRANKED)
    code, output = lint(file)
    assert code == 0
    assert "priority-class" in output
    assert lint(file, "--strict")[0] == 1


def test_scripts_get_every_part_of_a_finding(tmp_path: Path) -> None:
    code, output = lint(written(tmp_path, *_SOUND[1:], _WITHOUT_LIMIT), "--json")
    assert code == 1
    [found] = json.loads(output)
    assert found.pop("line") > 1
    assert found == {
        "rule": "requests-and-limits",
        "level": "mandatory",
        "severity": "high",
        "file": str(tmp_path / "all.yaml"),
        "resource": "Deployment.apps/models/chat",
        "path": "spec.template.spec.containers[server].resources.limits.memory",
        "got": "missing",
        "allowed": "a quantity above zero, such as 500m or 2Gi",
        "change": "set limits.memory",
    }


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
    ("content", "line", "said"),
    [
        ("a: b\nkind: [", 2, "did not find expected node content"),
        ("name: chat\n", 1, "without apiVersion and kind"),
        ("- 1\n", 1, "without apiVersion and kind"),
        ("apiVersion: 1\nkind: [x]\n", 1, "without apiVersion and kind"),
        ("apiVersion: v1\nkind: List\nitems:\n  - {}\n", 4, "without apiVersion and kind"),
        ("kind: Pod\nkind: Pod\n", 2, "the key 'kind' again, first on line 1"),
        ("kind: !Pod {}\n", 1, "the tag !Pod"),
    ],
)
def test_what_is_no_manifest_is_told_by_file_and_line(
    tmp_path: Path, content: str, line: int, said: str
) -> None:
    (tmp_path / "x.yaml").write_text(content)
    code, output = lint(str(tmp_path / "x.yaml"))
    assert code == 2
    assert output.startswith(f"{tmp_path / 'x.yaml'}:{line}  high      manifest-readable")
    assert said in output


def test_a_bad_file_hides_no_other_and_a_bad_document_none_before_it(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: [")
    (tmp_path / "b.yaml").write_text(yaml.safe_dump(_WITHOUT_LIMIT) + "---\nkind: [\n")
    written(tmp_path, *_SOUND[1:], name="c.yaml")
    code, output = lint(str(tmp_path), "--json")
    assert code == 2
    found = Counter(rules(output))
    assert found == {"manifest-readable": 2, "requests-and-limits": 1}


def test_a_file_that_there_is_not_is_refused(tmp_path: Path) -> None:
    code, output = lint(str(tmp_path / "none.yaml"))
    assert code == 2
    assert f"{tmp_path / 'none.yaml'}: got no such file; " in output


def test_without_a_file_it_says_what_to_name() -> None:
    code, output = lint()
    assert code == 2
    assert output.startswith("FILE\n    got:      nothing\n")


_TEMPLATED = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (_TEMPLATED + "  name: {{ .Values.name }}\n", 4),
        (_TEMPLATED + "  name: x\nspec:\n{{- toYaml .Values.spec | nindent 2 }}\n", 6),
        ("{{- if .Values.on }}\n" + _TEMPLATED + "  name: x\n{{- end }}\n", 1),
        (_TEMPLATED + '  name: "{{ .Release.Name }}-x"\n', 4),
        (_TEMPLATED + "  name: '{{ include \"chart.name\" . }}'\n", 4),
    ],
)
def test_a_template_of_helm_is_recognized(tmp_path: Path, content: str, line: int) -> None:
    (tmp_path / "x.yaml").write_text(content)
    code, output = lint(str(tmp_path))
    assert code == 2
    assert f"x.yaml:{line}  " in output
    assert "looks like a Helm template" in output
    assert "`helm template RELEASE CHART | pai lint -`" in output


def test_a_chart_is_named_once_and_its_files_are_not(tmp_path: Path) -> None:
    chart = tmp_path / "charts" / "web"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("name: web\n")
    (chart / "values.yaml").write_text("a: 1\n")
    (chart / "templates" / "web.yaml").write_text("kind: {{ .Values.kind }}\n")
    written(tmp_path, *_SOUND)
    code, output = lint(str(tmp_path))
    assert code == 2
    assert output.count("manifest-readable") == 1
    assert f"`helm template RELEASE {chart} | pai lint -`" in output


@pytest.mark.parametrize("text", ["{{ $labels.job }} is down", "{{ .Values.x }}"])
def test_what_a_config_map_quotes_is_its_own_business(tmp_path: Path, text: str) -> None:
    metadata = {"name": "x", "namespace": "models"}
    quoting = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    code, _ = lint(written(tmp_path, *_SOUND, {**quoting, "data": {"alert": text}}))
    assert code == 0


_UNREAD = {"apiVersion": "kaito.sh/v1beta1", "kind": "RAGEngine", "metadata": {"name": "r"}}


def test_kinds_that_no_rule_reads_are_named_and_count_only_if_asked_to(tmp_path: Path) -> None:
    file = written(tmp_path, *_SOUND, _UNREAD, _UNREAD)
    code, output = lint(file)
    assert code == 0
    assert output.splitlines() == [
        "no rule reads 1 kind: RAGEngine.kaito.sh, of 2 objects",
        "5 objects: 0 mandatory findings, 1 advisory",
    ]
    assert lint(file, "--strict")[0] == 1
    assert rules(lint(file, "--json")[1]) == ["kind-known"]


def test_waivers_are_told_once_with_what_they_let_through(tmp_path: Path) -> None:
    file = written(tmp_path, *_SOUND[1:], _WITHOUT_LIMIT)
    _, output = lint(file, "--waivers", _waiving(tmp_path))
    assert output.startswith("1 waiver lets 1 violation through: requests-and-limits 1\n")


def test_a_stack_in_this_folder_declares_and_waives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, *_SOUND, claim())
    assert "encrypted-storage" in rules(lint(file, "--json", "--stack", "prod")[1])
    classes = [{"name": "fast-nvme", "encrypted_by": "LUKS"}]
    settings = {"private-ai:stack": {"cluster": {"storage_classes": classes}}}
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump({"config": settings}))
    assert rules(lint(file, "--json", "--stack", "prod")[1]) == []


def test_a_rule_is_explained() -> None:
    code, output = lint("--explain", "no-privileged")
    assert code == 0
    assert output.startswith("no-privileged: ")
    for rule in ALL:
        assert explain(rule).startswith(f"{rule}: ")


def test_a_rule_that_there_is_not_is_answered_with_the_nearest() -> None:
    code, output = lint("--explain", "privileged")
    assert code == 2
    assert "name no-privileged" in output


def test_names_like_markup_stay_text_and_secrets_are_not_printed(tmp_path: Path) -> None:
    hostile = change(namespace(), ("metadata", "name"), "[red]x[/red]")
    told = change(workload(), (*BOX, "env"), [{"name": "API_KEY", "value": CANARY}])
    _, output = lint(written(tmp_path, hostile, told))
    assert "[red]x[/red]" in output
    assert CANARY not in output
