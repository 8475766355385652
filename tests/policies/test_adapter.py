"""What Pulumi hands to the pack, and what it gets back, through Pulumi's own policy SDK."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime import proto
from pulumi_policy.proxy import UNKNOWN_OBJECT_VALUE, UNKNOWN_STRING_VALUE

from policies import UNKNOWN, server
from policies.adapter import kind_of, plain, resource
from policies.server import Analyzer
from policies.waivers import Waiver, Waivers
from tests.policies.manifests import (
    BOX,
    CANARY,
    POD,
    REMOVED,
    Manifest,
    change,
    network_policy,
    no_waivers,
    secret,
    service_account,
    workload,
)

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"
_TOKENS = {
    "StatefulSet": "kubernetes:apps/v1:StatefulSet",
    "Deployment": "kubernetes:apps/v1:Deployment",
    "NetworkPolicy": "kubernetes:networking.k8s.io/v1:NetworkPolicy",
    "Secret": "kubernetes:core/v1:Secret",
    "ServiceAccount": "kubernetes:core/v1:ServiceAccount",
}
_UNBOUNDED = change(workload(), (*BOX, "resources", "limits", "memory"), REMOVED)
_WRITABLE = change(workload(), (*BOX, "securityContext", "readOnlyRootFilesystem"), False)


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The pack as it is served to a program elsewhere, without its server."""
    monkeypatch.chdir(tmp_path)
    return Analyzer(no_waivers())


def request(manifest: Manifest, stack: str) -> dict[str, Any]:
    token = _TOKENS[manifest["kind"]]
    properties = struct_pb2.Struct()
    json_format.ParseDict(manifest, properties)
    return {
        "type": token,
        "urn": f"urn:pulumi:{stack}::private-ai::{token}::chat",
        "name": "chat",
        "properties": properties,
    }


def analyze(pack: Any, manifest: Manifest, stack: str) -> list[tuple[int, str]]:
    response = pack.Analyze(proto.AnalyzeRequest(**request(manifest, stack)), None)
    return [(d.enforcementLevel, d.message) for d in response.diagnostics]


def analyze_stack(pack: Any, manifests: list[Manifest], stack: str) -> list[Any]:
    resources = [proto.AnalyzerResource(**request(m, stack)) for m in manifests]
    response = pack.AnalyzeStack(proto.AnalyzeStackRequest(resources=resources), None)
    return list(response.diagnostics)


@pytest.mark.parametrize(
    ("stack", "level"),
    [
        ("prod", proto.MANDATORY),
        ("staging", proto.MANDATORY),
        ("another-team", proto.MANDATORY),
        ("local", proto.ADVISORY),
    ],
)
def test_a_finding_refuses_the_deployment_everywhere_but_on_the_local_stack(
    pack: Any, stack: str, level: int
) -> None:
    [(got, message)] = analyze(pack, _UNBOUNDED, stack)
    assert got == level
    assert "[requests-and-limits] spec.template.spec.containers[server]" in message


def test_a_urn_without_a_stack_is_judged_as_production(pack: Any) -> None:
    fields: dict[str, Any] = {**request(_UNBOUNDED, "local"), "urn": "chat"}
    [diagnostic] = pack.Analyze(proto.AnalyzeRequest(**fields), None).diagnostics
    assert diagnostic.enforcementLevel == proto.MANDATORY


@pytest.mark.parametrize("stack", ["prod", "local"])
def test_advice_refuses_no_deployment(pack: Any, stack: str) -> None:
    [(level, message)] = analyze(pack, _WRITABLE, stack)
    assert level == proto.ADVISORY
    assert "[read-only-root-filesystem]" in message


@pytest.mark.parametrize(("stack", "level"), [("prod", proto.MANDATORY), ("local", proto.ADVISORY)])
def test_stack_rules_follow_the_stack_and_name_the_resource(
    pack: Any, stack: str, level: int
) -> None:
    found = analyze_stack(
        pack, [workload(), service_account(), network_policy(types=["Ingress"])], stack
    )
    assert [d.enforcementLevel for d in found] == [level]
    assert found[0].urn.endswith("apps/v1:Deployment::chat")
    assert "[network-policy-for-every-pod] egress" in found[0].message


