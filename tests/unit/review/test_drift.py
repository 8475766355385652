"""`pai drift`: what somebody changed in the cluster, and the issue that says it."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import cli.drift
from cli.main import app
from review import drift_text
from review.drift import Drift, drift
from review.forges import Forge
from tests.forge.server import REPOSITORY, TOKEN, StandIn, serving
from tests.unit.review.review_support import step

_RECORDED = Path(__file__).parent / "drift_events"
"""A refresh that only looks, of the real engine: one Deployment scaled by hand, a Service gone."""


def _recorded(name: str) -> list[str]:
    return gzip.decompress((_RECORDED / f"{name}.jsonl.gz").read_bytes()).decode().splitlines()


def _looked(*results: dict[str, Any], ended: bool = True) -> Drift:
    lines = [
        json.dumps({"resOutputsEvent": event["resourcePreEvent"], "sequence": 0})
        for event in results
    ]
    begun = [line.replace("resOutputsEvent", "resourcePreEvent") for line in lines]
    summary = {"summaryEvent": {"result": "succeeded", "durationSeconds": 1}}
    end = [json.dumps(summary)] if ended else []
    return drift([*begun, *lines, *end], stack="prod", simulated=False)


def test_what_was_changed_and_what_is_gone_is_named() -> None:
    found = drift(_recorded("drift"), stack="local", simulated=True)

    assert (found.failure, found.compared) == (None, 372)
    assert [(d.resource, d.component, d.deleted) for d in found.drifted] == [
        ("Service keycloak", "keycloak", True),
        ("Deployment keycloak", "keycloak", False),
    ]
    [change] = found.drifted[1].properties
    assert (change.path, change.before, change.after) == ("spec.replicas", "2", "3")


def test_a_status_alone_is_no_drift() -> None:
    spec = {"spec": {"replicas": 1}}

    changed = {"status.readyReplicas": {"diffKind": "update"}}

    looked = _looked(step("apps/v1:Deployment", "a", old=spec, new=spec, diff=changed))
    assert looked.drifted == []


def test_a_secret_that_somebody_changed_is_named_and_not_shown() -> None:
    found = _looked(
        step(
            "core/v1:Secret",
            "keys",
            old={"stringData": {"key": "canary-old"}},
            new={"stringData": {"key": "canary-new"}},
            diff={"stringData.key": {"diffKind": "update"}},
        )
    )

    [drifted] = found.drifted
    assert (drifted.resource, [p.path for p in drifted.properties]) == (
        "Secret keys",
        ["stringData.key"],
    )
    assert "canary" not in found.model_dump_json()


def test_a_look_that_breaks_off_is_a_failure() -> None:
    found = _looked(step("apps/v1:Deployment", "a", old={}, new=None, op="delete"), ended=False)

    assert found.failure


def test_names_from_the_cluster_stay_inert() -> None:
    hostile = step(
        "core/v1:ConfigMap",
        "`@everyone <img>",
        old={"data": {"k": "a"}},
        new={"data": {"k": "```\n@everyone <img src=x>"}},
    )

    text = drift_text.issue(_looked(hostile))

    assert text.startswith("<!-- pai drift: prod -->\n")
    fence = next(line for line in text.splitlines() if line.endswith("diff")).removesuffix("diff")
    assert len(fence) > 3
    assert "\x1b" not in drift_text.terminal(_looked(hostile))


@pytest.fixture
def there() -> Iterator[StandIn]:
    """A Forgejo."""
    with serving(StandIn(Forge.FORGEJO)) as stand_in:
        yield stand_in


def _run(there: StandIn, monkeypatch: pytest.MonkeyPatch, found: Drift, *words: str) -> Result:
    monkeypatch.setattr(cli.drift, "detect", lambda _: found)
    options = ["--issue", "forgejo", "--repository", REPOSITORY, "--api", there.api, *words]
    return CliRunner().invoke(
        app, ["drift", "--stack", "prod", *options], env={"FORGEJO_TOKEN": TOKEN}
    )


def test_the_issue_is_opened_updated_and_closed(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = _looked(step("apps/v1:Deployment", "a", old={}, op="delete"))
    two = _looked(
        step("apps/v1:Deployment", "a", old={}, op="delete"),
        step("apps/v1:Deployment", "b", old={}, op="delete"),
    )

    assert _run(there, monkeypatch, one).exit_code == 3
    assert [(i.title, i.open) for i in there.issues] == [("Drift in prod: 1 object", True)]
    assert _run(there, monkeypatch, two).exit_code == 3
    assert [(i.title, i.open) for i in there.issues] == [("Drift in prod: 2 objects", True)]
    assert _run(there, monkeypatch, _looked()).exit_code == 0
    [issue] = there.issues
    assert not issue.open
    assert "No drift: `prod` matches its last deployment." in issue.body


def test_a_look_that_failed_leaves_the_issue_alone(
    there: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(there, monkeypatch, _looked(ended=False)).exit_code == 1
    assert there.asked == []


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("terminal", "prod: 1 resource compared, 0 changed and 1 deleted since deployment."),
        ("markdown", "<!-- pai drift"),
        ("json", '{\n  "version": 1'),
    ],
)
def test_it_is_told_to_people_forges_and_scripts(
    there: StandIn, monkeypatch: pytest.MonkeyPatch, form: str, begins: str
) -> None:
    found = _looked(step("apps/v1:Deployment", "a", old={}, op="delete"))

    assert _run(there, monkeypatch, found, "--format", form).stdout.startswith(begins)


def test_an_unknown_stack_is_refused_by_name() -> None:
    done = CliRunner().invoke(app, ["drift", "--stack", "nowhere"])

    assert done.exit_code == 2
    assert "Pulumi.nowhere.yaml does not exist" in done.output
