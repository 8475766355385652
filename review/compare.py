"""Compare two renders: the changes of a pull request to the resources of the program."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from policies.adapter import kind_of
from policies.checking import check
from policies.levels import level
from policies.rules.model import Finding, Managed, Resource
from policies.waivers import load
from review.build import report
from review.changes import AUTONAMED
from review.events import Preview, State, Step, Summary, Violation
from review.redact import properties
from review.render import PlannedResource, Render
from review.report import Report


def compare(base: Render, head: Render) -> Report:
    """The report of the change from *base* to *head*, with policy findings on *head*."""
    before = {planned.urn: planned for planned in base.resources}
    after = {planned.urn: planned for planned in head.resources}
    urns = [*after, *(urn for urn in before if urn not in after)]
    preview = Preview(
        steps=[_step(before.get(urn), after.get(urn)) for urn in urns],
        outputs_before=base.outputs,
        outputs_after=head.outputs,
        violations=[*_violations(head.resources)],
        summary=Summary(result="succeeded", PolicyPacks={"private-ai": "rules alone"}),
    )
    return report(preview, stack=head.stack)


def _step(old: PlannedResource | None, new: PlannedResource | None) -> Step:
    known = new or old
    if known is None:
        raise ValueError
    op: Literal["create", "update", "delete", "same"]
    if old is None or new is None:
        op = "create" if old is None else "delete"
    else:
        op = "same" if old.inputs == new.inputs else "update"
    return Step(op=op, urn=known.urn, type=known.type, old=_state(old), new=_state(new))


def _state(planned: PlannedResource | None) -> State | None:
    """*planned* with secrets removed, under the name that the provider would generate."""
    if planned is None:
        return None
    inputs = dict(planned.inputs)
    if planned.type.startswith("kubernetes:"):
        inputs["metadata"] = _named(planned, inputs.get("metadata") or {})
    cleaned = properties(planned.type, inputs)
    return State.model_validate({**planned.model_dump(by_alias=True), "inputs": cleaned})


def _named(planned: PlannedResource, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    if metadata.get("name"):
        return metadata
    annotations = {**(metadata.get("annotations") or {}), AUTONAMED: "true"}
    return {**metadata, "name": planned.urn.rsplit("::", 1)[-1], "annotations": annotations}


def _violations(resources: Iterable[PlannedResource]) -> Iterable[Violation]:
    found = [
        Resource(
            kind, planned.inputs, planned.urn, Managed(planned.protect, frozenset(planned.secrets))
        )
        for planned in resources
        if (kind := kind_of(planned.type))
    ]
    for finding in check(found, waivers=load()):
        yield _violation(finding)


def _violation(finding: Finding) -> Violation:
    urn = finding.resource.urn if finding.resource else ""
    return Violation.model_validate(
        {
            "resourceUrn": urn,
            "message": finding.message,
            "policyName": finding.rule,
            "policyPackName": "private-ai",
            "enforcementLevel": level(finding.level, urn).value,
        }
    )