def test_a_sound_deployment_has_no_findings(pack: Any) -> None:
    assert analyze(pack, workload(), "prod") == []
    assert analyze_stack(pack, [workload(), service_account(), network_policy()], "prod") == []


@pytest.mark.parametrize("sentinel", [UNKNOWN_STRING_VALUE, UNKNOWN_OBJECT_VALUE])
def test_an_unknown_value_neither_fails_nor_downgrades_the_other_rules(
    pack: Any, sentinel: str
) -> None:
    manifest = change(_UNBOUNDED, (*POD, "securityContext"), sentinel)
    found = analyze(pack, manifest, "prod")
    assert [level for level, _ in found] == [proto.MANDATORY]
    assert "[requests-and-limits]" in found[0][1]


def test_every_unknown_of_the_sdk_becomes_ours_and_text_stays_text() -> None:
    value = struct_pb2.Value()
    json_format.ParseDict({"a": [UNKNOWN_STRING_VALUE, "b"], "c": UNKNOWN_OBJECT_VALUE}, value)
    assert plain(value) == {"a": [UNKNOWN, "b"], "c": UNKNOWN}


def test_numbers_truths_and_nothing_stay_what_they_are() -> None:
    value = struct_pb2.Value()
    json_format.ParseDict({"a": 1.5, "b": True, "c": None, "d": {}, "e": []}, value)
    assert plain(value) == {"a": 1.5, "b": True, "c": None, "d": {}, "e": []}


def test_a_value_marked_secret_is_judged_and_not_quoted(pack: Any) -> None:
    marked = {_SIGNATURE: _SECRET, "value": CANARY}
    manifest = change(workload(), (*BOX, "env", 0), {"name": "API_TOKEN", "value": marked})
    [(level, message)] = analyze(pack, manifest, "prod")
    assert level == proto.MANDATORY
    assert "[no-secret-in-env]" in message
    assert CANARY not in message


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("kubernetes:core/v1:Pod", "Pod"),
        ("kubernetes:apps/v1:Deployment", "Deployment.apps"),
        ("kubernetes:minio.min.io/v2:Tenant", "Tenant.minio.min.io"),
        ("kubernetes:apps/v1:DeploymentPatch", ""),
        ("kubernetes:yaml:ConfigFile", ""),
        ("random:index/randomPassword:RandomPassword", ""),
        ("private-ai:index:Qdrant", ""),
        ("pulumi:providers:kubernetes", ""),
    ],
)
def test_a_kind_is_read_from_the_type_token(token: str, kind: str) -> None:
    assert kind_of(token) == kind


def test_a_secret_that_is_not_marked_is_refused_and_a_marked_one_is_not(pack: Any) -> None:
    mark = {_SIGNATURE: _SECRET, "value": CANARY}
    [(level, message)] = analyze(pack, secret(token=CANARY), "prod")
    assert level == proto.MANDATORY
    assert (
        "[marked-secrets] stringData\n    got:      values that are not marked secret\n" in message
    )
    assert CANARY not in message
    assert analyze(pack, secret(token=mark), "prod") == []
    assert len(analyze(pack, secret(token=mark, other=CANARY), "prod")) == 1
    whole = {**secret(), "stringData": {**mark, "value": {"token": CANARY}}}
    assert analyze(pack, whole, "prod") == []


def test_whether_data_is_protected_is_read_from_the_resource(pack: Any) -> None:
    asked = request(workload("StatefulSet"), "prod")
    claims: dict[str, Any] = {"volumeClaimTemplates": [{"spec": {"storageClassName": "x"}}]}
    asked["properties"].fields["spec"].struct_value.update(claims)
    for protect, rules in (
        (False, {"protected-data", "encrypted-storage"}),
        (True, {"encrypted-storage"}),
    ):
        options = proto.AnalyzerResourceOptions(protect=protect)
        response = pack.Analyze(proto.AnalyzeRequest(**asked, options=options), None)
        told = {d.message[1 : d.message.index("]")] for d in response.diagnostics}
        assert told == rules


