"""What `pai up` writes into a log: a line for each part, a reason once, and no secret."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from cli.up_log import UpLog

EVENTS = Path(__file__).parent / "up_events" / "local.jsonl.gz"
"""Of `pulumi up --json` 3.256.0 with PULUMI_ENABLE_STREAMING_JSON_PREVIEW, stack local, without the
states of the resources."""
STACK = "urn:pulumi:local::private-ai::pulumi:pulumi:Stack::private-ai-local"
KIND = "private-ai:index:VllmService"


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def recorded() -> list[str]:
    return gzip.decompress(EVENTS.read_bytes()).decode().splitlines()


def said(lines: Iterable[str], **options: Any) -> list[str]:
    found: list[str] = []
    log = UpLog(found.append, clock=Clock(), **options)
    for line in lines:
        log.line(line)
    log.tick()
    return found


def urn(part: str, kind: str = "") -> str:
    qualified = f"{KIND}${kind}" if kind else KIND
    return f"urn:pulumi:local::private-ai::{qualified}::{part}"


def step(event: str, part: str, kind: str = "", op: str = "create", planning: bool = False) -> str:
    state = {"parent": urn(part) if kind else STACK}
    metadata = {"op": op, "urn": urn(part, kind), "type": kind or KIND, "new": state}
    return json.dumps({event: {"metadata": metadata, "planning": planning}})


def message(text: str, severity: str = "warning", **more: Any) -> str:
    return json.dumps({"diagnosticEvent": {"message": text, "severity": severity, **more}})


def deployment(part: str) -> list[str]:
    """A part with one Deployment, planned and begun."""
    return [
        step("resourcePreEvent", part, kind, planning=planning)
        for planning in (True, False)
        for kind in ("", "apps/v1:Deployment")
    ]


def test_a_deployment_of_297_objects_is_a_line_for_each_of_its_19_parts() -> None:
    lines = said(recorded())

    assert lines[0] == "preview: 297 to create, in 19 parts"
    assert lines[-1] == "done in 0 s: create 297"
    assert [line.split(",")[0] for line in lines[1:-1]] == [f"{n} of 19" for n in range(1, 20)]
    parts = [line.split("  ")[1] for line in lines[1:-1]]
    assert len(set(parts)) == 19
    assert {"platform", "chat", "router", "kong", "observability"} < set(parts)


def test_a_part_is_done_only_when_all_of_its_objects_are() -> None:
    missing = [
        line for line in recorded() if "resOutputs" not in line or "Deployment::kong" not in line
    ]

    assert len(recorded()) - len(missing) == 2, "in the preview and in the update"
    assert {line.split("  ")[1] for line in said(recorded())[1:-1]} - {
        line.split("  ")[1] for line in said(missing)[1:-1]
    } == {"kong"}


def test_without_a_preview_the_parts_are_those_that_were_reviewed() -> None:
    planned = {urn("chat"): "chat", urn("chat", "apps/v1:Deployment"): "chat"}
    chat = [step("resOutputsEvent", "chat"), step("resOutputsEvent", "chat", "apps/v1:Deployment")]

    assert said(chat, planned=planned) == ["1 of 1, 0 s  chat"]
    assert said(chat[:1], planned=planned) == []


def test_a_reason_for_pending_is_told_once_with_all_its_pods() -> None:
    reason = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    text = "llm-production/{} stays Pending: " + reason + "\nAdd the capacity to the cluster and"
    lines = [message(text.format(f"chat-{n}")) for n in range(7)]

    pods = ", ".join(f"llm-production/chat-{n}" for n in range(5))
    assert said(lines) == [f"{pods} and 2 more stay Pending: {reason}"]
    assert said(lines[:1]) == [f"llm-production/chat-0 stays Pending: {reason}"]


def test_errors_name_their_object_and_are_told_once_also_when_quiet() -> None:
    failed = message("denied by webhook\n", "error", urn=urn("chat", "apps/v1:Deployment"))

    assert said([failed, failed], quiet=True) == ["error: Deployment chat: denied by webhook"]
    assert said(recorded(), quiet=True) == []


def test_a_mandatory_finding_is_told_and_an_advisory_one_is_not() -> None:
    def finding(level: str) -> str:
        body = {
            "resourceUrn": urn("chat", "apps/v1:Deployment"),
            "message": "Rules about single Kubernetes objects.\n[no-privileged] x: got true\n",
            "enforcementLevel": level,
        }
        return json.dumps({"policyEvent": body})

    assert said([finding("advisory"), finding("mandatory")]) == [
        "refused by a policy: Deployment chat: [no-privileged] x: got true"
    ]


def test_a_long_wait_says_for_what_and_why() -> None:
    found: list[str] = []
    clock = Clock()
    log = UpLog(found.append, clock=clock)
    for line in deployment("chat"):
        log.line(line)
    at = urn("chat", "apps/v1:Deployment")
    log.line(message("[MinimumReplicasUnavailable] …\n", urn=at, ephemeral=True))
    log.line(message("ImagePullBackOff: no such tag\n", urn=at, ephemeral=True))
    log.tick()
    assert found == []

    clock.now = 61
    log.tick()
    log.tick()

    assert found == [
        "0 of 1, 61 s, waiting for chat",
        "    chat: ImagePullBackOff: no such tag",
    ]


@pytest.mark.parametrize(
    "line",
    [
        message("c4n4ry", "debug"),
        message("password=c4n4ry", "error"),
        message('{"apiKey": "sk-c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry00"}', "warning"),
        "c4n4ry, which is no event",
        '{"c4n4ry": broken',
    ],
)
def test_no_secret_reaches_the_log(line: str) -> None:
    assert "c4n4ry" not in "\n".join(said([line]))
