"""Engine events of a preview, typed and with secrets removed.

One JSON object per line, an `apitype.EngineEvent` of pulumi/sdk/go/common/apitype/events.go. Its
`debug` diagnostics quote outputs in plaintext, secret or not, and are never read.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from review import redact

STACK_TYPE = "pulumi:pulumi:Stack"
_Json = dict[str, Any]


class _EventPart(BaseModel):
    """A part of an event; fields that are not used here are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


class State(_EventPart):
    """A resource before or after a step."""

    type: str
    urn: str
    custom: bool = False
    id: str = ""
    parent: str = ""
    delete: bool = False
    protect: bool = False
    retain_on_delete: bool = False
    inputs: dict[str, Any] = Field(default_factory=dict[str, Any])
    outputs: dict[str, Any] = Field(default_factory=dict[str, Any])


class PropertyDiff(_EventPart):
    """The provider's diff of one property."""

    diff_kind: str
    """`add`, `delete` or `update`, with `-replace` if it forces a replacement."""


class Step(_EventPart):
    """One operation of the plan; a replacement has three."""

    op: str
    urn: str
    type: str
    old: State | None = None
    new: State | None = None
    detailed_diff: dict[str, PropertyDiff] | None = None


class Diagnostic(_EventPart):
    """A message of the program, a provider or the engine."""

    urn: str = ""
    message: str
    severity: str


class Violation(_EventPart):
    """A finding of a policy pack."""

    resource_urn: str = ""
    message: str
    policy_name: str
    policy_pack_name: str
    enforcement_level: str


class Summary(_EventPart):
    """The result of the preview."""

    result: Literal["succeeded", "failed", "canceled"]
    duration_seconds: int = 0
    policy_packs: dict[str, str] = Field(default_factory=dict[str, str], alias="PolicyPacks")
    """Version of each pack that ran, by `NAME|…`."""


@dataclass
class Preview:
    """The data of a preview that a report is built from."""

    steps: list[Step] = field(default_factory=list[Step])
    """Steps in the engine's order."""
    outputs_before: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs_after: dict[str, Any] = field(default_factory=dict[str, Any])
    """Outputs of the stack."""
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    """Warnings and errors."""
    violations: list[Violation] = field(default_factory=list[Violation])
    summary: Summary | None = None
    """None if the engine stopped before it reported a result."""


class EventsError(ValueError):
    """The input is not a stream of engine events; the message names the line."""


def read(lines: Iterable[str]) -> Preview:
    """The preview in *lines*. Raises EventsError."""
    preview = Preview()
    for number, line in enumerate(lines, 1):
        if not line.strip() or _is_debug(line):
            continue
        for name, body in _event(line, number).items():
            if name not in _READERS:
                continue
            try:
                _READERS[name](preview, body)
            except (KeyError, TypeError, AttributeError, ValidationError) as error:
                message = f"line {number}: {name} does not have the format of Pulumi 3.256"
                raise EventsError(message) from error
    return preview


def _step(preview: Preview, body: _Json) -> None:
    preview.steps.append(Step.model_validate(_cleaned(body["metadata"])))


def _outputs(preview: Preview, body: _Json) -> None:
    """The outputs of the stack; the engine sends them twice, the new ones second."""
    metadata = body["metadata"]
    if metadata["type"] == STACK_TYPE:
        old, new = ((metadata.get(side) or {}).get("outputs") or {} for side in ("old", "new"))
        preview.outputs_before = redact.clean(old) or preview.outputs_before
        preview.outputs_after = redact.clean(new) or preview.outputs_after


def _diagnostic(preview: Preview, body: _Json) -> None:
    if body["severity"] in ("warning", "error"):
        preview.diagnostics.append(Diagnostic.model_validate(_cleaned_text(body)))


def _violation(preview: Preview, body: _Json) -> None:
    preview.violations.append(Violation.model_validate(_cleaned_text(body)))


def _summary(preview: Preview, body: _Json) -> None:
    preview.summary = Summary.model_validate(body)


_READERS: Mapping[str, Callable[[Preview, _Json], None]] = {
    "resourcePreEvent": _step,
    "resOutputsEvent": _outputs,
    "diagnosticEvent": _diagnostic,
    "policyEvent": _violation,
    "summaryEvent": _summary,
}


def _is_debug(line: str) -> bool:
    """Whether it is a debug diagnostic; most lines are, so they are skipped unparsed."""
    return '"diagnosticEvent"' in line and '"severity":"debug"' in line


def _event(line: str, number: int) -> _Json:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        message = f"line {number} is not a JSON object, so this is not a stream of engine events"
        raise EventsError(message)
    return event


def _cleaned(metadata: _Json) -> _Json:
    """*metadata* of a step, with secrets removed from its states."""
    states = {
        side: {
            **state,
            "inputs": redact.properties(state["type"], state.get("inputs") or {}),
            "outputs": {},  # derived from the inputs, or the provider's own bookkeeping
        }
        for side in ("old", "new")
        if (state := metadata.get(side))
    }
    return {**metadata, **states}


def _cleaned_text(body: _Json) -> _Json:
    return {**body, "message": redact.text(body["message"])}