def test_a_resource_is_converted_once_for_all_rules(
    pack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[str] = []

    def counted(asked: Any, facts: Any) -> Any:
        converted.append(asked.urn)
        return resource(asked, facts)

    monkeypatch.setattr(server, "resource", counted)
    analyze(pack, workload(), "prod")
    assert len(converted) == 1
    analyze_stack(pack, [workload(), service_account()], "prod")
    assert len(converted) == 3


_CLAIMING = change(
    workload("StatefulSet"),
    ("spec", "volumeClaimTemplates"),
    [{"metadata": {"name": "data"}, "spec": {"storageClassName": "ceph-rbd"}}],
)
_SETTINGS = {
    "cluster": {"storage_classes": [{"name": "ceph-rbd", "encrypted_by": "LUKS on each OSD"}]}
}


def rules(found: list[tuple[int, str]]) -> list[str]:
    return [message[1 : message.index("]")] for _, message in found]


def test_an_encrypted_class_is_declared_in_the_configuration_that_the_engine_passes(
    pack: Any,
) -> None:
    assert "encrypted-storage" in rules(analyze(pack, _CLAIMING, "prod"))
    config = {"private-ai:stack": json.dumps(_SETTINGS)}
    pack.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="prod", config=config), None)
    assert "encrypted-storage" not in rules(analyze(pack, _CLAIMING, "prod"))


@pytest.mark.parametrize("text", ["{", "[]", '{"cluster": {"storage_classes": [1]}}', "null"])
def test_a_configuration_without_declarations_declares_nothing(pack: Any, text: str) -> None:
    config = {"private-ai:stack": text}
    pack.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="prod", config=config), None)
    assert "encrypted-storage" in rules(analyze(pack, _CLAIMING, "prod"))


def test_where_the_engine_passes_none_the_file_of_the_stack_declares_it(
    pack: Any, tmp_path: Path
) -> None:
    content = {"config": {"private-ai:stack": _SETTINGS}}
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump(content))
    assert "encrypted-storage" not in rules(analyze(pack, _CLAIMING, "prod"))


def test_a_stack_has_its_own_waivers_beside_its_file(pack: Any, tmp_path: Path) -> None:
    waiver = {
        "rule": "encrypted-storage",
        "resource": "*/*/*",
        "subjects": ["ceph-rbd"],
        "reason": "A trial without data.",
        "owner": "ops",
        "expires": date(2100, 1, 1),
    }
    (tmp_path / "waivers.prod.yaml").write_text(yaml.safe_dump({"waivers": [waiver]}))
    request_ = proto.AnalyzerStackConfigureRequest(stack="prod")

    pack.ConfigureStack(request_, None)

    assert "encrypted-storage" not in rules(analyze(pack, _CLAIMING, "prod"))
    assert "encrypted-storage" in rules(analyze(Analyzer(no_waivers()), _CLAIMING, "dev"))


@pytest.mark.parametrize("content", ["waivers: [", "a: 1", "- &a [*a]", "waivers: 3", "\x00"])
def test_a_file_of_waivers_that_cannot_be_read_is_a_finding(
    pack: Any, tmp_path: Path, content: str
) -> None:
    (tmp_path / "waivers.prod.yaml").write_text(content)
    pack.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="prod"), None)
    [found] = analyze_stack(pack, [network_policy()], "prod")
    assert found.message.startswith("[waiver-sound] waivers.prod.yaml")
    assert found.enforcementLevel == proto.MANDATORY


@pytest.mark.parametrize("stack", ["../prod", "a/../../prod", "", "."])
def test_no_name_of_a_stack_leads_to_waivers_elsewhere(
    tmp_path: Path, stack: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "inside"
    (inside / "waivers.a").mkdir(parents=True)
    monkeypatch.chdir(inside)
    (tmp_path / "prod.yaml").write_text("waivers: 3")
    pack: Any = Analyzer(no_waivers())
    pack.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack=stack), None)
    assert analyze_stack(pack, [network_policy()], "prod") == []


def test_a_gap_is_one_advisory_finding_however_often_it_is_found(pack: Any) -> None:
    gap = Waiver(
        "waivers.yaml[0]",
        *("requests-and-limits", "*", "It is not measured yet.", "net", date(2100, 1, 1)),
        gap=True,
    )
    pack = Analyzer(Waivers([gap], date(2026, 11, 21)))
    assert analyze(pack, _UNBOUNDED, "prod") == analyze(pack, _UNBOUNDED, "prod") == []
    [found] = analyze_stack(pack, [network_policy()], "prod")
    assert found.enforcementLevel == proto.ADVISORY
    assert found.message.startswith("[requests-and-limits] Deployment.apps/models/chat")
    assert "missing (once)" in found.message
    assert "It is not measured yet. (known gap; net, until 2100-01-01)" in found.message


