"""What differs in the cluster from what was deployed: nothing planned, only what somebody changed.

A refresh that only looks tells it: of every resource of the state the engine reads the object and
says, after that, whether it is the same, another, or gone. Objects that the stack never made are
not looked at.
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
from review.report import Failure, PropertyChange


class Drifted(Model):
    """One object that is not as it was deployed."""

    resource: str = Field(description="Kind and name, such as `Deployment keycloak`.")
    component: str = Field(description="The component that it belongs to.")
    gone: bool = Field(description="Whether it is not there any more.")
    properties: list[PropertyChange] = Field(
        description="What differs: `before` as deployed, `after` as found; empty for what is gone."
    )


class Drift(Model):
    """What a look at the cluster found."""

    version: int = Field(default=1, description="Of this schema.")
    stack: str = Field(description="Name of the stack.")
    simulated: bool = Field(description="Whether the cluster was a simulated one.")
    failure: Failure | None = Field(description="Why the look broke off, if it did.")
    looked_at: int = Field(ge=0, description="Resources that were compared.")
    drifted: list[Drifted] = Field(description="What differs, the gone first.")


def drift(lines: Iterable[str], *, stack: str, simulated: bool, said: str = "") -> Drift:
    """What the engine's events of a refresh come to. Raises review.events EventsError."""
    looked = read(filter(None, map(_as_step, lines)))
    found = changes(looked.steps)
    names = Names(found)
    drifted = [
        Drifted(
            resource=change.label,
            component=change.component,
            gone=change.op == "delete",
            properties=[] if change.op == "delete" else property_changes(change, names),
        )
        for change in found
        if change.op == "delete" or (change.op == "update" and _changed(change))
    ]
    return Drift(
        stack=stack,
        simulated=simulated,
        failure=failure(looked.diagnostics, found, ended=looked.summary is not None, said=said),
        looked_at=len(found),
        drifted=sorted(drifted, key=lambda d: (not d.gone, d.component, d.resource)),
    )


def _changed(change: Change) -> bool:
    """Whether anything but a status differs, which is the cluster's own business."""
    # Of a secret both sides are blinded: that it differs is in the engine's own list alone.
    noted = any(not path.startswith("status") for path in change.noted)
    return noted or change.before != change.after


def _as_step(line: str) -> str | None:
    """*line* with the result of a look in the place of a plan; None for the look's beginning."""
    if '"resourcePreEvent"' in line:
        return None
    if '"resOutputsEvent"' not in line:
        return line
    event: dict[str, Any] = json.loads(line)
    said = event.get("resOutputsEvent")
    if said is None or said["metadata"]["type"] == STACK_TYPE:
        return None
    return json.dumps({"resourcePreEvent": said})
