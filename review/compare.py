"""From two renders to a report: what a pull request changes in what the program asks for."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from policies import waivers as waiving
from policies.adapter import kind_of
from policies.checking import check
from policies.levels import level
from policies.rules.model import Finding, Managed, Resource
from review.build import report
from review.changes import AUTONAMED
from review.events import Preview, State, Step, Summary, Violation
from review.redact import properties
from review.render import Asked, Render
from review.report import Report


def compare(base: Render, head: Render) -> Report:
    """The report of going from *base* to *head*, with the policies' findings on *head*."""
    before = {asked.urn: asked for asked in base.resources}
    after = {asked.urn: asked for asked in head.resources}
    urns = [*after, *(urn for urn in before if urn not in after)]
    preview = Preview(
        steps=[_step(before.get(urn), after.get(urn)) for urn in urns],
        outputs_before=base.outputs,
        outputs_after=head.outputs,
        violations=[*_violations(head.resources)],
        summary=Summary(result="succeeded", PolicyPacks={"private-ai": "rules alone"}),
    )
    return report(preview, stack=head.stack)


def _step(old: Asked | None, new: Asked | None) -> Step:
    known = new or old
    if known is None:
        raise ValueError
    op: Literal["create", "update", "delete", "same"]
    if old is None or new is None:
        op = "create" if old is None else "delete"
    else:
        op = "same" if old.inputs == new.inputs else "update"
    return Step(op=op, urn=known.urn, type=known.type, old=_state(old), new=_state(new))


def _state(asked: Asked | None) -> State | None:
    """*asked* cleaned as every other state is, under the name that the provider would make up."""
    if asked is None:
        return None
    inputs = dict(asked.inputs)
    if asked.type.startswith("kubernetes:"):
        inputs["metadata"] = _named(asked, inputs.get("metadata") or {})
    cleaned = properties(asked.type, inputs)
    return State.model_validate({**asked.model_dump(by_alias=True), "inputs": cleaned})


def _named(asked: Asked, metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    if metadata.get("name"):
        return metadata
    annotations = {**(metadata.get("annotations") or {}), AUTONAMED: "true"}
    return {**metadata, "name": asked.urn.rsplit("::", 1)[-1], "annotations": annotations}


def _violations(resources: Iterable[Asked]) -> Iterable[Violation]:
    found = [
        Resource(kind, asked.inputs, asked.urn, Managed(asked.protect, frozenset(asked.secrets)))
        for asked in resources
        if (kind := kind_of(asked.type))
    ]
    for finding in check(found, waivers=waiving.load()):
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
