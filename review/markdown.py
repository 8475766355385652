"""The report as a comment on a pull request, within what a forge takes.

Everything from the diff is in code, in which no forge resolves mentions, links, HTML or emoji.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from review import sections, wording
from review.escape import code
from review.report import Report


class Forge(StrEnum):
    """Whose comments."""

    GITHUB = "github"
    GITLAB = "gitlab"
    FORGEJO = "forgejo"


LIMITS = {
    Forge.GITHUB: 65_536,  # "Body is too long (maximum is 65536 characters)"
    Forge.GITLAB: 1_000_000,  # docs.gitlab.com/administration/instance_limits, comments
    Forge.FORGEJO: 65_536,  # it states none (a LONGTEXT column); what a page shows well
}
"""Characters of a comment."""

_NOTE = 1_000
"""Characters kept for saying what was left out."""


def markdown(report: Report, forge: Forge) -> str:
    """The comment; what is least important is left out until *forge* takes it."""
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
    """A part of the comment, and shorter forms of it down to nothing."""

    name: str
    """How the note about what was left out calls it."""
    weight: int
    """The lightest is shortened first."""
    forms: Sequence[str]
    level: int = 0

    @property
    def text(self) -> str:
        return self.forms[self.level]

    @property
    def size(self) -> int:
        """Characters, with the blank line between blocks."""
        return len(self.text) + 2 if self.text else 0


def _reductions(blocks: Iterable[_Block]) -> list[tuple[_Block, int]]:
    """All that can be shortened, in the order in which it is."""
    steps = [(block, level) for block in blocks for level in range(1, len(block.forms))]
    # Every fold loses its differences before any loses its only line.
    return sorted(steps, key=lambda step: step[0].weight + 50 * (step[1] - 1))


def _left_out(report: Report, dropped: list[str]) -> str:
    unique = list(dict.fromkeys(dropped))
    named = "; ".join(unique[: sections.ITEMS]) + (
        "; and more" if len(unique) > sections.ITEMS else ""
    )
    return (
        f"_Shortened to fit into a comment: {named[: _NOTE // 2]}. The whole report is the"
        f" artifact {code(wording.artifact(report.stack))}._"
    )


def _blocks(report: Report) -> list[_Block]:
    fixed: list[tuple[str, int, Callable[[Report], str]]] = [
        ("what is wrong", 95, sections.problems),
        ("the error", 96, sections.failure),
        ("policies that refuse", 90, sections.refusals),
        ("what stops serving", 94, sections.outages),
        ("data at stake", 93, sections.losses),
        ("resources", 80, sections.amounts),
        ("GPU memory of models", 79, sections.headroom),
        ("openings", 70, sections.openings),
        ("versions", 60, sections.versions),
        ("advice of policies", 30, sections.advice),
        ("waivers", 20, sections.waivers),
    ]
    blocks = [_Block("the verdict", 100, [sections.head(report)])]
    blocks += [
        _Block(name, weight, [text, ""]) for name, weight, of in fixed if (text := of(report))
    ]
    grave = {loss.component for loss in report.losses} | {o.component for o in report.outages}
    for component in report.components:
        noise = all(r.noise for r in component.resources)
        weight = 15 if component.name in grave else 5 if noise else 10
        full, short = sections.component(component), sections.component_line(component)
        blocks.append(_Block("property differences and components", weight, [full, short, ""]))
    blocks.append(_Block("the footer", 100, [sections.foot(report)]))
    return blocks
