"""What a look at the cluster found, in Markdown for an issue and for the terminal."""

import re

from review import wording
from review.drift import Drift, Drifted
from review.escape import NAME, SENTENCE, code, fence

_LISTED = 50
_LINES = 200
"""Lines of differences in an issue."""

_WAY_OUT = (
    "`PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up --refresh --run-program` brings the cluster back"
    " to the program; if the change is right, put it into the program instead. This issue closes"
    " itself when nothing differs any more."
)


def mark(stack: str) -> str:
    """The first line of the issue: by it the issue of *stack* is found again."""
    name = re.sub(r"[^\w.-]", "_", stack)
    return f"<!-- pai drift: {name} -->"


def title(drift: Drift) -> str:
    """Of the issue; the stack's name is the caller's, the rest is ours."""
    return f"Drift in {drift.stack}: {wording.plural(len(drift.drifted), 'object')}"


def issue(drift: Drift) -> str:
    """The text of the issue while there is drift."""
    listed = [_listed(d) for d in drift.drifted[:_LISTED]]
    if len(drift.drifted) > _LISTED:
        listed.append(f"- and {len(drift.drifted) - _LISTED} more")
    differences = [line for d in drift.drifted for line in _differences(d)]
    shown = "\n".join(differences[:_LINES])
    return "\n".join(
        [
            mark(drift.stack),
            f"{summary(drift, code(drift.stack))} Somebody, or something, changed it since.",
            "",
            *listed,
            "",
            *([fence(shown, "diff", longest=30_000), ""] if shown else []),
            _WAY_OUT,
            "",
        ]
    )


def closed(stack: str) -> str:
    """The last text of the issue."""
    return f"{mark(stack)}\nNothing differs any more: {code(stack)} is as it was deployed.\n"


def terminal(drift: Drift) -> str:
    """For a person; every line of it is inert."""
    lines = [summary(drift, drift.stack)]
    for d in drift.drifted:
        lines.append(f"  {'gone   ' if d.gone else 'changed'} {d.resource} ({d.component})")
        lines += [f"    {line}" for line in _differences(d)[1:]]
    return "\n".join(" ".join(wording.visible(line).splitlines()) for line in lines) + "\n"


def summary(drift: Drift, stack: str) -> str:
    """One sentence; *stack* is its name as the format wants it."""
    if drift.failure:
        return f"{stack}: the look broke off: {drift.failure.message}"
    looked = wording.plural(drift.looked_at, "resource")
    if not drift.drifted:
        return f"{stack}: {looked}, all as deployed."
    gone = sum(d.gone for d in drift.drifted)
    return f"{stack}: of {looked}, {gone} gone and {len(drift.drifted) - gone} changed."


def _listed(d: Drifted) -> str:
    what = "**gone**" if d.gone else "changed"
    paths = ", ".join(code(p.path, NAME) for p in d.properties if not p.noise)
    where = f": {paths}" if paths else ""
    return f"- {what} {code(d.resource, SENTENCE)} of {code(d.component)}{where}"


def _differences(d: Drifted) -> list[str]:
    if d.gone:
        return []
    told = [
        line
        for p in d.properties
        if not p.noise
        for line in (f"@@ {p.path} @@", *wording.signed(p))
    ]
    return [f"# {d.resource}", *told]
