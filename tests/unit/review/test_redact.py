"""Canaries: wherever a secret may stand in a preview, it is in no format of the report."""

import json
from typing import Any

import pytest

from review import redact
from review.forges import Forge
from review.html import page
from review.markdown import markdown
from review.report import Report
from review.terminal import rendered
from tests.unit.review.review_support import of_events, step

CANARY = "c4n4ry-Zx9"
_JWT = f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{CANARY}"
_KEY = f"-----BEGIN RSA PRIVATE KEY-----\nMII{CANARY}\n-----END RSA PRIVATE KEY-----"

PLACES: dict[str, tuple[str, dict[str, Any]]] = {
    "unmarked data of a Secret": ("core/v1:Secret", {"data": {"a": CANARY}}),
    "unmarked text of a Secret": ("core/v1:Secret", {"stringData": {"a": f"x {CANARY}"}}),
    "a property called password": ("apps/v1:Deployment", {"spec": {"adminPassword": CANARY}}),
    "a variable called token": (
        "apps/v1:Deployment",
        {"spec": {"env": [{"name": "HUB_TOKEN", "value": CANARY}]}},
    ),
    "a URL with a password": (
        "core/v1:ConfigMap",
        {"data": {"url": f"postgres://u:{CANARY}@db/x"}},
    ),
    "a JWT": ("core/v1:ConfigMap", {"data": {"a": _JWT}}),
    "a private key": ("core/v1:ConfigMap", {"data": {"a": _KEY}}),
    "a key of an API": ("core/v1:ConfigMap", {"data": {"a": f"use sk-{CANARY}-abcdefghij"}}),
    "a file with a password in JSON": (
        "core/v1:ConfigMap",
        {"data": {"a": json.dumps({"password": CANARY, "b": 1})}},
    ),
    "a file with a token in YAML": ("core/v1:ConfigMap", {"data": {"a": f"token: {CANARY}\nb: 1"}}),
    "a bearer header": ("core/v1:ConfigMap", {"data": {"a": f"Authorization: Bearer {CANARY}"}}),
    "what the engine marked": (
        "core/v1:ConfigMap",
        {"data": {"4dabf18193072939515e22adb298388d": "1b47", "plaintext": CANARY}},
    ),
}


def _everywhere(report: Report) -> str:
    comments = [markdown(report, forge) for forge in Forge]
    return "\n".join([*comments, page(report), rendered(report), report.model_dump_json()])


@pytest.mark.parametrize(("kind", "inputs"), PLACES.values(), ids=PLACES)
def test_no_format_holds_the_secret_of_the_old_or_of_the_new_state(
    kind: str, inputs: dict[str, Any]
) -> None:
    harmless = json.loads(json.dumps(inputs).replace(CANARY, "other"))
    for old, new in ((inputs, harmless), (harmless, inputs), (inputs, None), (None, inputs)):
        assert CANARY not in _everywhere(of_events(step(kind, "a", old=old, new=new)))


@pytest.mark.parametrize("event", ["diagnosticEvent", "policyEvent"])
def test_no_message_holds_one_either(event: str) -> None:
    said = {
        "severity": "error",
        "message": f"cannot reach postgres://u:{CANARY}@db/x",
        "policyName": "a",
        "policyPackName": "b",
        "enforcementLevel": "mandatory",
    }

    report = of_events({event: said})

    assert report.failure or report.findings
    assert CANARY not in _everywhere(report)


def test_a_secret_that_changes_is_told_of_without_its_value() -> None:
    marked = {"4dabf18193072939515e22adb298388d": "1b47", "ciphertext": "[secret]"}
    inputs = {"data": marked}

    report = of_events(
        step(
            "core/v1:Secret",
            "a",
            old=inputs,
            new=inputs,
            diff={'data["k"]': {"diffKind": "update", "inputDiff": False}},
        )
    )

    [told] = report.components[0].resources[0].properties
    assert (told.path, told.before, told.after) == ('data["k"]', "[secret]", "[secret]")


@pytest.mark.parametrize(
    "text",
    ["max_tokens: 4096", "secretName: redis-tls", "automountServiceAccountToken: false", "a:b@c"],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    key, _, value = text.partition(": ")
    kept = {key: False if value == "false" else value or text}

    assert redact.clean(kept) == kept
    assert redact.text(text).startswith(text.split(":", maxsplit=1)[0])


def test_an_unknown_value_says_that_it_is_one() -> None:
    assert redact.clean({"a": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}) == {"a": redact.UNKNOWN}
