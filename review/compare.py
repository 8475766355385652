"""Compare two renders: the changes of a pull request to the resources of the program."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from policies.adapter import kind_of
from policies.checking import check, check_waivers
from policies.levels import level
from policies.rules.model import Finding, Managed, Resource
from policies.stack import stack_policy
from review.build import report
from review.changes import AUTONAMED
from review.events import Preview, State, Step, Summary, Violation
from review.redact import properties
from review.render import PlannedResource, Render
from review.report import Report


def compare(base: Render, head: Render, project: Path | None = None) -> Report:
    """The report of the change from *base* to *head*, with policy findings on *head*.

    *project* is the folder with what the stack declares and waives.
    """
    before = {planned.urn: planned for planned in base.resources}
    after = {planned.urn: planned for planned in head.resources}
    urns = [*after, *(urn for urn in before if urn not in after)]
    preview = Preview(
        steps=[_step(before.get(urn), after.get(urn)) for urn in urns],
        outputs_before=base.outputs,
        outputs_after=head.outputs,
        violations=[*_violations(head, project)],
        summary=Summary(result="succeeded", PolicyPacks={"private-ai": "rules alone"}),
    )
    return report(preview, stack=head.stack, project=project)


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


def _violations(head: Render, project: Path | None) -> Iterable[Violation]:
    waivers, facts = stack_policy(head.stack, project)
    found = [
        Resource(
            kind,
            planned.inputs,
            planned.urn,
            Managed(planned.protect, frozenset(planned.secrets)),
            facts,
        )
        for planned in head.resources
        if (kind := kind_of(planned.type))
    ]
    for finding in (*check(found, waivers=waivers), *check_waivers(found, waivers)):
        yield _violation(finding, head.stack)


def _violation(finding: Finding, stack: str) -> Violation:
    urn = finding.resource.urn if finding.resource else ""
    return Violation.model_validate(
        {
            "resourceUrn": urn,
            "message": finding.message,
            "policyName": finding.rule,
            "policyPackName": "private-ai",
            "enforcementLevel": level(finding.level, urn or f"urn:pulumi:{stack}::").value,
        }
    )
