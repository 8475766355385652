"""What the engine said during a preview, typed and cleaned of secrets.

One JSON object a line, an `apitype.EngineEvent` of pulumi/sdk/go/common/apitype/events.go. Its
`debug` diagnostics quote outputs in clear, whether secret or not: they are never read.
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


class _Said(BaseModel):
    """A part of an event; the fields that nothing here reads are left out."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


class State(_Said):
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


class PropertyDiff(_Said):
    """What the provider says about one property."""

    diff_kind: str
    """`add`, `delete` or `update`, with `-replace` where the object cannot keep its identity."""


class Step(_Said):
    """One operation of the plan; a replacement is three of them."""

    op: str
    urn: str
    type: str
    old: State | None = None
    new: State | None = None
    detailed_diff: dict[str, PropertyDiff] | None = None


class Diagnostic(_Said):
    """A message of the program, a provider or the engine."""

    urn: str = ""
    message: str
    severity: str


class Violation(_Said):
    """A finding of a policy pack."""

    resource_urn: str = ""
    message: str
    policy_name: str
    policy_pack_name: str
    enforcement_level: str


class Summary(_Said):
    """How the preview ended."""

    result: Literal["succeeded", "failed", "canceled"]
    duration_seconds: int = 0
    policy_packs: dict[str, str] = Field(default_factory=dict[str, str], alias="PolicyPacks")
    """Version of each pack that ran, by `NAME|…`."""


@dataclass
class Preview:
    """Everything of a preview that a report is made of."""

    steps: list[Step] = field(default_factory=list[Step])
    """In the order in which the engine would take them."""
    outputs_before: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs_after: dict[str, Any] = field(default_factory=dict[str, Any])
    """The stack's outputs."""
    diagnostics: list[Diagnostic] = field(default_factory=list[Diagnostic])
    """Warnings and errors."""
    violations: list[Violation] = field(default_factory=list[Violation])
    summary: Summary | None = None
    """None where the engine was ended before it could tell."""


class EventsError(ValueError):
    """What was read is no stream of engine events; the text says which line."""


def read(lines: Iterable[str]) -> Preview:
    """The preview that *lines* tell of. Raises EventsError."""
    preview = Preview()
    for number, line in enumerate(lines, 1):
        if not line.strip() or _is_debug(line):
            continue
        for name, said in _event(line, number).items():
            if name not in _TAKEN:
                continue
            try:
                _TAKEN[name](preview, said)
            except (KeyError, TypeError, AttributeError, ValidationError) as error:
                message = f"line {number}: {name} is not as Pulumi 3.256 writes it"
                raise EventsError(message) from error
    return preview


def _step(preview: Preview, said: _Json) -> None:
    preview.steps.append(Step.model_validate(_cleaned(said["metadata"])))


def _outputs(preview: Preview, said: _Json) -> None:
    """The stack's outputs; the engine tells of them twice, the second time with the new ones."""
    metadata = said["metadata"]
    if metadata["type"] == STACK_TYPE:
        old, new = ((metadata.get(side) or {}).get("outputs") or {} for side in ("old", "new"))
        preview.outputs_before = redact.clean(old) or preview.outputs_before
        preview.outputs_after = redact.clean(new) or preview.outputs_after


def _diagnostic(preview: Preview, said: _Json) -> None:
    if said["severity"] in ("warning", "error"):
        preview.diagnostics.append(Diagnostic.model_validate(_cleaned_text(said)))


def _violation(preview: Preview, said: _Json) -> None:
    preview.violations.append(Violation.model_validate(_cleaned_text(said)))


def _summary(preview: Preview, said: _Json) -> None:
    preview.summary = Summary.model_validate(said)


_TAKEN: Mapping[str, Callable[[Preview, _Json], None]] = {
    "resourcePreEvent": _step,
    "resOutputsEvent": _outputs,
    "diagnosticEvent": _diagnostic,
    "policyEvent": _violation,
    "summaryEvent": _summary,
}


def _is_debug(line: str) -> bool:
    """Most of a stream, told apart before it is parsed."""
    return '"diagnosticEvent"' in line and '"severity":"debug"' in line


def _event(line: str, number: int) -> _Json:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        message = f"line {number} is not a JSON object: this is no stream of engine events"
        raise EventsError(message)
    return event


def _cleaned(metadata: _Json) -> _Json:
    """*metadata* of a step with the states in it cleaned."""
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


def _cleaned_text(said: _Json) -> _Json:
    return {**said, "message": redact.text(said["message"])}