def test_a_finding_carries_the_severity_of_its_rule(pack: Any) -> None:
    privileged = change(workload(), (*BOX, "securityContext", "privileged"), True)
    request_ = proto.AnalyzeRequest(**request(privileged, "prod"))
    [diagnostic] = pack.Analyze(request_, None).diagnostics
    assert diagnostic.severity == proto.POLICY_SEVERITY_CRITICAL


@pytest.mark.parametrize(("name", "silent"), [("objects", True), ("stack", False)])
def test_a_configuration_can_turn_a_policy_off(pack: Any, name: str, silent: bool) -> None:
    config = {name: proto.PolicyConfig(enforcementLevel=proto.DISABLED)}
    pack.Configure(proto.ConfigureAnalyzerRequest(policyConfig=config), None)
    assert (analyze(pack, _UNBOUNDED, "prod") == []) is silent
    assert (analyze_stack(pack, [workload()], "prod") == []) is not silent


def test_a_configuration_can_make_all_of_a_policy_advice(pack: Any) -> None:
    config = {"objects": proto.PolicyConfig(enforcementLevel=proto.ADVISORY)}
    pack.Configure(proto.ConfigureAnalyzerRequest(policyConfig=config), None)
    assert [level for level, _ in analyze(pack, _UNBOUNDED, "prod")] == [proto.ADVISORY]


def test_findings_about_waivers_come_with_those_of_the_stack() -> None:
    over = Waiver("w[0]", "no-host-path", "*", "once", "platform", date(2020, 1, 1))
    pack = Analyzer(Waivers([over], date(2026, 11, 21)))
    [found] = analyze_stack(pack, [service_account()], "prod")
    assert found.enforcementLevel == proto.MANDATORY
    assert "[waiver-sound] w[0].expires\n    got:      2020-01-01\n" in found.message


_BARE = change(
    workload(),
    (*POD, "serviceAccountName"),
    "",
    (*POD, "automountServiceAccountToken"),
    REMOVED,
    (*POD, "securityContext"),
    {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001},
    (*BOX, "securityContext", "allowPrivilegeEscalation"),
    REMOVED,
)


def remediate(pack: Any, manifest: Manifest) -> list[Manifest]:
    response = pack.Remediate(proto.AnalyzeRequest(**request(manifest, "prod")), None)
    return [json_format.MessageToDict(r.properties) for r in response.remediations]


def configured(pack: Any) -> Any:
    config = {"harden": proto.PolicyConfig(enforcementLevel=proto.REMEDIATE)}
    pack.Configure(proto.ConfigureAnalyzerRequest(policyConfig=config), None)
    return pack


def test_nothing_is_filled_in_unless_the_user_enables_it(pack: Any) -> None:
    assert remediate(pack, _BARE) == []


def test_hardening_fills_in_what_the_rules_ask_for(pack: Any) -> None:
    assert len(analyze(pack, _BARE, "prod")) > 1
    [hardened] = remediate(configured(pack), _BARE)
    [(_, message)] = analyze(pack, hardened, "prod")
    assert "[own-service-account]" in message
    assert hardened == change(workload(), (*POD, "serviceAccountName"), "")


def test_hardening_keeps_existing_values(pack: Any) -> None:
    written = change(
        workload(),
        (*POD, "automountServiceAccountToken"),
        True,
        (*POD, "securityContext", "seccompProfile", "type"),
        "Unconfined",
        (*BOX, "securityContext", "allowPrivilegeEscalation"),
        True,
    )
    assert remediate(configured(pack), written) == []


def test_hardening_keeps_secrets_marked_and_unknowns_unknown(pack: Any) -> None:
    marked = {_SIGNATURE: _SECRET, "value": CANARY}
    environment = [{"name": "A", "value": marked}, {"name": "B", "value": UNKNOWN_STRING_VALUE}]
    manifest = change(_BARE, (*BOX, "env"), environment)
    [hardened] = remediate(configured(pack), manifest)
    container = hardened["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == environment
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
