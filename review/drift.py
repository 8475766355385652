"""Drift: objects in the cluster that differ from their last deployment.

Based on a preview-only refresh: the engine reads the object of each resource in the state and
reports whether it is unchanged, changed or deleted. Objects outside the state are not checked.
"""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import Field

from base.model import Model
from review.changes import Change, Names, changes
from review.diff import property_changes
from review.events import STACK_TYPE, read
from review.failure import failure
from review.report import PreviewFailure, PropertyChange


class Drifted(Model):
    """One object that differs from its last deployment."""

    resource: str = Field(description="Kind and name, such as `Deployment keycloak`.")
    component: str = Field(description="The component that it belongs to.")
    deleted: bool = Field(description="Whether it no longer exists.")
    properties: list[PropertyChange] = Field(
        description="Differences: `before` as deployed, `after` as found; empty if it was deleted."
    )


class Drift(Model):
    """The result of a comparison with the cluster."""

    version: int = Field(default=1, description="Version of this schema.")
    stack: str = Field(description="Name of the stack.")
    simulated: bool = Field(description="Whether the cluster was a simulated one.")
    failure: PreviewFailure | None = Field(
        description="Error that stopped the comparison; null if there was none."
    )
    compared: int = Field(ge=0, description="Number of resources compared.")
    drifted: list[Drifted] = Field(description="Objects that differ, deleted ones first.")


def drift(lines: Iterable[str], *, stack: str, simulated: bool, stderr_tail: str = "") -> Drift:
    """The drift in the events of a preview-only refresh. Raises review.events.EventsError."""
    looked = read(filter(None, map(_as_step, lines)))
    found = changes(looked.steps)
    names = Names(found)
    drifted = [
        Drifted(
            resource=change.label,
            component=change.component,
            deleted=change.op == "delete",
            properties=[] if change.op == "delete" else property_changes(change, names),
        )
        for change in found
        if change.op == "delete" or (change.op == "update" and _changed(change))
    ]
    return Drift(
        stack=stack,
        simulated=simulated,
        failure=failure(
            looked.diagnostics, found, ended=looked.summary is not None, stderr_tail=stderr_tail
        ),
        compared=len(found),
        drifted=sorted(drifted, key=lambda d: (not d.deleted, d.component, d.resource)),
    )


def _changed(change: Change) -> bool:
    """Whether anything but a status differs; statuses belong to the cluster."""
    # Secrets are redacted on both sides: only the engine's list shows that they differ.
    reported = any(not path.startswith("status") for path in change.reported)
    return reported or change.before != change.after


def _as_step(line: str) -> str | None:
    """*line* with the refreshed state as a planned step; None for events before the refresh."""
    if '"resourcePreEvent"' in line:
        return None
    if '"resOutputsEvent"' not in line:
        return line
    event: dict[str, Any] = json.loads(line)
    body = event.get("resOutputsEvent")
    if body is None or body["metadata"]["type"] == STACK_TYPE:
        return None
    return json.dumps({"resourcePreEvent": body})
