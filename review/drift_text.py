"""Drift reports, in Markdown for an issue and for the terminal."""

import re

from review import wording
from review.drift import Drift, Drifted
from review.escape import NAME, SENTENCE, code, fence

_LISTED = 50
"""Objects listed in an issue."""
_LINES = 200
"""Lines of differences in an issue."""

_FIX = (
    "To restore the deployed state, run"
    " `PULUMI_K8S_ENABLE_PATCH_FORCE=true pulumi up --refresh --run-program`. To keep a change, add"
    " it to the program. This issue is closed automatically when nothing differs."
)


def mark(stack: str) -> str:
    """First line of the issue, which identifies the issue of *stack*."""
    name = re.sub(r"[^\w.-]", "_", stack)
    return f"<!-- pai drift: {name} -->"


def title(drift: Drift) -> str:
    """Title of the issue."""
    return f"Drift in {drift.stack}: {wording.plural(len(drift.drifted), 'object')}"


def issue(drift: Drift) -> str:
    """Text of the issue while there is drift."""
    listed = [_listed(d) for d in drift.drifted[:_LISTED]]
    if len(drift.drifted) > _LISTED:
        listed.append(f"- and {len(drift.drifted) - _LISTED} more")
    differences = [line for d in drift.drifted for line in _differences(d)]
    shown = "\n".join(differences[:_LINES])
    return "\n".join(
        [
            mark(drift.stack),
            f"{summary(drift, code(drift.stack))}",
            "",
            *listed,
            "",
            *([fence(shown, "diff", longest=30_000), ""] if shown else []),
            _FIX,
            "",
        ]
    )


def closed(stack: str) -> str:
    """Text of the issue when it is closed."""
    return f"{mark(stack)}\nNo drift: {code(stack)} matches its last deployment.\n"


def terminal(drift: Drift) -> str:
    """Text for the terminal, without control characters."""
    lines = [summary(drift, drift.stack)]
    for d in drift.drifted:
        lines.append(f"  {'deleted' if d.deleted else 'changed'} {d.resource} ({d.component})")
        lines += [f"    {line}" for line in _differences(d)[1:]]
    return "\n".join(" ".join(wording.visible(line).splitlines()) for line in lines) + "\n"


def summary(drift: Drift, stack: str) -> str:
    """One sentence; *stack* is the name, escaped for the format."""
    if drift.failure:
        return f"{stack}: the comparison failed: {drift.failure.message}"
    compared = wording.plural(drift.compared, "resource")
    if not drift.drifted:
        return f"{stack}: {compared} compared, no drift."
    deleted = sum(d.deleted for d in drift.drifted)
    changed = len(drift.drifted) - deleted
    return (
        f"{stack}: {compared} compared, {changed} changed and {deleted} deleted since deployment."
    )


def _listed(d: Drifted) -> str:
    what = "**deleted**" if d.deleted else "changed"
    paths = ", ".join(code(p.path, NAME) for p in d.properties if not p.noise)
    where = f": {paths}" if paths else ""
    return f"- {what} {code(d.resource, SENTENCE)} in {code(d.component)}{where}"


def _differences(d: Drifted) -> list[str]:
    if d.deleted:
        return []
    lines = [
        line
        for p in d.properties
        if not p.noise
        for line in (f"@@ {p.path} @@", *wording.signed(p))
    ]
    return [f"# {d.resource}", *lines]
