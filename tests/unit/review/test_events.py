"""Reading the engine's events: what is taken, what is never read, what is refused."""

import json
from typing import Any

import pytest

from review.events import EventsError, read
from tests.unit.review.review_support import step


def _diagnostic(severity: str, message: str) -> dict[str, Any]:
    return {"diagnosticEvent": {"severity": severity, "message": message, "color": "never"}}


def test_a_debug_diagnostic_is_never_read_since_it_quotes_outputs_in_clear() -> None:
    said = [_diagnostic("debug", "props=canary"), _diagnostic("error", "preview failed")]

    for written in (json.dumps, lambda event: json.dumps(event, separators=(",", ":"))):
        preview = read(map(written, said))
        assert [d.message for d in preview.diagnostics] == ["preview failed"]


def test_the_outputs_of_the_stack_are_those_of_its_last_event() -> None:
    def stack(**outputs: Any) -> dict[str, Any]:
        states = {side: {"outputs": values} for side, values in outputs.items()}
        return {"resOutputsEvent": {"metadata": {"type": "pulumi:pulumi:Stack", **states}}}

    first = stack(old={"a": 1}, new={"a": 1})
    last = stack(old={"a": 1}, new={"a": 2})

    preview = read(map(json.dumps, [first, last]))

    assert (preview.outputs_before, preview.outputs_after) == ({"a": 1}, {"a": 2})


def test_a_line_that_is_no_event_is_named_by_its_number() -> None:
    with pytest.raises(EventsError, match="line 2 is not a JSON object"):
        read([json.dumps(step("core/v1:Secret", "a", new={})), "warning: something"])


def test_an_event_of_another_shape_is_named() -> None:
    with pytest.raises(
        EventsError, match=r"line 1: resourcePreEvent does not have the format of Pulumi 3\.256"
    ):
        read([json.dumps({"resourcePreEvent": {"metadata": {"op": "create"}}})])


def test_an_event_of_a_kind_to_come_is_passed_over() -> None:
    assert read([json.dumps({"sequence": 1, "newEvent": {"a": 1}})]).steps == []
