"""`pai render`: what a fork's pull request changes, found out without credentials."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime.settings import SETTINGS
from typer.testing import CliRunner

import cli.rendering
from cli.main import app
from review.compare import compare
from review.permissions import DRIFT, PREVIEWS, manifests, plural
from review.render import PlannedResource, Render, render
from review.report import Report, Verdict
from review.rights import sentence
from tests.paths import ROOT

pytestmark = pytest.mark.slow

PROJECT = ROOT


@pytest.fixture(scope="module")
def local() -> Render:
    """What the program asks for in the local stack."""
    return render(PROJECT, "local")


def _altered(of: Render, urn: str, **inputs: Any) -> Render:
    """*of* with other inputs of one resource; no inputs: without it."""
    found = [asked for asked in of.resources if asked.urn.endswith(urn)]
    assert found
    rest = [asked for asked in of.resources if asked not in found]
    changed = [a.model_copy(update={"inputs": {**a.inputs, **inputs}}) for a in found]
    return of.model_copy(update={"resources": [*rest, *(changed if inputs else [])]})


def test_the_program_runs_to_its_end_with_nothing_around_it(
    local: Render,
) -> None:
    types = {asked.type for asked in local.resources}

    assert {"kubernetes:apps/v1:Deployment", "random:index/randomPassword:RandomPassword"} <= types
    assert local.outputs["urls"]["api"].startswith("https://")
    router = next(a for a in local.resources if a.urn.endswith("Deployment::router"))
    assert router.urn.startswith("urn:pulumi:local::private-ai::private-ai:index:LlmRouter$kube")


def test_secrets_are_written_as_such(local: Render) -> None:
    secrets = [a for a in local.resources if a.type == "kubernetes:core/v1:Secret"]

    assert all(a.secrets for a in secrets)
    assert {str(a.inputs.get("stringData", "[secret]")) for a in secrets} == {"[secret]"}


def test_the_same_program_is_clean(local: Render) -> None:
    report = compare(local, local)

    assert report.verdict is Verdict.CLEAN
    assert report.counts == {"same": report.counts["same"]}


def test_a_change_is_told_with_what_it_does_and_what_the_policies_say(local: Render) -> None:
    spec = next(a for a in local.resources if a.urn.endswith("Service::kong")).inputs["spec"]
    head = _altered(local, "Service::kong", spec={**spec, "type": "NodePort"})

    report = compare(local, head)

    assert report.counts["update"] == 1
    [[resource]] = [c.resources for c in report.components]
    assert [p.path for p in resource.properties] == ["spec.type"]
    assert any(f.resource == "Service kong" for f in report.findings)


def test_what_goes_and_what_comes_are_told(local: Render) -> None:
    gone, come = (
        compare(local, _altered(local, "StatefulSet::qdrant")),
        compare(_altered(local, "StatefulSet::qdrant"), local),
    )

    assert {"StatefulSet qdrant"} <= {loss.resource for loss in gone.losses}
    assert gone.counts["delete"] == come.counts["create"]


def _run(monkeypatch: pytest.MonkeyPatch, head: Render, *words: str) -> Any:
    monkeypatch.setattr(cli.rendering, "render", lambda *_: head)
    return CliRunner().invoke(app, ["render", "--stack", "local", *words])


def test_two_checkouts_are_compared_through_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: Render
) -> None:
    base, report = tmp_path / "base.json", tmp_path / "review.json"

    first = _run(monkeypatch, local, "--out", str(base))
    words = ("--against", str(base), "--report", str(report))
    second = _run(monkeypatch, _altered(local, "StatefulSet::qdrant"), *words)

    assert (first.exit_code, second.exit_code) == (0, 3)
    assert Report.model_validate_json(report.read_text()).counts["delete"] > 0


def test_without_a_file_it_says_what_was_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: Render
) -> None:
    count = f"local: {len(local.resources)} resources"
    out = tmp_path / "base.json"

    assert _run(monkeypatch, local).stdout.startswith(f"{count}. --out keeps them")
    assert _run(monkeypatch, local, "--out", str(out)).stdout == f"{count}, written to {out}\n"


def test_a_comparison_without_a_file_is_shown_as_a_review_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: Render
) -> None:
    base = tmp_path / "base.json"
    base.write_text(local.model_dump_json(by_alias=True))

    done = _run(monkeypatch, _altered(local, "StatefulSet::qdrant"), "--against", str(base))

    assert done.exit_code == 3
    assert done.stdout.startswith("local: changes to review\n")
    assert "StatefulSet qdrant is deleted" in done.stdout


def test_without_another_render_the_report_is_that_of_a_first_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: Render
) -> None:
    file = tmp_path / "review.json"

    done = _run(monkeypatch, local, "--report", str(file))

    report = Report.model_validate_json(file.read_text())
    assert done.exit_code == 3
    assert set(report.counts) == {"create"}


def test_a_render_of_another_stack_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: Render
) -> None:
    file = tmp_path / "base.json"
    file.write_text(local.model_copy(update={"stack": "prod"}).model_dump_json(by_alias=True))

    done = _run(monkeypatch, local, "--against", str(file))

    assert done.exit_code == 2
    assert "got:      base.json, of stack prod\n" in done.stderr


def test_a_new_team_of_the_program_is_told_with_all_it_may_do(local: Render) -> None:
    """What the program records is what reviews read: `components.program.access_report`."""
    record = local.outputs["access"]
    team = {"models": ["chat"], "tokens_per_minute": 5, "requests_per_minute": 6}
    outputs = {**local.outputs, "access": {**record, "teams": {**record["teams"], "b": team}}}

    [told] = [
        a
        for a in compare(local, local.model_copy(update={"outputs": outputs})).access
        if a.op != "same"
    ]

    assert set(record) == {"models", "teams", "chat", "access_tokens"}
    assert sentence(told, str).startswith(
        "new team b: may ask chat; 5 tokens per minute and 6 requests per minute"
    )


def test_the_key_of_a_team_is_found_by_its_name_in_the_program(local: Render) -> None:
    """As review/access.py names it."""
    names = {a.urn.rsplit("::")[-1] for a in local.resources if a.type.endswith(":Secret")}

    assert {f"team-{team}-api-key" for team in [*local.outputs["team_keys"], "open-webui"]} <= names


def test_what_is_no_render_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: Render
) -> None:
    file = tmp_path / "base.json"
    file.write_text(json.dumps({"stack": 1}))

    done = _run(monkeypatch, local, "--against", str(file), "--report", str(tmp_path / "r"))

    assert done.exit_code == 2
    assert done.stderr == (
        "--against\n"
        "    got:      base.json, which has another format\n"
        "    allowed:  a file written by `pai render --out`\n"
        "    change:   write one with this version of `pai`\n"
    )


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("NetworkPolicy", "networkpolicies"),
        ("PriorityClass", "priorityclasses"),
        ("Gateway", "gateways"),
        ("Tenant", "tenants"),
    ],
)
def test_the_plural_of_a_kind_is_the_api_servers(kind: str, resource: str) -> None:
    assert plural(kind) == resource


def test_who_previews_reads_no_secret_and_writes_only_dry(local: Render) -> None:
    found = {(m["kind"], m["metadata"]["name"]): m for m in manifests(local)}

    for rule in found["ClusterRole", "pai-previews"]["rules"]:
        assert "delete" not in rule["verbs"]
        assert "secrets" not in rule["resources"] or rule["verbs"] == ["create", "patch"]
    for rule in found["ClusterRole", "pai-drift"]["rules"]:
        assert rule["verbs"] == ["get", "list", "watch"]
    policy = found["ValidatingAdmissionPolicy", "pai-previews-write-nothing"]["spec"]
    assert PREVIEWS in policy["matchConditions"][0]["expression"]
    assert policy["failurePolicy"] == "Fail"
    assert {PREVIEWS, DRIFT} == {
        m["subjects"][0]["name"] for (kind, _), m in found.items() if kind == "ClusterRoleBinding"
    }


def test_the_manifests_are_printed_without_a_cluster(
    monkeypatch: pytest.MonkeyPatch, local: Render
) -> None:
    monkeypatch.setattr(cli.rendering, "render", lambda *_: local)

    done = CliRunner().invoke(app, ["permissions", "--stack", "local"])

    assert done.exit_code == 0
    assert done.stdout.count("\nkind: ") == 6
    assert "&id" not in done.stdout


def test_a_kind_of_another_package_needs_no_permission() -> None:
    asked = PlannedResource(type="random:index/randomPassword:RandomPassword", urn="urn", inputs={})
    of_nothing = Render(stack="a", resources=[asked], outputs={})

    assert [m["rules"] for m in manifests(of_nothing) if m["kind"] == "ClusterRole"] == [[], []]


def test_what_an_earlier_program_left_unfinished_is_not_waited_for() -> None:
    loop = asyncio.new_event_loop()
    unfinished: Any = SETTINGS
    unfinished.outputs.add(loop.create_future())

    def hangs(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(120)
    try:
        assert render(PROJECT, "local").resources
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        unfinished.outputs.clear()
        loop.close()
