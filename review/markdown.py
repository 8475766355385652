"""The report as a pull request comment, within the size limit of the forge.

Text from the diff is always in code, where forges do not resolve mentions, links, HTML or emoji.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from review import sections, wording
from review.escape import code
from review.forges import Forge
from review.report import Report

LIMITS = {
    Forge.GITHUB: 65_536,  # "Body is too long (maximum is 65536 characters)"
    Forge.GITLAB: 1_000_000,  # docs.gitlab.com/administration/instance_limits, comments
    Forge.FORGEJO: 65_536,  # no documented limit (a LONGTEXT column); a readable length
}
"""Maximum characters of a comment."""

_NOTE = 1_000
"""Characters reserved for the note on omissions."""


def markdown(report: Report, forge: Forge) -> str:
    """The comment, shortened from the least important part until it fits *forge*."""
    return fitted(report, LIMITS[forge])


def fitted(report: Report, limit: int) -> str:
    """The comment in at most *limit* characters."""
    blocks = _blocks(report)
    size = sum(block.size for block in blocks) + _NOTE
    for block, level in _reductions(blocks):
        if size <= limit:
            break
        size -= block.size
        block.level = level
        size += block.size
    body = "\n\n".join(block.text for block in blocks if block.text)
    dropped = [block.name for block in blocks if block.level]
    if dropped:
        body += "\n\n" + _left_out(report, dropped)
    return body + "\n"


@dataclass
class _Block:
    """A part of the comment, with shorter forms."""

    name: str
    """Its name in the note on omissions."""
    weight: int
    """Blocks with the lowest weight are shortened first."""
    forms: Sequence[str]
    level: int = 0

    @property
    def text(self) -> str:
        return self.forms[self.level]

    @property
    def size(self) -> int:
        """Characters, including the blank line between blocks."""
        return len(self.text) + 2 if self.text else 0


def _reductions(blocks: Iterable[_Block]) -> list[tuple[_Block, int]]:
    """All possible reductions, in the order in which they are applied."""
    steps = [(block, level) for block in blocks for level in range(1, len(block.forms))]
    # All folds lose their differences before any fold is dropped.
    return sorted(steps, key=lambda step: step[0].weight + 50 * (step[1] - 1))


def _left_out(report: Report, dropped: list[str]) -> str:
    unique = list(dict.fromkeys(dropped))
    named = "; ".join(unique[: sections.ITEMS]) + (
        "; and more" if len(unique) > sections.ITEMS else ""
    )
    return (
        f"_Shortened to fit a comment: {named[: _NOTE // 2]}. Full report: artifact"
        f" {code(wording.artifact(report.stack))}._"
    )


def _blocks(report: Report) -> list[_Block]:
    # What reviewers read first is shortened last; lists that repeat from one change to the next
    # (waivers, advice) are counted before any difference goes.
    fixed: list[tuple[str, int, Sequence[Callable[[Report], str]]]] = [
        ("configuration problems", 95, [sections.problems]),
        ("the error", 96, [sections.failure]),
        ("mandatory policy violations", 90, [sections.refusals]),
        ("refused changes", 95, [sections.refused_upgrades]),
        ("service interruptions", 94, [sections.outages]),
        ("data at risk", 93, [sections.losses]),
        ("namespaces of others", 92, [sections.takeovers]),
        ("GPU memory", 79, [sections.headroom]),
        ("who may do what", 85, [sections.access]),
        ("new access", 70, [sections.openings]),
        ("resources", 80, [sections.amounts]),
        ("steps of changes", 92, [sections.upgrade_steps]),
        ("paths between pods", 50, [sections.paths]),
        ("versions", 60, [sections.versions]),
        ("advisory policy violations", 4, [sections.advice, sections.advice_counts]),
        ("waivers", 3, [sections.waivers, sections.waiver_counts]),
    ]
    blocks = [_Block("the verdict", 100, [sections.head(report)])]
    blocks += [
        _Block(name, weight, [*(form(report) for form in forms), ""])
        for name, weight, forms in fixed
        if forms[0](report)
    ]
    grave = {loss.component for loss in report.losses} | {o.component for o in report.outages}
    for component in report.components:
        noise = all(r.noise for r in component.resources)
        weight = 15 if component.name in grave else 5 if noise else 10
        full, short = sections.component(component), sections.component_line(component)
        blocks.append(_Block("property differences and components", weight, [full, short, ""]))
    blocks.append(_Block("the footer", 100, [sections.foot(report)]))
    return blocks
