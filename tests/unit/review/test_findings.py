"""Policy violations as the engine reports them, in four parts."""

import json
from typing import Any

import pytest

from base.problems import Problem
from policies.rules.model import Finding
from review.forges import Forge
from review.html import page
from review.markdown import markdown
from review.report import PolicyFinding, Report
from review.terminal import rendered
from tests.unit.review.review_support import of_events, step

_URN = "urn:pulumi:test::private-ai::private-ai:index:Part$kubernetes:core/v1:Service::web"
_FINDING = Finding(
    "spec.type", "`NodePort`", "ClusterIP", "use a gateway route", rule="no-node-port"
)


def _reported(message: str, level: str = "mandatory") -> Report:
    violation: dict[str, Any] = {
        "resourceUrn": _URN,
        "message": message,
        "policyName": "objects",
        "policyPackName": "private-ai",
        "enforcementLevel": level,
    }
    service = step("core/v1:Service", "web", new={"spec": {"type": "NodePort"}})
    return of_events(service, {"policyEvent": violation})


def _engine_message() -> str:
    """The engine puts the description of the policy first."""
    return f"Rules on single Kubernetes objects.\n{_FINDING.message}\n"


def test_a_finding_of_the_pack_is_read_back_in_its_four_parts() -> None:
    [found] = _reported(_engine_message()).findings

    assert found == PolicyFinding(
        rule="no-node-port",
        level="mandatory",
        resource="Service web",
        component="part",
        problem=Problem("spec.type", "`NodePort`", "ClusterIP", "use a gateway route"),
    )


@pytest.mark.parametrize(
    "message",
    [
        "[no-node-port] spec.type: got `NodePort`; allowed: ClusterIP; change: use a gateway route",
        "Description.\n[no-node-port] use another\ntype",
    ],
)
def test_a_message_in_another_format_is_kept_as_text(message: str) -> None:
    [found] = _reported(message).findings

    assert (found.rule, found.problem) == ("no-node-port", None)
    assert found.message == " ".join(message.rpartition("] ")[2].split())


def test_a_message_without_a_rule_is_of_its_policy() -> None:
    [found] = _reported("not allowed\nhere").findings

    assert (found.rule, found.message) == ("objects", "not allowed here")


@pytest.mark.parametrize("level", ["mandatory", "advisory"])
def test_a_comment_lists_the_four_parts(level: str) -> None:
    assert (
        "- **`no-node-port`** `Service web` in `part`: `spec.type`\n"
        "  - got: `` `NodePort` ``\n"
        "  - allowed: `ClusterIP`\n"
        "  - change: `use a gateway route`\n"
    ) in markdown(_reported(_engine_message(), level), Forge.GITHUB)


def test_the_terminal_and_the_page_show_the_four_parts() -> None:
    report = _reported(_engine_message())

    assert (
        "[no-node-port] Service web: spec.type\n"
        "    got:      `NodePort`\n"
        "    allowed:  ClusterIP\n"
        "    change:   use a gateway route\n"
    ) in rendered(report)
    assert "<tr><th>change</th><td>use a gateway route</td></tr>" in page(report)


def test_the_parts_survive_the_file_that_a_report_is_kept_in() -> None:
    report = _reported(_engine_message())

    assert Report.model_validate_json(json.dumps(report.model_dump(mode="json"))) == report
