"""From a preview to its report."""

from collections import Counter
from collections.abc import Iterable, Sequence

from base.problems import Problem
from catalog.prices import prices
from policies.waivers import load
from review import report as of
from review.autoscaled import counted
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
from review.versions import versions


def report(
    preview: Preview,
    *,
    stack: str,
    simulated: bool = False,
    before: Graph | None = None,
    after: Graph | None = None,
    said: str = "",
) -> Report:
    """The report of *preview*. *said* is what the engine wrote outside of its events."""
    found = changes(preview.steps)
    workloads = counted(found)
    names = Names(found)
    old, new = before or Graph(), after or Graph()
    broken = failure(preview.diagnostics, found, ended=preview.summary is not None, said=said)
    told = findings(preview.violations, found)
    components = _components(found, names)
    outputs = (preview.outputs_before, preview.outputs_after)
    return Report(
        stack=stack,
        simulated=simulated,
        verdict=_verdict(broken, told, components),
        complete=broken is None,
        digest=combined(r for c in components for r in c.resources),
        counts=dict(Counter(change.op for change in found)),
        packs=_packs(preview),
        problems=[],
        failure=broken,
        losses=losses(found),
        outages=outages(workloads, old.needed_by),
        # Half a preview knows half of the needs.
        amounts=[] if broken else amounts(workloads, *outputs, prices()),
        headroom=[] if broken else headroom(*outputs),
        findings=told,
        waivers=waivers(found, load()),
        versions=versions(found, *outputs),
        openings=openings(found, *outputs),
        components=components,
        picture=picture(components, old | new),
    )


def refused(stack: str, problems: Sequence[Problem]) -> Report:
    """The report of a configuration that no preview is made of."""
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
    """By name and version; the engine adds the folder of each to its name."""
    ran = preview.summary.policy_packs if preview.summary else {}
    return sorted(f"{name.partition('|')[0]} {version}".strip() for name, version in ran.items())


def _verdict(
    broken: of.Failure | None,
    told: Sequence[of.Finding],
    components: Sequence[of.ComponentChange],
) -> Verdict:
    if broken:
        return Verdict.FAILED
    if any(finding.level == "mandatory" for finding in told):
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
