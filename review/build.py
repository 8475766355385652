"""Build the report of a preview."""

from collections import Counter
from collections.abc import Iterable, Sequence

from base.problems import Problem
from catalog.prices import prices
from policies.waivers import load
from review import report as of
from review.autoscaled import with_minimum_replicas
from review.capacity import amounts, headroom
from review.changes import Change, Names, changes
from review.diff import property_changes
from review.digest import combined, fingerprint
from review.events import Preview
from review.failure import failure
from review.findings import findings, waivers
from review.graph import Graph
from review.losses import losses
from review.openings import openings
from review.outages import outages
from review.picture import picture
from review.report import Report, Verdict
from review.upgrades import upgrades
from review.versions import versions


def report(
    preview: Preview,
    *,
    stack: str,
    simulated: bool = False,
    before: Graph | None = None,
    after: Graph | None = None,
    stderr_tail: str = "",
) -> Report:
    """The report of *preview*; *stderr_tail* is the end of the engine's standard error."""
    found = changes(preview.steps)
    workloads = with_minimum_replicas(found)
    names = Names(found)
    old, new = before or Graph(), after or Graph()
    failed = failure(
        preview.diagnostics, found, ended=preview.summary is not None, stderr_tail=stderr_tail
    )
    violations = findings(preview.violations, found)
    judged = upgrades(found)
    components = _components(found, names)
    outputs = (preview.outputs_before, preview.outputs_after)
    return Report(
        stack=stack,
        simulated=simulated,
        verdict=_verdict(failed, violations, judged, components),
        complete=failed is None,
        digest=combined(r for c in components for r in c.resources),
        counts=Counter[str](change.op for change in found),
        packs=_packs(preview),
        problems=[],
        failure=failed,
        losses=losses(found),
        upgrades=judged,
        outages=outages(workloads, old.needed_by),
        # An incomplete preview does not know all resource requests.
        amounts=[] if failed else amounts(workloads, *outputs, prices()),
        headroom=[] if failed else headroom(*outputs),
        findings=violations,
        waivers=waivers(found, load()),
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
        digest=combined([]),
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
        versions=[],
        openings=[],
        components=[],
        picture=[],
    )


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
