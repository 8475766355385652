"""Build the report of a preview."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from base.problems import Problem
from catalog.prices import prices
from policies.stack import stack_policy
from review import report as of
from review.access import access
from review.autoscaled import with_minimum_replicas
from review.capacity import amounts, headroom
from review.changes import NO_COMPONENT, Change, Names, changes
from review.diff import property_changes
from review.digest import combined, fingerprint
from review.events import Preview
from review.failure import failure
from review.findings import findings, waivers
from review.graph import Graph
from review.losses import losses
from review.openings import openings
from review.outages import outages
from review.outputs import outputs_change
from review.picture import picture
from review.report import Report, Verdict
from review.upgrades import upgrades
from review.versions import versions

TAKES_OVER = "Takes over Namespace "
"""Begins the program's warning about a namespace that it adopts."""


def report(
    preview: Preview,
    *,
    stack: str,
    project: Path | None = None,
    simulated: bool = False,
    before: Graph | None = None,
    after: Graph | None = None,
    stderr_tail: str = "",
) -> Report:
    """The report of *preview*; *stderr_tail* is the end of the engine's standard error.

    *project* is the folder with what the stack declares and waives.
    """
    found = changes(preview.steps)
    workloads = with_minimum_replicas(found)
    names = Names(found)
    old, new = before or Graph(), after or Graph()
    failed = failure(
        preview.diagnostics, found, ended=preview.summary is not None, stderr_tail=stderr_tail
    )
    violations = findings(preview.violations, found)
    judged = upgrades(found)
    outputs = (preview.outputs_before, preview.outputs_after)
    components = _components(found, names)
    if not failed and (told := outputs_change(*outputs, names)):
        components = _with(components, told)
    return Report(
        stack=stack,
        simulated=simulated,
        verdict=_verdict(failed, violations, judged, components),
        complete=failed is None,
        digest="" if failed else combined(r for c in components for r in c.resources),
        counts=Counter[str](change.op for change in found),
        packs=_packs(preview),
        problems=[],
        failure=failed,
        losses=losses(found),
        upgrades=judged,
        outages=outages(workloads, old.needed_by),
        takeovers=_takeovers(preview),
        # An incomplete preview does not know all resource requests.
        amounts=[] if failed else amounts(workloads, *outputs, prices()),
        headroom=[] if failed else headroom(*outputs),
        findings=violations,
        waivers=waivers(found, *stack_policy(stack, project)),
        access=[] if failed else access(found, *outputs),
        versions=versions(found, *outputs),
        openings=openings(found, *outputs),
        components=components,
        picture=picture(components, old | new),
    )


def refused(stack: str, problems: Sequence[Problem]) -> Report:
    """The report of an invalid configuration, which is not previewed."""
    return Report(
        stack=stack,
        simulated=False,
        verdict=Verdict.DOES_NOT_FIT,
        complete=False,
        digest="",
        counts={},
        packs=[],
        problems=list(problems),
        failure=None,
        losses=[],
        outages=[],
        amounts=[],
        headroom=[],
        findings=[],
        waivers=[],
        access=[],
        versions=[],
        openings=[],
        components=[],
        picture=[],
    )


def _takeovers(preview: Preview) -> list[str]:
    """What the program warns about (components/existing/namespaces.py): no plan has it."""
    return [
        d.message.strip()
        for d in preview.diagnostics
        if d.severity == "warning" and d.message.startswith(TAKES_OVER)
    ]


def _packs(preview: Preview) -> list[str]:
    """Name and version of each pack; the engine appends the folder to the name."""
    ran = preview.summary.policy_packs if preview.summary else {}
    return sorted(f"{name.partition('|')[0]} {version}".strip() for name, version in ran.items())


def _verdict(
    failed: of.PreviewFailure | None,
    violations: Sequence[of.PolicyFinding],
    judged: Sequence[of.Upgrade],
    components: Sequence[of.ComponentChange],
) -> Verdict:
    refused = {upgrade.resource for upgrade in judged if upgrade.effect == "refused"}
    if failed and failed.resource not in refused:
        return Verdict.FAILED
    if refused or any(finding.level == "mandatory" for finding in violations):
        return Verdict.REFUSED
    return Verdict.CHANGES if components else Verdict.CLEAN


def _with(
    components: list[of.ComponentChange], told: of.ResourceChange
) -> list[of.ComponentChange]:
    """*components* with a change of the stack itself."""
    [stack] = [c for c in components if c.name == NO_COMPONENT and not c.kind] or [
        of.ComponentChange(name=NO_COMPONENT, kind="", resources=[])
    ]
    changed = stack.model_copy(update={"resources": [*stack.resources, told]})
    return [*(c for c in components if c is not stack), changed]


def _components(found: Iterable[Change], names: Names) -> list[of.ComponentChange]:
    by_name: dict[tuple[str, str], list[of.ResourceChange]] = {}
    for change in found:
        if change.op == "same":
            continue
        by_name.setdefault((change.component, change.component_kind), []).append(
            of.ResourceChange(
                urn=change.urn,
                resource=change.label,
                op=change.op,
                properties=property_changes(change, names),
                fingerprint=fingerprint(change, names),
            )
        )
    return [
        of.ComponentChange(name=name, kind=kind, resources=resources)
        for (name, kind), resources in by_name.items()
    ]
