"""Recorded previews of the local stack, and reports made of them."""

import gzip
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from review.build import report
from review.events import read
from review.graph import Graph
from review.report import Report

FOLDER = Path(__file__).parent / "review_events"
NAMES = sorted(file.name.removesuffix(".jsonl.gz") for file in FOLDER.glob("*.jsonl.gz"))

EDGES = Graph(
    needs={
        "keycloak": {"keycloak-db"},
        "router": {"keycloak", "chat", "redis"},
        "open-webui": {"router", "keycloak", "qdrant"},
        "kong": {"open-webui", "router", "observability"},
        "observability": {"keycloak"},
    },
    kinds={"kong": "KongGateway"},
)
"""Some of the edges of the recorded stack."""


@cache
def lines(name: str) -> tuple[str, ...]:
    """The recorded events, one a line."""
    with gzip.open(FOLDER / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        return tuple(file)


@cache
def reviewed(name: str) -> Report:
    """The report of a recording."""
    return report(read(lines(name)), stack="local", before=EDGES)


def altered(name: str, alter: Callable[[dict[str, Any]], None]) -> Report:
    """The report of what changes in a recording, *alter* having changed each step's metadata."""
    changed: list[str] = []
    for line in lines(name):
        if '"op":"same"' in line:
            continue
        event = json.loads(line)
        if "resourcePreEvent" in event:
            alter(event["resourcePreEvent"]["metadata"])
        changed.append(json.dumps(event))
    return report(read(changed), stack="local", before=EDGES)


def step(
    kind: str,
    name: str,
    *,
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
    op: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An event of one step on a Kubernetes object, such as kind `apps/v1:Deployment`."""
    type_ = kind if ":" in kind.partition("/")[0] else f"kubernetes:{kind}"
    parent = "urn:pulumi:test::private-ai::private-ai:index:Part::part"
    urn = f"urn:pulumi:test::private-ai::private-ai:index:Part${type_}::{name}"
    states = {
        side: None
        if inputs is None
        else {
            "type": type_,
            "urn": urn,
            "custom": True,
            "id": "id",
            "parent": parent,
            "inputs": inputs,
            "outputs": {},
            **more.get(f"of_{side}", {}),
        }
        for side, inputs in (("old", old), ("new", new))
    }
    guessed = "update" if old and new else "create" if new else "delete"
    metadata = {"op": op or guessed, "urn": urn, "type": type_, **states}
    metadata["detailedDiff"] = more.get("diff")
    return {"sequence": 0, "timestamp": 0, "resourcePreEvent": {"metadata": metadata}}


def of_events(*events: dict[str, Any], stack: str = "test") -> Report:
    """The report of a preview that went well and said *events*."""
    ended = {"summaryEvent": {"result": "succeeded", "durationSeconds": 1}}
    return report(read(json.dumps(event) for event in (*events, ended)), stack=stack, before=EDGES)
